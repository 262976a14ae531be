/**
 * A 64-bit hash of a set of names: the exclusive or of one hash per name, so that adding and taking
 * away cost the same however large the set is. Not against forgers.
 */
export class NameHash {
  #high = 0;
  #low = 0;

  /** 16 hexadecimal digits. */
  get value(): string {
    const hex = (word: number) => (word >>> 0).toString(16).padStart(8, "0");
    return hex(this.#high) + hex(this.#low);
  }

  /** Adds a name, or, the second time, takes it out again. */
  toggle(name: string): void {
    // FNV-1a twice with different bases, finished like MurmurHash3.
    let high = 0x811c9dc5;
    let low = 0x2f0b4a17;
    for (let i = 0; i < name.length; i++) {
      const code = name.charCodeAt(i);
      high = Math.imul(high ^ code, 0x01000193);
      low = Math.imul(low ^ code, 0x85ebca6b);
    }
    this.#high ^= finish(high);
    this.#low ^= finish(low);
  }
}

function finish(value: number): number {
  let z = value;
  z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
  z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
  return z ^ (z >>> 16);
}
