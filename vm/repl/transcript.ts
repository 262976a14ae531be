/** What a session says: a program's bytes as they are and lines of our own, which never share a line. */

const NEWLINE = 10;
/** Of an unfinished line that are kept. */
const MAX_UNFINISHED_BYTES = 1_024;
const ENCODER = new TextEncoder();
// deno-lint-ignore no-control-regex -- colours and other controls have no width
const CONTROLS = /\x1b\[[0-9;]*[A-Za-z]|[\x00-\x1f\x7f-\x9f]/g;

export class Transcript {
  readonly #out: (bytes: Uint8Array) => void;
  /** Bytes that were written since the last newline. */
  #unfinished: number[] = [];

  constructor(out: (bytes: Uint8Array) => void) {
    this.#out = out;
  }

  write(bytes: Uint8Array): void {
    const newline = bytes.lastIndexOf(NEWLINE);
    if (newline >= 0) this.#unfinished = [];
    const room = MAX_UNFINISHED_BYTES - this.#unfinished.length;
    this.#unfinished.push(...bytes.subarray(newline + 1, newline + 1 + room));
    this.#out(bytes);
  }

  /** Lines of our own; what a program has written without a newline is ended before. */
  say(lines: readonly string[]): void {
    if (lines.length === 0) return;
    this.endLine();
    this.write(ENCODER.encode(lines.map((line) => `${line}\n`).join("")));
  }

  /** What a program has written without a newline: its prompt, as far as it can be shown. */
  get unfinishedLine(): string {
    return new TextDecoder().decode(Uint8Array.from(this.#unfinished)).replaceAll(CONTROLS, "");
  }

  /** Begins a new line, if there is something in this one. */
  endLine(): void {
    if (this.#unfinished.length > 0) this.write(Uint8Array.of(NEWLINE));
  }

  /** A line that was typed has led the cursor to the next one. */
  lineTyped(): void {
    this.#unfinished = [];
  }
}
