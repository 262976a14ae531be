/** Output on its way to where it is read: collected in pieces, taken as a whole. */

export class OutputBuffer {
  #pieces: Uint8Array[] = [];
  #bytes = 0;

  /** The bytes are the buffer's from now on. */
  add(bytes: Uint8Array): void {
    this.#pieces.push(bytes);
    this.#bytes += bytes.length;
  }

  get length(): number {
    return this.#bytes;
  }

  /** All that is there, in one piece. */
  take(): Uint8Array<ArrayBuffer> {
    const all = new Uint8Array(this.#bytes);
    let at = 0;
    for (const piece of this.#pieces) {
      all.set(piece, at);
      at += piece.length;
    }
    this.#pieces = [];
    this.#bytes = 0;
    return all;
  }
}
