/**
 * Workers that run programs and sessions, so that the thread which owns sockets never does. A worker
 * is started when it is needed; each job goes to the one with the fewest.
 */

import { assert, unreachable } from "../../cluster/errors.ts";
import type { Log } from "../../cluster/log.ts";
import type { SessionInput, Wants } from "../repl/channel.ts";
import type { Answer, Request } from "../repl/requests.ts";
import type {
  FromWorker,
  JobEnd,
  JobId,
  JobSpec,
  JobStatus,
  ToJobs,
  ToWorker,
} from "./messages.ts";

/** What is told of a job. Nothing is told after its end. */
export interface JobHandlers {
  /** A promise holds back more output until it is settled. */
  output(bytes: Uint8Array): void | Promise<void>;
  ended(end: JobEnd): void;
  /** Only of programs. */
  readonly started?: () => void;
  readonly wants?: (wants: Wants) => void;
  readonly request?: (request: Request) => void;
}

/** One job, as its owner has it. */
export interface JobHandle {
  readonly id: JobId;
  input(input: SessionInput): void;
  answer(answer: Answer): void;
  /** Its end is told as that of others is. */
  kill(): void;
}

interface Thread {
  readonly worker: Worker;
  /** Messages sent to it, for it to see that there are some while it is busy. */
  readonly sent: Int32Array;
  readonly jobs: Map<JobId, JobHandlers>;
  /** Those who asked for its status. */
  readonly asking: ((jobs: readonly JobStatus[]) => void)[];
}

export interface PoolOptions {
  /** Workers at most. */
  readonly threads: number;
  readonly log: Log;
}

export class WorkerPool {
  readonly #options: PoolOptions;
  readonly #threads: Thread[] = [];
  #nextJob = 1;
  #closed = false;

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  /** Workers that run at the moment. */
  get threads(): number {
    return this.#threads.length;
  }

  start(spec: JobSpec, handlers: JobHandlers): JobHandle {
    assert(!this.#closed, "the pool is open");
    const thread = this.#threadForOneMore();
    const job = this.#nextJob++;
    thread.jobs.set(job, handlers);
    const send = (message: ToJobs) => post(thread, message);
    // The bytes of a program are the worker's from now on.
    post(thread, { type: "start", job, spec }, "bytes" in spec ? [spec.bytes.buffer] : []);
    return {
      id: job,
      input: (input) => send({ type: "input", job, input }),
      answer: (answer) =>
        post(
          thread,
          { type: "answer", job, answer },
          "bytes" in answer ? [answer.bytes.buffer] : [],
        ),
      kill: () => send({ type: "kill", job }),
    };
  }

  /** What the jobs of all workers do. */
  async status(): Promise<ReadonlyMap<JobId, JobStatus>> {
    const lists = await Promise.all(this.#threads.map((thread) => {
      const { promise, resolve } = Promise.withResolvers<readonly JobStatus[]>();
      thread.asking.push(resolve);
      post(thread, { type: "ask" });
      return promise;
    }));
    return new Map(lists.flat().map((status) => [status.job, status]));
  }

  /** Ends all workers where they are. */
  close(): void {
    this.#closed = true;
    for (const thread of this.#threads.splice(0)) {
      thread.worker.terminate();
      for (const resolve of thread.asking) resolve([]);
    }
  }

  #threadForOneMore(): Thread {
    const least = this.#threads.toSorted((a, b) => a.jobs.size - b.jobs.size)[0];
    const isBusy = least === undefined || least.jobs.size > 0;
    return isBusy && this.#threads.length < this.#options.threads ? this.#startThread() : least!;
  }

  #startThread(): Thread {
    const worker = new Worker(new URL("./worker.ts", import.meta.url), {
      type: "module",
      name: `vm ${this.#threads.length + 1}`,
    });
    const sent = new Int32Array(new SharedArrayBuffer(4));
    const thread: Thread = { worker, sent, jobs: new Map(), asking: [] };
    post(thread, { type: "hello", sent });
    worker.onmessage = ({ data }: MessageEvent<FromWorker>) => this.#receive(thread, data);
    worker.onerror = (event) => {
      event.preventDefault();
      this.#died(thread, event.message);
    };
    this.#threads.push(thread);
    return thread;
  }

  #receive(thread: Thread, message: FromWorker): void {
    if (this.#closed) return;
    if (message.type === "status") {
      for (const resolve of thread.asking.splice(0)) resolve(message.jobs);
      return;
    }
    const handlers = thread.jobs.get(message.job);
    if (handlers === undefined) return;
    switch (message.type) {
      case "output":
        return this.#output(thread, message.job, handlers, message.bytes);
      case "wants":
        return handlers.wants?.(message.wants);
      case "request":
        return handlers.request?.(message.request);
      case "started":
        return handlers.started?.();
      case "ended":
        thread.jobs.delete(message.job);
        return handlers.ended(message.end);
      default:
        unreachable(message);
    }
  }

  #output(thread: Thread, job: JobId, handlers: JobHandlers, bytes: Uint8Array): void {
    const taken = () => {
      if (thread.jobs.has(job)) post(thread, { type: "taken", job, bytes: bytes.length });
    };
    const written = handlers.output(bytes);
    if (written === undefined) taken();
    // Who cannot take output ends the job; it waits until then.
    else written.then(taken, () => {});
  }

  /** A fault of ours: its jobs are lost, all else goes on. */
  #died(thread: Thread, text: string): void {
    const index = this.#threads.indexOf(thread);
    if (index < 0) return;
    this.#threads.splice(index, 1);
    thread.worker.terminate();
    this.#options.log.error(`a worker has died with ${thread.jobs.size} programs: ${text}`);
    for (const resolve of thread.asking) resolve([]);
    const handlers = [...thread.jobs.values()];
    thread.jobs.clear();
    for (const { ended } of handlers) ended({ kind: "failed", text: `its worker died: ${text}` });
  }
}

function post(
  { worker, sent }: Thread,
  message: ToWorker,
  transferred: readonly ArrayBufferLike[] = [],
): void {
  worker.postMessage(message, transferred as ArrayBuffer[]);
  Atomics.add(sent, 0, 1);
}
