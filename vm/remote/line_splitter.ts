/** Lines of plain text out of a stream of bytes. */

const NEWLINE = 10;
const CARRIAGE_RETURN = 13;

export class LineSplitter {
  readonly #maxBytes: number;
  #bytes = new Uint8Array();

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  push(bytes: Uint8Array): void {
    const joined = new Uint8Array(this.#bytes.length + bytes.length);
    joined.set(this.#bytes);
    joined.set(bytes, this.#bytes.length);
    this.#bytes = joined;
  }

  /** Bytes that wait. */
  get length(): number {
    return this.#bytes.length;
  }

  /** What waits, as it came. */
  takeAll(): Uint8Array {
    const bytes = this.#bytes;
    this.#bytes = new Uint8Array();
    return bytes;
  }

  /** Whether the next line is longer than it may be. */
  get isTooLong(): boolean {
    const end = this.#bytes.indexOf(NEWLINE);
    return (end < 0 ? this.#bytes.length : end) > this.#maxBytes;
  }

  /** The next whole line, without its end; undefined if there is none yet. */
  next(): string | undefined {
    const end = this.#bytes.indexOf(NEWLINE);
    return end < 0 ? undefined : this.#take(end, end + 1);
  }

  /** What is left when there will be no more; undefined if that is nothing. */
  last(): string | undefined {
    const { length } = this.#bytes;
    return length === 0 ? undefined : this.#take(length, length);
  }

  #take(end: number, next: number): string {
    const isCrLf = end > 0 && this.#bytes[end - 1] === CARRIAGE_RETURN;
    const line = new TextDecoder().decode(this.#bytes.subarray(0, isCrLf ? end - 1 : end));
    this.#bytes = this.#bytes.slice(next);
    return line;
  }
}
