/** What a worker does with each of its jobs, and the output that all kinds of them have. */

import { OutputBuffer } from "../output_buffer.ts";
import type { JobEnd, JobId, JobStatus } from "./messages.ts";

export interface Job {
  /** Goes on for a few milliseconds at most; whether there is more to do at once. */
  run(): boolean;
  readonly output: JobOutput;
  readonly status: Omit<JobStatus, "job">;
  /** Set when it is over. */
  readonly end: JobEnd | undefined;
  kill(): void;
  /** Gives back what it has in the worker. */
  release(): void;
}

/** Output that is sent as it comes, while not too much of it waits to be taken. */
export class JobOutput {
  readonly #job: JobId;
  readonly #limitBytes: number;
  readonly #send: (job: JobId, bytes: Uint8Array<ArrayBuffer>) => void;
  readonly #buffer = new OutputBuffer();
  #sentBytes = 0;

  constructor(
    job: JobId,
    limitBytes: number,
    send: (job: JobId, bytes: Uint8Array<ArrayBuffer>) => void,
  ) {
    this.#job = job;
    this.#limitBytes = limitBytes;
    this.#send = send;
  }

  get hasRoom(): boolean {
    return this.#sentBytes + this.#buffer.length < this.#limitBytes;
  }

  write(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#buffer.add(bytes.slice());
  }

  flush(): void {
    if (this.#buffer.length === 0) return;
    const bytes = this.#buffer.take();
    this.#sentBytes += bytes.length;
    this.#send(this.#job, bytes);
  }

  taken(bytes: number): void {
    this.#sentBytes -= bytes;
  }
}
