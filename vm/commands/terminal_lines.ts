/**
 * Lines that somebody types, edited. The terminal stays in raw mode all the time, so that Ctrl-C is a key
 * like others: while a line is edited it clears the line, else it is told at once. What is typed
 * while nobody asks for a line waits for the next one.
 */

import type { Terminal } from "../../cli/terminal.ts";
import { Fifo } from "../../cluster/fifo.ts";
import { writeAll } from "../../cluster/files.ts";
import type { Completion } from "../repl/completion.ts";
import { type Key, KeyParser } from "../repl/key_parser.ts";
import { LineEditor } from "../repl/line_editor.ts";
import type { LineOptions, LineResult, LineSource } from "./lines.ts";

const NEWLINE = 10;
/** Keys that wait; a cat on the keyboard is not kept for ever. */
const MAX_WAITING_KEYS = 1024 * 1024;

export interface TerminalLinesOptions {
  readonly terminal: Terminal;
  /** Ctrl-C while no line is asked for. */
  readonly interrupted: () => void;
  readonly complete: (before: string) => Completion;
}

export class TerminalLines implements LineSource {
  readonly isTerminal = true;
  readonly #options: TerminalLinesOptions;
  readonly #keys = new Fifo<Key>();
  /** Of the line that is asked for. */
  #wake: (() => void) | undefined;
  /** Stands on the screen. */
  #editor: LineEditor | undefined;
  #shown: Promise<void> = Promise.resolve();
  #closed = false;
  /** The terminal is gone. */
  #ended = false;

  constructor(options: TerminalLinesOptions) {
    this.#options = options;
    Deno.stdin.setRaw(true);
    void this.#read();
  }

  async next({ prompt, history }: LineOptions): Promise<LineResult> {
    const { terminal, complete } = this.#options;
    const columns = () => terminal.columns;
    const editor = new LineEditor({ prompt, history, columns, complete });
    terminal.out(editor.draw());
    this.#editor = editor;
    try {
      for (;;) {
        const key = await this.#key();
        // What is shown above the line is not to be drawn into.
        await this.#shown.catch(() => {});
        if (key === undefined) return "end";
        const { text, done } = editor.press(key);
        terminal.out(text);
        if (done !== undefined) return done;
      }
    } finally {
      this.#editor = undefined;
    }
  }

  show(bytes: Uint8Array): Promise<void> {
    return this.#shown = this.#show(bytes);
  }

  async #show(bytes: Uint8Array): Promise<void> {
    const { terminal } = this.#options;
    if (this.#editor !== undefined) terminal.out(this.#editor.erase());
    await writeAll(Deno.stdout, bytes);
    if (this.#editor === undefined) return;
    const isWhole = bytes.at(-1) === NEWLINE;
    terminal.out((isWhole ? "" : "\r\n") + this.#editor.draw());
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    // What comes next does not go on behind a line that nobody will enter.
    if (this.#editor !== undefined) this.#options.terminal.out("\r\n");
    try {
      Deno.stdin.setRaw(false);
    } catch {
      // The terminal is gone.
    }
  }

  /** Undefined at the end. */
  async #key(): Promise<Key | undefined> {
    while (this.#keys.length === 0 && !this.#ended) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      await promise;
      this.#wake = undefined;
    }
    return this.#keys.shift();
  }

  async #read(): Promise<void> {
    const parser = new KeyParser();
    const buffer = new Uint8Array(4096);
    while (!this.#closed) {
      const count = await Deno.stdin.read(buffer).catch(() => null);
      if (count === null) break;
      for (const key of parser.push(buffer.subarray(0, count))) this.#pressed(key);
      this.#wake?.();
    }
    this.#ended = true;
    this.#wake?.();
  }

  #pressed(key: Key): void {
    const isInterrupt = "name" in key && key.name === "interrupt";
    if (isInterrupt && this.#wake === undefined) {
      while (this.#keys.length > 0) this.#keys.shift();
      this.#options.interrupted();
    } else if (this.#keys.length < MAX_WAITING_KEYS) this.#keys.push(key);
  }
}
