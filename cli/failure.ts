/** How errors look: what was tried, what happened, what to try next; no stack traces. */

import { messageOf, Problem } from "../cluster/errors.ts";
import type { Paint } from "./colour.ts";

/** An error as lines for people; with its stack for `--log-level debug`. */
export function formatFailure(error: unknown, paint: Paint, debug: boolean): string {
  const lines = [`${paint.red("error:")} ${messageOf(error)}`];
  if (error instanceof Problem) {
    if (error.hint !== undefined) lines.push(`  ${paint.dim("try:")} ${error.hint}`);
  } else {
    lines.push("  this is a fault in toolkit itself; --log-level debug shows where");
  }
  if (debug && error instanceof Error) lines.push(error.stack ?? "");
  if (debug && error instanceof Error && error.cause !== undefined) {
    lines.push(`caused by: ${error.cause instanceof Error ? error.cause.stack : error.cause}`);
  }
  return lines.join("\n");
}

export function exitCodeOf(error: unknown): number {
  return error instanceof Problem ? error.exitCode : 1;
}
