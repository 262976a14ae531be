/** The streams of a command: text out, and a few lines at the bottom that a live view redraws. */

import { cutToWidth } from "./ansi.ts";

const ENCODER = new TextEncoder();

/** Clears from the cursor to the end of the screen. */
const CLEAR_BELOW = "\x1b[J";
const HIDE_CURSOR = "\x1b[?25l";
const SHOW_CURSOR = "\x1b[?25h";

export class Terminal {
  readonly stdoutIsTerminal = Deno.stdout.isTerminal();
  readonly stderrIsTerminal = Deno.stderr.isTerminal();
  readonly stdinIsTerminal = Deno.stdin.isTerminal();
  #live: readonly string[] = [];
  #drawn = 0;
  /** Whoever read our output has gone. */
  #broken = false;

  out(text: string): void {
    this.#aroundLive(() => this.#write(Deno.stdout, text));
  }

  err(text: string): void {
    this.#aroundLive(() => this.#write(Deno.stderr, text));
  }

  get isBroken(): boolean {
    return this.#broken;
  }

  get columns(): number {
    try {
      return Deno.consoleSize().columns;
    } catch {
      return 80;
    }
  }

  /** Shows lines below all other output, redrawn in place; none takes them away. Terminals only. */
  live(lines: readonly string[]): void {
    this.#erase();
    if (this.#live.length === 0 && lines.length > 0) this.#write(Deno.stdout, HIDE_CURSOR);
    if (this.#live.length > 0 && lines.length === 0) this.#write(Deno.stdout, SHOW_CURSOR);
    this.#live = lines;
    this.#draw();
  }

  /** Ends the live lines where they stand: they become ordinary output. */
  keepLive(): void {
    if (this.#live.length === 0) return;
    this.#live = [];
    this.#drawn = 0;
    this.#write(Deno.stdout, `\r\n${SHOW_CURSOR}`);
  }

  #aroundLive(write: () => void): void {
    this.#erase();
    write();
    this.#draw();
  }

  #erase(): void {
    if (this.#drawn === 0) return;
    const up = this.#drawn > 1 ? `\x1b[${this.#drawn - 1}A` : "";
    this.#write(Deno.stdout, `\r${up}${CLEAR_BELOW}`);
    this.#drawn = 0;
  }

  #draw(): void {
    if (this.#live.length === 0) return;
    this.#write(
      Deno.stdout,
      this.#live.map((line) => cutToWidth(line, this.columns - 1)).join("\r\n"),
    );
    this.#drawn = this.#live.length;
  }

  #write(stream: { writeSync(bytes: Uint8Array): number }, text: string): void {
    if (this.#broken) return;
    const bytes = ENCODER.encode(text);
    try {
      for (let at = 0; at < bytes.length;) at += stream.writeSync(bytes.subarray(at));
    } catch (error) {
      if (error instanceof Deno.errors.BrokenPipe) this.#broken = true;
      else if (!(error instanceof Deno.errors.WouldBlock)) throw error;
    }
  }
}
