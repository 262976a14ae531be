/** The user of a session at this very terminal, or at the other end of a pipe. */

import { utf8 } from "../../cluster/bytes.ts";
import type { Front } from "../conversation.ts";
import type { SessionInput, Wants } from "../repl/channel.ts";
import type { Label } from "../repl/completion.ts";
import type { LineSource } from "./lines.ts";

const INTERRUPTED = 130;
const WELCOME_HINT = utf8("!help lists the commands, !quit ends.\n");
/** Lines that can be called back with the arrow keys. */
const MAX_HISTORY = 10_000;

export class LocalFront implements Front {
  readonly #lines: LineSource;
  readonly #history: string[] = [];
  #wanted = Promise.withResolvers<Wants>();
  #labels: readonly Label[] = [];
  #isBroken = false;

  constructor(lines: LineSource) {
    this.#lines = lines;
  }

  /** For completion. */
  get labels(): readonly Label[] {
    return this.#labels;
  }

  /** Nobody reads what is said any more. */
  get isBroken(): boolean {
    return this.#isBroken;
  }

  async output(bytes: Uint8Array): Promise<void> {
    try {
      await this.#lines.show(bytes);
    } catch (error) {
      this.#isBroken = error instanceof Deno.errors.BrokenPipe;
      throw error;
    }
  }

  lines(lines: Uint8Array): Promise<void> {
    return this.output(lines);
  }

  wants(wants: Wants): void {
    this.#labels = wants.labels ?? this.#labels;
    this.#wanted.resolve(wants);
  }

  /** Reads lines and hands them on until they end; gives the exit code. `over` gives one early. */
  async converse(
    input: (input: SessionInput) => void,
    over: Promise<number>,
    firstLine: string | undefined,
  ): Promise<number> {
    // Raced with each line, a promise that lives as long as the session would remember them all.
    let ended: number | undefined;
    let wake: (code: number) => void = () => {};
    void over.then((code) => {
      ended = code;
      wake(code);
    });
    const orOver = <T>(next: Promise<T>): Promise<T | number> =>
      ended !== undefined ? Promise.resolve(ended) : new Promise((resolve, reject) => {
        wake = resolve;
        next.then(resolve, reject);
      });
    let first = firstLine;
    let isNew = this.#lines.isTerminal;
    for (;;) {
      const wants = await orOver(this.#wanted.promise);
      if (typeof wants === "number") return wants;
      this.#wanted = Promise.withResolvers();
      const { kind, prompt } = wants;
      if (isNew) await this.#lines.show(WELCOME_HINT);
      isNew = false;
      const history = kind === "ready" ? this.#history : [];
      const next = kind === "ready" && first !== undefined
        ? { line: first }
        : await orOver(this.#lines.next({ prompt, history }));
      first = undefined;
      if (typeof next === "number") return next;
      if (next === "end") {
        if (kind === "ready") return 0;
        input({ type: "endOfInput" });
      } else if (next === "interrupted") {
        if (kind === "ready" && !this.#lines.isTerminal) return INTERRUPTED;
        // A line that was given up is asked for again; the session need not know.
        if (kind === "ready") this.#wanted.resolve(wants);
        else input({ type: "interrupt" });
      } else {
        if (kind === "ready") this.#remember(next.line);
        input({ type: "line", line: next.line });
      }
    }
  }

  #remember(line: string): void {
    if (line.trim() !== "") this.#history.push(line);
    if (this.#history.length > MAX_HISTORY) this.#history.shift();
  }
}
