/** What every command gets: its streams, its environment, and how to end. */

import type { Json } from "../cluster/control.ts";
import { mayColour, type Paint, paintFor } from "./colour.ts";
import { Terminal } from "./terminal.ts";

export class CliContext {
  readonly terminal = new Terminal();
  readonly env: Readonly<Record<string, string>>;
  /** For standard output and for standard error. */
  readonly paint: Paint;
  readonly errorPaint: Paint;
  /** What the argument parser writes to; a small object, since node:process costs 13 ms. */
  readonly process: {
    readonly stdout: { write(text: string): void };
    readonly stderr: { write(text: string): void };
    readonly env: Readonly<Record<string, string>>;
    exitCode?: number | string | null;
  };

  constructor(env: Readonly<Record<string, string>>) {
    this.env = env;
    this.paint = paintFor(mayColour(this.terminal.stdoutIsTerminal, env));
    this.errorPaint = paintFor(mayColour(this.terminal.stderrIsTerminal, env));
    this.process = {
      stdout: { write: (text) => this.terminal.out(text) },
      stderr: { write: (text) => this.terminal.err(text) },
      env,
    };
  }

  /** Writes lines to standard output. */
  print(...lines: readonly string[]): void {
    this.terminal.out(lines.map((line) => `${line}\n`).join(""));
  }

  /** Writes one value as one line of JSON to standard output. */
  printJson(value: Json): void {
    this.print(JSON.stringify(value));
  }

  /** Writes lines to standard error. */
  note(...lines: readonly string[]): void {
    this.terminal.err(lines.map((line) => `${line}\n`).join(""));
  }
}
