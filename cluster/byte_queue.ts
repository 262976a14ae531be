/** Bytes that come in pieces and go in others; what waits is always in one piece. */

const FIRST_BYTES = 1_024;
/** What is larger than this is given back when it is empty. */
const KEPT_BYTES = 64 * 1024;

export class ByteQueue {
  #buffer = new Uint8Array(FIRST_BYTES);
  #from = 0;
  #to = 0;

  get length(): number {
    return this.#to - this.#from;
  }

  /** All that waits; valid until the next call that changes anything. */
  get bytes(): Uint8Array<ArrayBuffer> {
    return this.#buffer.subarray(this.#from, this.#to);
  }

  push(bytes: Uint8Array): void {
    this.#makeRoom(bytes.length);
    this.#buffer.set(bytes, this.#to);
    this.#to += bytes.length;
  }

  /** The first `count` bytes are done with. */
  drop(count: number): void {
    this.#from += count;
    if (this.#from < this.#to) return;
    this.#from = this.#to = 0;
    if (this.#buffer.length > KEPT_BYTES) this.#buffer = new Uint8Array(FIRST_BYTES);
  }

  /** A copy of the first `count` bytes, which are done with. */
  take(count: number): Uint8Array<ArrayBuffer> {
    const taken = this.#buffer.slice(this.#from, this.#from + count);
    this.drop(count);
    return taken;
  }

  #makeRoom(count: number): void {
    const { length } = this;
    if (this.#to + count <= this.#buffer.length) return;
    // Moved only when at least as much has gone as is moved: each byte moves a few times at most.
    if (length + count <= this.#buffer.length && this.#from >= length) {
      this.#buffer.copyWithin(0, this.#from, this.#to);
    } else {
      const larger = new Uint8Array(Math.max(2 * this.#buffer.length, length + count));
      larger.set(this.bytes);
      this.#buffer = larger;
    }
    this.#from = 0;
    this.#to = length;
  }
}
