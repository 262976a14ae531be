/** What happened, a line per event: the last ones to read, all of them as a hash to compare. */

const KEPT_LINES = 2_000;

export class Trace {
  readonly #lines: string[] = [];
  #next = 0;
  #count = 0;
  #hashHigh = 0x811c9dc5;
  #hashLow = 0x2f0b4a17;

  add(microseconds: number, who: string, what: string): void {
    const line = `${seconds(microseconds)}  ${who.padEnd(6)}  ${what}`;
    for (let i = 0; i < line.length; i++) {
      const code = line.charCodeAt(i);
      this.#hashHigh = Math.imul(this.#hashHigh ^ code, 0x01000193);
      this.#hashLow = Math.imul(this.#hashLow ^ code, 0x85ebca6b);
    }
    this.#lines[this.#next] = line;
    this.#next = (this.#next + 1) % KEPT_LINES;
    this.#count++;
  }

  get count(): number {
    return this.#count;
  }

  /** Equal for equal traces, from the first event on. */
  get hash(): string {
    const hex = (word: number) => (word >>> 0).toString(16).padStart(8, "0");
    return hex(this.#hashHigh) + hex(this.#hashLow);
  }

  /** The last events, oldest first. */
  last(count: number): string[] {
    const all = [...this.#lines.slice(this.#next), ...this.#lines.slice(0, this.#next)];
    return all.slice(-count);
  }
}

function seconds(microseconds: number): string {
  const whole = Math.floor(microseconds / 1_000_000);
  const rest = String(microseconds % 1_000_000).padStart(6, "0");
  return `${String(whole).padStart(5)}.${rest}`;
}
