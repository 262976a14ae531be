/**
 * Diagnostics as people see them:
 *
 *     loop.iasm:7:9: error[UndefinedSymbol]: no label "agian"
 *        7 |   djmpe @agian
 *          |         ^^^^^^ did you mean "again"?
 */

import type { Diagnostic } from "./diagnostics.ts";
import { Positions } from "./positions.ts";

export interface FormatOptions {
  /** Before each line and column. */
  readonly fileName?: string;
  /** Diagnostics shown; of the rest only their number. */
  readonly limit?: number;
}

const DEFAULT_LIMIT = 50;
/** Columns of a source line that are shown; a program may stand on one line of any length. */
const WINDOW_COLUMNS = 100;
/** Columns of that window in front of the place. */
const WINDOW_LEAD = 40;
const LINE_NUMBER_WIDTH = 4;

/** Lines without colour and without a newline at the end of each. */
export function formatDiagnostics(
  diagnostics: readonly Diagnostic[],
  source: string,
  { fileName = "source", limit = DEFAULT_LIMIT }: FormatOptions = {},
): string[] {
  const positions = new Positions(source);
  const lines = diagnostics.slice(0, limit).flatMap((diagnostic) =>
    formatDiagnostic(diagnostic, positions, fileName)
  );
  const rest = diagnostics.length - limit;
  if (rest > 0) lines.push(`… and ${rest} more`);
  return lines;
}

function formatDiagnostic(
  { code, severity, message, line, column, length, hint }: Diagnostic,
  positions: Positions,
  fileName: string,
): string[] {
  const title = `${fileName}:${line}:${column}: ${severity}[${code}]: ${message}`;
  const whole = positions.textOf(line);
  const from = column > WINDOW_COLUMNS ? column - 1 - WINDOW_LEAD : 0;
  const shown = printable(whole.slice(from, from + WINDOW_COLUMNS));
  const before = column - 1 - from;
  // Tabs stay tabs, so that the caret stands below its place however wide they are.
  const indent = shown.slice(0, before).replaceAll(/[^\t]/g, " ").padEnd(before);
  const caret = "^".repeat(Math.max(1, Math.min(length, shown.length - before)));
  const number = `${line}`.padStart(LINE_NUMBER_WIDTH);
  return [
    printable(title),
    `${number} | ${shown}`.trimEnd(),
    `${" ".repeat(number.length)} | ${indent}${caret}${hint === undefined ? "" : ` ${hint}`}`,
  ];
}

/** A source may hold escape sequences; they must not reach the terminal. Tabs may. */
function printable(text: string): string {
  // deno-lint-ignore no-control-regex -- these are what is looked for
  return text.replaceAll(/[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]/g, "\ufffd");
}
