/** Lines and columns of offsets into a source text, found only when somebody asks. */

export interface Position {
  /** From 1. */
  readonly line: number;
  /** From 1, in UTF-16 code units. */
  readonly column: number;
}

export class Positions {
  readonly #source: string;
  /** Where each line starts; made on the first question. */
  #starts: readonly number[] | undefined;
  /** The line of the last answer: most questions are about the same or the next one. */
  #last = 0;

  constructor(source: string) {
    this.#source = source;
  }

  of(at: number): Position {
    const line = this.lineOf(at);
    return { line, column: at - this.#lineStarts()[line - 1]! + 1 };
  }

  /** From 1. */
  lineOf(at: number): number {
    const starts = this.#lineStarts();
    let low = this.#last;
    if (at < starts[low]!) low = 0;
    else if (at < (starts[low + 1] ?? Infinity)) return low + 1;
    else if (at < (starts[low + 2] ?? Infinity)) return (this.#last = low + 1) + 1;
    let high = starts.length;
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if (starts[middle]! <= at) low = middle;
      else high = middle;
    }
    this.#last = low;
    return low + 1;
  }

  /** The text of a line, from 1, without its end. */
  textOf(line: number): string {
    const starts = this.#lineStarts();
    const end = starts[line] ?? this.#source.length + 1;
    return this.#source.slice(starts[line - 1] ?? this.#source.length, end - 1).replace(/\r$/, "");
  }

  #lineStarts(): readonly number[] {
    if (this.#starts !== undefined) return this.#starts;
    const starts = [0];
    for (let at = this.#source.indexOf("\n"); at >= 0; at = this.#source.indexOf("\n", at + 1)) {
      starts.push(at + 1);
    }
    return this.#starts = starts;
  }
}
