/**
 * The jobs of one worker, which take turns: each goes on for a few milliseconds. Between two turns
 * messages are read, but only if there are some: that costs a millisecond, since in Deno whatever is
 * faster than a timer keeps messages waiting for a second. Without I/O: messages come in and go out
 * through functions.
 */

import { messageOf, unreachable } from "../../cluster/errors.ts";
import { Fifo } from "../../cluster/fifo.ts";
import { Arena } from "../arena.ts";
import { Images } from "./images.ts";
import { type Job, JobOutput } from "./job.ts";
import type { FromWorker, JobId, JobSpec, ToJobs } from "./messages.ts";
import { ProgramJob } from "./program_job.ts";
import { SessionJob } from "./session_job.ts";

/** Turns of those who have been woken before one of those who compute. */
const MAX_WOKEN_IN_ROW = 8;

export interface JobsOptions {
  readonly post: (message: FromWorker) => void;
  /** Whether messages have come that were not read yet. */
  readonly hasMail: () => boolean;
  /** Calls a function when messages that have come were read. */
  readonly later: (run: () => void) => void;
}

export class Jobs {
  readonly #options: JobsOptions;
  readonly #jobs = new Map<JobId, Job>();
  readonly #sessions = new Map<JobId, SessionJob>();
  readonly #images = new Images();
  /** Jobs with something to do, each once: those that have been woken, and those that used a slice up. */
  readonly #woken = new Fifo<JobId>();
  readonly #spent = new Fifo<JobId>();
  /** How many of the woken had their turn in a row. */
  #wokenInRow = 0;
  readonly #isReady = new Set<JobId>();
  /** Of all programs; a new one when none is left, so that memory is given back. */
  #arena = new Arena();
  #programs = 0;
  #awake = false;

  constructor(options: JobsOptions) {
    this.#options = options;
  }

  receive(message: ToJobs): void {
    this.#take(message);
    this.#goOn();
  }

  #take(message: ToJobs): void {
    if (message.type === "ask") return this.#tellStatus();
    const { job: id } = message;
    if (message.type === "start") return this.#guard(id, () => this.#start(id, message.spec));
    const job = this.#jobs.get(id);
    // It has ended, which the other side has still to hear.
    if (job === undefined) return;
    this.#guard(id, () => {
      switch (message.type) {
        case "input":
          return this.#sessions.get(id)?.receive(message.input);
        case "answer":
          return this.#sessions.get(id)?.answer(message.answer);
        case "taken":
          return job.output.taken(message.bytes);
        case "kill":
          return job.kill();
        default:
          unreachable(message);
      }
    });
    this.#wake(id);
  }

  #start(id: JobId, spec: JobSpec): void {
    const { post } = this.#options;
    const output = new JobOutput(
      id,
      spec.unreadBytes,
      (job, bytes) => post({ type: "output", job, bytes }),
    );
    if (spec.kind === "session") {
      const session = new SessionJob(spec, output, {
        wants: (wants) => post({ type: "wants", job: id, wants }),
        request: (request) => {
          output.flush();
          post({ type: "request", job: id, request });
        },
      });
      this.#sessions.set(id, session);
      this.#jobs.set(id, session);
    } else {
      const program = new ProgramJob(spec, output, this.#arena, this.#images);
      this.#jobs.set(id, program);
      this.#programs++;
      if (program.end?.kind !== "refused") post({ type: "started", job: id });
    }
    this.#wake(id);
  }

  #wake(id: JobId): void {
    if (this.#isReady.has(id) || !this.#jobs.has(id)) return;
    this.#isReady.add(id);
    this.#woken.push(id);
  }

  /** At once, if nothing has been going on: a line that is short is answered without a timer. */
  #goOn(): void {
    if (!this.#awake && this.#isReady.size > 0) this.#takeTurns();
  }

  #takeTurns(): void {
    const { hasMail, later } = this.#options;
    let id: JobId | undefined;
    while (!hasMail() && (id = this.#next()) !== undefined) {
      this.#isReady.delete(id);
      const running = id;
      this.#guard(running, () => this.#run(running));
    }
    this.#awake = this.#isReady.size > 0;
    if (this.#awake) later(() => this.#takeTurns());
  }

  /** A line that is typed does not wait for all who compute; but neither do these wait for ever. */
  #next(): JobId | undefined {
    const isWoken = this.#woken.length > 0 &&
      (this.#wokenInRow < MAX_WOKEN_IN_ROW || this.#spent.length === 0);
    this.#wokenInRow = isWoken ? this.#wokenInRow + 1 : 0;
    return isWoken ? this.#woken.shift() : this.#spent.shift();
  }

  #run(id: JobId): void {
    const job = this.#jobs.get(id);
    if (job === undefined) return;
    const hasMore = job.run();
    job.output.flush();
    if (job.end !== undefined) {
      this.#options.post({ type: "ended", job: id, end: job.end });
      this.#forget(id, job);
    } else if (hasMore) {
      this.#isReady.add(id);
      this.#spent.push(id);
    }
  }

  #forget(id: JobId, job: Job): void {
    this.#jobs.delete(id);
    if (this.#sessions.delete(id)) return;
    job.release();
    this.#programs--;
    if (this.#programs === 0) this.#arena = new Arena();
  }

  /** A fault of ours ends the one job, and no other. */
  #guard(id: JobId, run: () => void): void {
    try {
      run();
    } catch (error) {
      const text = messageOf(error);
      this.#options.post({ type: "ended", job: id, end: { kind: "failed", text } });
      const job = this.#jobs.get(id);
      if (job !== undefined) this.#forget(id, job);
    }
  }

  #tellStatus(): void {
    const jobs = [...this.#jobs].map(([job, { status }]) => ({ job, ...status }));
    this.#options.post({ type: "status", jobs });
  }
}
