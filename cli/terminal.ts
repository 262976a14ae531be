/** The streams of a command: text out, and a few lines at the bottom that a live view redraws. */

import { cutToWidth, visibleLength } from "./ansi.ts";

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
  /** The widths of the live lines as they stand on the screen. */
  #drawn: readonly number[] = [];
  /** Whoever read our output has gone. */
  #broken = false;
  /** Why output was lost, if it was not for that. */
  #failure: string | undefined;

  out(text: string): void {
    this.#aroundLive(() => this.#write(Deno.stdout, text));
  }

  err(text: string): void {
    this.#aroundLive(() => this.#write(Deno.stderr, text));
  }

  get isBroken(): boolean {
    return this.#broken;
  }

  /** Why standard output did not take what was written, if it should have. */
  get failure(): string | undefined {
    return this.#failure;
  }

  get columns(): number {
    try {
      // A serial console does not know, and says 0.
      return Deno.consoleSize().columns || 80;
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
    this.#drawn = [];
    this.#write(Deno.stdout, `\r\n${SHOW_CURSOR}`);
  }

  #aroundLive(write: () => void): void {
    this.#erase();
    write();
    this.#draw();
  }

  #erase(): void {
    if (this.#drawn.length === 0) return;
    // A terminal that has become narrower shows a line in several rows.
    const { columns } = this;
    const rows = this.#drawn.reduce(
      (sum, width) => sum + Math.max(1, Math.ceil(width / columns)),
      0,
    );
    const up = rows > 1 ? `\x1b[${rows - 1}A` : "";
    this.#write(Deno.stdout, `\r${up}${CLEAR_BELOW}`);
    this.#drawn = [];
  }

  #draw(): void {
    if (this.#live.length === 0) return;
    const lines = this.#live.map((line) => cutToWidth(line, this.columns - 1));
    this.#write(Deno.stdout, lines.join("\r\n"));
    this.#drawn = lines.map(visibleLength);
  }

  #write(stream: { writeSync(bytes: Uint8Array): number }, text: string): void {
    if (this.#broken) return;
    const bytes = ENCODER.encode(text);
    try {
      for (let at = 0; at < bytes.length;) at += stream.writeSync(bytes.subarray(at));
    } catch (error) {
      if (error instanceof Deno.errors.WouldBlock) return;
      this.#broken = true;
      // A reader that has had enough is no failure; a full disk is.
      if (error instanceof Deno.errors.BrokenPipe || stream !== Deno.stdout) return;
      this.#failure = error instanceof Error ? error.message : String(error);
    }
  }
}
