/** Lines of plain text out of a stream of bytes. */

import { ByteQueue } from "../../cluster/byte_queue.ts";

const NEWLINE = 10;
const CARRIAGE_RETURN = 13;

export class LineSplitter {
  readonly #maxBytes: number;
  readonly #queue = new ByteQueue();

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  push(bytes: Uint8Array): void {
    this.#queue.push(bytes);
  }

  /** Bytes that wait. */
  get length(): number {
    return this.#queue.length;
  }

  /** What waits, as it came. */
  takeAll(): Uint8Array {
    return this.#queue.take(this.#queue.length);
  }

  /** Whether the next line is longer than it may be. */
  get isTooLong(): boolean {
    const { bytes } = this.#queue;
    const end = bytes.indexOf(NEWLINE);
    return (end < 0 ? bytes.length : end) > this.#maxBytes;
  }

  /** The next whole line, without its end; undefined if there is none yet. */
  next(): string | undefined {
    const end = this.#queue.bytes.indexOf(NEWLINE);
    return end < 0 ? undefined : this.#take(end, end + 1);
  }

  /** What is left when there will be no more; undefined if that is nothing. */
  last(): string | undefined {
    const { length } = this.#queue;
    return length === 0 ? undefined : this.#take(length, length);
  }

  #take(end: number, next: number): string {
    const { bytes } = this.#queue;
    const isCrLf = end > 0 && bytes[end - 1] === CARRIAGE_RETURN;
    const line = new TextDecoder().decode(bytes.subarray(0, isCrLf ? end - 1 : end));
    this.#queue.drop(next);
    return line;
  }
}
