/** A program's output cut into lines, where several programs write to one place. */

const NEWLINE = 10;
/** Longer lines are told in pieces. */
const MAX_LINE_BYTES = 4_096;

export class PrefixedLines {
  readonly #prefix: string;
  #rest = new Uint8Array();

  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  /** The lines that are whole now. */
  add(bytes: Uint8Array): string[] {
    const joined = new Uint8Array(this.#rest.length + bytes.length);
    joined.set(this.#rest);
    joined.set(bytes, this.#rest.length);
    const lines: string[] = [];
    let from = 0;
    for (;;) {
      const end = joined.indexOf(NEWLINE, from);
      const length = (end < 0 ? joined.length : end) - from;
      if (length > MAX_LINE_BYTES) {
        lines.push(this.#line(joined.subarray(from, from + MAX_LINE_BYTES)));
        from += MAX_LINE_BYTES;
      } else if (end < 0) break;
      else {
        lines.push(this.#line(joined.subarray(from, end)));
        from = end + 1;
      }
    }
    this.#rest = joined.slice(from);
    return lines;
  }

  /** What is left without a newline. */
  end(): string[] {
    const rest = this.#rest;
    this.#rest = new Uint8Array();
    return rest.length === 0 ? [] : [this.#line(rest)];
  }

  #line(bytes: Uint8Array): string {
    return this.#prefix + new TextDecoder().decode(bytes);
  }
}
