/** Where a session's lines come from: a terminal with editing, or a pipe. */

import type { CliContext } from "../../cli/context.ts";
import type { Completion } from "../repl/completion.ts";
import { type LineSource, PipeLines } from "./lines.ts";
import { TerminalLines } from "./terminal_lines.ts";

/** `interrupted` is called at Ctrl-C while no line is asked for. */
export function linesOf(
  { terminal }: CliContext,
  interrupted: () => void,
  complete: (before: string) => Completion,
): LineSource {
  return terminal.stdinIsTerminal && terminal.stdoutIsTerminal
    ? new TerminalLines({ terminal, interrupted, complete })
    : new PipeLines(interrupted);
}
