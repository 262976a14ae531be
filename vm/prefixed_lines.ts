/** A program's output in whole lines with a prefix, where several programs write to one place. */

import { concat, utf8 } from "../cluster/bytes.ts";
import { OutputBuffer } from "./output_buffer.ts";

const NEWLINE = 10;
/** Longer lines are told in pieces. */
const MAX_LINE_BYTES = 4_096;
const END = Uint8Array.of(NEWLINE);

export class PrefixedLines {
  readonly #prefix: Uint8Array;
  #rest = new Uint8Array();

  constructor(prefix: string) {
    this.#prefix = utf8(prefix);
  }

  /** The lines that are whole now. */
  add(bytes: Uint8Array): Uint8Array {
    const all = this.#rest.length === 0 ? bytes : concat(this.#rest, bytes);
    const lines = new OutputBuffer();
    let from = 0;
    for (;;) {
      const end = all.indexOf(NEWLINE, from);
      const length = (end < 0 ? all.length : end) - from;
      if (length > MAX_LINE_BYTES) {
        this.#put(lines, all.subarray(from, from + MAX_LINE_BYTES));
        from += MAX_LINE_BYTES;
      } else if (end < 0) break;
      else {
        this.#put(lines, all.subarray(from, end));
        from = end + 1;
      }
    }
    this.#rest = all.slice(from);
    return lines.take();
  }

  /** What is left without a newline, as a line. */
  end(): Uint8Array {
    const lines = new OutputBuffer();
    if (this.#rest.length > 0) this.#put(lines, this.#rest);
    this.#rest = new Uint8Array();
    return lines.take();
  }

  #put(lines: OutputBuffer, line: Uint8Array): void {
    lines.add(this.#prefix);
    lines.add(line);
    lines.add(END);
  }
}
