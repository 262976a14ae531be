/**
 * Errors for the world. A `Problem` is something that a person can understand and mend: it says what
 * was tried, what happened and what to try next. Faults of our own are plain assertions instead.
 */

/** Exit codes that every command but `vm run` shares. */
export const ExitCode = { done: 0, failed: 1, usage: 2, unreachable: 3 } as const;
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

export interface ProblemOptions {
  /** What to try next, one line. */
  readonly hint?: string;
  /** How the process ends when nobody handles the problem: an {@link ExitCode}, `failed` unless told. */
  readonly exitCode?: number;
  readonly cause?: unknown;
}

export class Problem extends Error {
  override readonly name = "Problem";
  readonly hint: string | undefined;
  readonly exitCode: number;

  constructor(message: string, options: ProblemOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.hint = options.hint;
    this.exitCode = options.exitCode ?? ExitCode.failed;
  }
}

/** Bytes from outside that do not have the shape which they must have. */
export class MalformedError extends Error {
  override readonly name = "MalformedError";
}

/** States what must hold if our own code is right. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`bug: ${message}`);
}

/** The end of an exhaustive switch: does not compile while a case is missing. */
export function unreachable(value: never): never {
  throw new Error(`bug: unexpected case ${JSON.stringify(value)}`);
}

/** The text of whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
