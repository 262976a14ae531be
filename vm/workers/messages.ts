/**
 * What a thread with sockets and a worker with programs say to each other. A job is one background
 * program or one REPL session; it lives in one worker from its start to its end.
 */

import type { MachineLimits, TrapCode } from "../machine.ts";
import type { VmEvent } from "../program.ts";
import type { SessionInput, Wants } from "../repl/channel.ts";
import type { Answer, Request } from "../repl/requests.ts";

export type JobId = number;

interface AnySpec {
  readonly limits: MachineLimits;
  /** Output that waits to be taken; beyond, the program is parked. */
  readonly unreadBytes: number;
}

/** A program in the background; it has no input. */
export interface ProgramSpec extends AnySpec {
  readonly kind: "program";
  /** What it is called in messages. */
  readonly name: string;
  /** In front of each line of its output, which leaves the worker in whole lines. */
  readonly prefix: string;
  /** Source or image. */
  readonly bytes: Uint8Array;
  /** Equal for equal bytes: they are translated once. */
  readonly imageKey: string;
  /** Units of fuel for the whole run. */
  readonly fuelLimit?: number;
}

export interface SessionSpec extends AnySpec {
  readonly kind: "session";
  /** Somebody sees prompts beside the output. */
  readonly isInteractive: boolean;
  readonly fuelPerLine?: number;
  readonly seed?: number;
  readonly clock: "real" | "fixed";
}

export type JobSpec = ProgramSpec | SessionSpec;

export type ToWorker = { readonly type: "hello"; readonly sent: Int32Array } | ToJobs;

export type ToJobs =
  | { readonly type: "start"; readonly job: JobId; readonly spec: JobSpec }
  | { readonly type: "input"; readonly job: JobId; readonly input: SessionInput }
  | { readonly type: "answer"; readonly job: JobId; readonly answer: Answer }
  /** So much of its output has been taken. */
  | { readonly type: "taken"; readonly job: JobId; readonly bytes: number }
  | { readonly type: "kill"; readonly job: JobId }
  /** To be answered with `status`. */
  | { readonly type: "ask" };

export type FromWorker =
  | { readonly type: "output"; readonly job: JobId; readonly bytes: Uint8Array }
  | { readonly type: "wants"; readonly job: JobId; readonly wants: Wants }
  | { readonly type: "request"; readonly job: JobId; readonly request: Request }
  /** A program has been loaded and begins. */
  | { readonly type: "started"; readonly job: JobId }
  | { readonly type: "ended"; readonly job: JobId; readonly end: JobEnd }
  | { readonly type: "status"; readonly jobs: readonly JobStatus[] };

export type JobEnd =
  | { readonly kind: "stopped"; readonly code: 0 | 1; readonly events: readonly VmEvent[] }
  | {
    readonly kind: "trapped";
    readonly code: TrapCode;
    readonly events: readonly VmEvent[];
    /** What happened, and where, as far as it is known. */
    readonly text: string;
    readonly place: string;
  }
  /** It is no program; nothing has run. */
  | { readonly kind: "refused"; readonly messages: readonly string[] }
  /** A session that was told to end. */
  | { readonly kind: "quit" }
  /** Our own fault, or the worker's. */
  | { readonly kind: "failed"; readonly text: string };

export interface JobStatus {
  readonly job: JobId;
  /** `parked`: for somebody to take its output. */
  readonly state: "running" | "waiting" | "parked";
  readonly instructions: number;
}
