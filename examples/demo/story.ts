/** How a demo is told: numbered steps, what was seen, how long it took; a table at the end. */

import type { CliContext } from "../../cli/context.ts";
import { formatDuration } from "../../cli/duration.ts";
import { formatTable } from "../../cli/table.ts";

export class Story {
  readonly #context: CliContext;
  readonly #rows: string[][] = [];
  #step = 0;

  constructor(context: CliContext, title: string) {
    this.#context = context;
    context.print(context.paint.bold(title), "");
  }

  /** Says what is done now. */
  step(text: string): void {
    this.#step++;
    this.#context.print(`${this.#context.paint.bold(`${this.#step}.`)} ${text}`);
  }

  /** Says what was seen, and after how long; `short` is for the table. */
  saw(text: string, short: string, milliseconds: number): void {
    const took = formatDuration(milliseconds);
    this.#context.print(`   ${text}  ${this.#context.paint.dim(took)}`);
    this.#rows.push([short, took]);
  }

  note(text: string): void {
    this.#context.print(`   ${text}`);
  }

  end(): void {
    const { paint } = this.#context;
    this.#context.print("", ...formatTable([["WHAT", "TOOK"].map(paint.dim), ...this.#rows]));
  }
}
