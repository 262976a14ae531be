/** Programs in the background: PIDs, a list, kill, and what is told of their ends. */

import { createHash } from "node:crypto";
import { Problem } from "../cluster/errors.ts";
import { endText, eventLines } from "./events.ts";
import type { VmLimits } from "./limits.ts";
import { PrefixedLines } from "./prefixed_lines.ts";
import type { JobEnd, JobStatus } from "./workers/messages.ts";
import type { JobHandle, WorkerPool } from "./workers/pool.ts";

export type Pid = number;

/** PIDs count up to here, as in the original, and begin again. */
const MAX_PID = 50_000;

/** Who started programs, and hears of them. */
export interface Owner {
  readonly name: string;
  /** Lines of output, each with the PID in front; a promise holds back more. */
  output(lines: readonly string[]): void | Promise<void>;
  ended(end: ProgramEnd): void;
}

/** How a program ended, as text. */
export interface ProgramEnd {
  readonly headline: string;
  /** Iridium's, with their times. */
  readonly events: readonly string[];
  /** Why it is no program. */
  readonly messages: readonly string[];
}

export interface ProgramReport {
  readonly pid: Pid;
  readonly name: string;
  readonly owner: string;
  readonly state: JobStatus["state"];
  /** Fuel used so far. */
  readonly instructions: number;
  readonly startedAtMs: number;
}

interface Running {
  readonly pid: Pid;
  readonly name: string;
  readonly owner: Owner;
  readonly imageKey: string;
  readonly startedAtMs: number;
  readonly job: JobHandle;
}

export class Background {
  readonly #pool: Pick<WorkerPool, "start" | "status">;
  readonly #limits: VmLimits;
  readonly #programs = new Map<Pid, Running>();
  /** How many programs run each image. */
  readonly #images = new Map<string, number>();
  #lastPid = 0;

  constructor(pool: Pick<WorkerPool, "start" | "status">, limits: VmLimits) {
    this.#pool = pool;
    this.#limits = limits;
  }

  get count(): number {
    return this.#programs.size;
  }

  /** Starts a program, source or image. Throws a {@link Problem} if there are too many. */
  spawn(name: string, bytes: Uint8Array, owner: Owner): Pid {
    const { backgroundPrograms, images, machine, unreadBytes, fuel } = this.#limits;
    if (this.#programs.size >= backgroundPrograms) {
      throw new Problem(`${backgroundPrograms} programs run in the background already`, {
        hint: "end some: !kill PID, or toolkit vm kill PID; or raise vm.limits.background_programs",
      });
    }
    const imageKey = createHash("sha256").update(bytes).digest("hex");
    if (!this.#images.has(imageKey) && this.#images.size >= images) {
      throw new Problem(`${images} different programs run in the background already`, {
        hint: "end some: !kill PID, or toolkit vm kill PID; or raise vm.limits.images",
      });
    }
    this.#images.set(imageKey, (this.#images.get(imageKey) ?? 0) + 1);
    const pid = this.#nextPid();
    const lines = new PrefixedLines(`[${pid}] `);
    const startedAtMs = Date.now();
    const job = this.#pool.start({
      kind: "program",
      name,
      bytes,
      imageKey,
      limits: machine,
      unreadBytes,
      ...fuel === Infinity ? {} : { fuelLimit: fuel },
    }, {
      output: (bytes) => owner.output(lines.add(bytes)),
      ended: (end) => {
        void owner.output(lines.end());
        this.#forget(pid, imageKey);
        owner.ended(programEnd(pid, name, end));
      },
    });
    this.#programs.set(pid, { pid, name, owner, imageKey, startedAtMs, job });
    return pid;
  }

  /** Those of one owner, or all. */
  async list(owner?: Owner): Promise<ProgramReport[]> {
    const status = await this.#pool.status();
    const reports: ProgramReport[] = [];
    for (const { pid, name, owner: whose, startedAtMs, job } of this.#programs.values()) {
      if (owner !== undefined && owner !== whose) continue;
      const { state = "running", instructions = 0 } = status.get(job.id) ?? {};
      reports.push({ pid, name, owner: whose.name, state, instructions, startedAtMs });
    }
    return reports;
  }

  /** False if there is none of that PID, or it is somebody else's. */
  kill(pid: Pid, owner?: Owner): boolean {
    const program = this.#programs.get(pid);
    if (program === undefined || owner !== undefined && program.owner !== owner) return false;
    program.job.kill();
    return true;
  }

  killAll(owner: Owner): void {
    for (const { owner: whose, job } of this.#programs.values()) if (whose === owner) job.kill();
  }

  #nextPid(): Pid {
    do this.#lastPid = this.#lastPid % MAX_PID + 1; while (this.#programs.has(this.#lastPid));
    return this.#lastPid;
  }

  #forget(pid: Pid, imageKey: string): void {
    this.#programs.delete(pid);
    const users = this.#images.get(imageKey)! - 1;
    if (users === 0) this.#images.delete(imageKey);
    else this.#images.set(imageKey, users);
  }
}

function programEnd(pid: Pid, name: string, end: JobEnd): ProgramEnd {
  const isRun = end.kind === "stopped" || end.kind === "trapped";
  return {
    headline: `program ${pid} (${name}): ${endText(end)}`,
    events: isRun ? eventLines(end.events, end) : [],
    messages: end.kind === "refused" ? end.messages : [],
  };
}
