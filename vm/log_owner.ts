/**
 * Programs whose output goes to the log of a node. A log takes so many lines a second and no more:
 * whoever prints faster is parked, the node's thread and disk are not its own.
 */

import type { Log } from "../cluster/log.ts";
import { printable } from "../cluster/text.ts";
import type { Owner, Pid, ProgramEnd } from "./background.ts";

/** Lines of all programs together; 500 a second. */
const LINES_A_TURN = 50;
const TURN_MS = 100;
const NEWLINE = 10;

export class LogOwner implements Owner {
  readonly name = "node";
  readonly fuel: number;
  readonly programs = Infinity;
  readonly #log: Log;
  #isClosed = false;
  #turnEnds = 0;
  #linesInTurn = 0;

  constructor(log: Log, fuel: number) {
    this.#log = log;
    this.fuel = fuel;
  }

  started(pid: Pid, program: string): void {
    this.#log.info(printable(`program ${pid} (${program}) started`));
  }

  async output(lines: Uint8Array): Promise<void> {
    const decoder = new TextDecoder();
    for (let from = 0; from < lines.length;) {
      await this.#turn();
      if (this.#isClosed) return;
      const newline = lines.indexOf(NEWLINE, from);
      const end = newline < 0 ? lines.length : newline;
      this.#log.info(printable(decoder.decode(lines.subarray(from, end))));
      from = end + 1;
    }
  }

  ended({ pid, program, text }: ProgramEnd): void {
    this.#log.info(printable(`program ${pid} (${program}): ${text}`));
  }

  /** Nothing more is logged. */
  close(): void {
    this.#isClosed = true;
  }

  /** Settled when one more line may be logged. */
  async #turn(): Promise<void> {
    for (;;) {
      const now = performance.now();
      if (now >= this.#turnEnds) {
        this.#turnEnds = now + TURN_MS;
        this.#linesInTurn = 0;
      }
      if (this.#linesInTurn < LINES_A_TURN) break;
      await new Promise((resolve) => setTimeout(resolve, this.#turnEnds - now));
    }
    this.#linesInTurn++;
  }
}
