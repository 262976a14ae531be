/** What all sessions and programs of a process share: workers, limits, and the list of programs. */

import type { Log } from "../cluster/log.ts";
import { Background } from "./background.ts";
import type { VmLimits } from "./limits.ts";
import { WorkerPool } from "./workers/pool.ts";

export interface WorkshopOptions {
  readonly limits: VmLimits;
  /** Workers at most; they are started when they are needed. */
  readonly threads: number;
  readonly log: Log;
}

export class Workshop {
  readonly limits: VmLimits;
  readonly pool: WorkerPool;
  readonly background: Background;

  constructor({ limits, threads, log }: WorkshopOptions) {
    this.limits = limits;
    this.pool = new WorkerPool({ threads, log });
    this.background = new Background(this.pool, limits);
  }

  /** Ends everything that runs. */
  close(): void {
    this.pool.close();
  }
}
