/** A program's output in whole lines with a prefix, where several programs write to one place. */

import { concat, utf8 } from "../cluster/bytes.ts";

const NEWLINE = 10;
/** Longer lines are told in pieces. */
const MAX_LINE_BYTES = 4_096;

export class PrefixedLines {
  readonly #prefix: Uint8Array;
  #rest = new Uint8Array();

  constructor(prefix: string) {
    this.#prefix = utf8(prefix);
  }

  /** The lines that are whole now. */
  add(bytes: Uint8Array): Uint8Array {
    const all = this.#rest.length === 0 ? bytes : concat(this.#rest, bytes);
    const ends: number[] = [];
    let from = 0;
    for (;;) {
      const newline = all.indexOf(NEWLINE, from);
      const length = (newline < 0 ? all.length : newline) - from;
      if (length > MAX_LINE_BYTES) ends.push(from += MAX_LINE_BYTES);
      else if (newline < 0) break;
      else ends.push(from = newline + 1);
    }
    this.#rest = all.slice(from);
    return this.#linesOf(all, ends);
  }

  /** What is left without a newline, as a line. */
  end(): Uint8Array {
    const rest = this.#rest;
    this.#rest = new Uint8Array();
    return this.#linesOf(rest, rest.length === 0 ? [] : [rest.length]);
  }

  /** In one piece, made once: a program may print millions of lines at a time. */
  #linesOf(all: Uint8Array, ends: readonly number[]): Uint8Array {
    const room = (ends.at(-1) ?? 0) + ends.length * (this.#prefix.length + 1);
    const lines = new Uint8Array(room);
    let at = 0;
    let from = 0;
    for (const end of ends) {
      lines.set(this.#prefix, at);
      at += this.#prefix.length;
      for (; from < end; from++) lines[at++] = all[from]!;
      if (lines[at - 1] !== NEWLINE) lines[at++] = NEWLINE;
    }
    return lines.subarray(0, at);
  }
}
