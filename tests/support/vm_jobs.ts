/** Drives the jobs of a worker without a worker: mail comes when the test says so. */

import assert from "node:assert/strict";
import { concat } from "../../cluster/bytes.ts";
import { DEFAULT_LIMITS } from "../../vm/machine.ts";
import { Jobs } from "../../vm/workers/jobs.ts";
import type {
  FromWorker,
  JobEnd,
  JobId,
  JobStatus,
  ProgramSpec,
  SessionSpec,
  ToJobs,
} from "../../vm/workers/messages.ts";

/** Turns that end whatever ends at all. */
const PLENTY = 10_000;

export class JobsDriver {
  readonly #jobs: Jobs;
  readonly #later: (() => void)[] = [];
  /** Turns until mail comes. */
  #turns = 0;
  /** Whether there is always mail while {@link run} is not on. */
  mailWaits = true;
  /** All that was posted since {@link taken}. */
  posted: FromWorker[] = [];
  /** Called with each message as it is posted. */
  onPost: ((message: FromWorker) => void) | undefined;

  constructor() {
    this.#jobs = new Jobs({
      post: (message) => {
        this.posted.push(message);
        this.onPost?.(message);
      },
      hasMail: () => this.mailWaits && this.#turns-- <= 0,
      later: (run) => void this.#later.push(run),
    });
  }

  send(...messages: readonly ToJobs[]): void {
    for (const message of messages) this.#jobs.receive(message);
  }

  /** So many turns of jobs at most; gives whether there is more to do. */
  run(turns = PLENTY): boolean {
    this.#turns = turns;
    while (this.#turns > 0 && this.#later.length > 0) {
      this.#later.shift()!();
      assert.ok(this.#later.length <= 1, "jobs wait for mail once at a time");
    }
    this.#turns = 0;
    return this.#later.length > 0;
  }

  startProgram(job: JobId, source: string, options: Partial<ProgramSpec> = {}): void {
    this.send({ type: "start", job, spec: programSpec(source, options) });
  }

  startSession(job: JobId, options: Partial<SessionSpec> = {}): void {
    this.send({ type: "start", job, spec: sessionSpec(options) });
  }

  line(job: JobId, line: string): void {
    this.send({ type: "input", job, input: { type: "line", line } });
  }

  /** All output of a job since the last call of {@link forget}. */
  outputOf(job: JobId): Uint8Array {
    return concat(
      ...this.posted.filter((message) => message.type === "output")
        .filter((message) => message.job === job).map(({ bytes }) => bytes),
    );
  }

  textOf(job: JobId): string {
    return new TextDecoder().decode(this.outputOf(job));
  }

  endOf(job: JobId): JobEnd | undefined {
    const ends = this.posted.filter((message) => message.type === "ended")
      .filter((message) => message.job === job);
    assert.ok(ends.length <= 1, "a job ends once");
    return ends[0]?.end;
  }

  /** What a session wants now. */
  wantsOf(job: JobId): string | undefined {
    return this.posted.filter((message) => message.type === "wants")
      .filter((message) => message.job === job).at(-1)?.wants.kind;
  }

  status(): readonly JobStatus[] {
    const before = this.posted.length;
    this.send({ type: "ask" });
    const answer = this.posted.splice(before)[0]!;
    assert.equal(answer.type, "status");
    return answer.type === "status" ? answer.jobs : [];
  }

  statusOf(job: JobId): JobStatus | undefined {
    return this.status().find((status) => status.job === job);
  }

  forget(): void {
    this.posted = [];
  }
}

export function programSpec(source: string, options: Partial<ProgramSpec> = {}): ProgramSpec {
  return {
    kind: "program",
    name: "test.iasm",
    prefix: "",
    bytes: new TextEncoder().encode(source),
    imageKey: source,
    limits: DEFAULT_LIMITS,
    unreadBytes: 4_096,
    ...options,
  };
}

export function sessionSpec(options: Partial<SessionSpec> = {}): SessionSpec {
  return {
    kind: "session",
    isInteractive: true,
    clock: "fixed",
    seed: 1,
    limits: DEFAULT_LIMITS,
    unreadBytes: 4_096,
    ...options,
  };
}

/** Programs that do one thing for ever, or that end as their name says. */
export const PROGRAMS = {
  loop: ".data\n.code\neq $0 $0\nagain: inc $1\ndjmpe @again\n",
  printer: '.data\nx: .asciiz "012345678\\n"\n.code\neq $0 $0\nagain: prts @x\ndjmpe @again\n',
  hello: '.data\nx: .asciiz "hello\\n"\n.code\nprts @x\nhlt\n',
  heapEater: ".data\n.code\nload $0 #60000\neq $0 $0\nagain: aloc $0\ndjmpe @again\n",
  stackEater: ".data\n.code\neq $0 $0\nagain: push $0\ndjmpe @again\n",
  division: ".data\n.code\nload $0 #1\ndiv $0 $1 $2\nhlt\n",
} as const;
