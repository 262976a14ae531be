/**
 * Dice that a core is handed instead of Math.random, so that a seed repeats a whole run.
 * Integers only: no float arithmetic whose last bit could differ between machines.
 */

export interface Random {
  /** A whole number from 0 to 2^32 − 1. */
  u32(): number;
}

/** A whole number from 0 to `limit` − 1; `limit` is at most 2^32. */
export function below(random: Random, limit: number): number {
  return Math.floor((random.u32() / 2 ** 32) * limit);
}

/** A whole number from `low` to `high`, both included. */
export function between(random: Random, low: number, high: number): number {
  return low + below(random, high - low + 1);
}

/** True in `perMille` of 1000 cases. */
export function chance(random: Random, perMille: number): boolean {
  return perMille > 0 && below(random, 1000) < perMille;
}

/** Orders `items` at random, in place (Fisher-Yates). */
export function shuffle<T>(random: Random, items: T[]): T[] {
  for (let i = items.length - 1; i > 0; i--) {
    const j = below(random, i + 1);
    const item = items[i]!;
    items[i] = items[j]!;
    items[j] = item;
  }
  return items;
}

/** The machine's own dice, for running nodes. */
export const systemRandom: Random = {
  u32() {
    return crypto.getRandomValues(new Uint32Array(1))[0]!;
  },
};

/**
 * xoshiro128** of Blackman and Vigna (2018), seeded by SplitMix32. Not for secrets.
 * `fork` gives an independent stream per concern, so that a new roll in one place does not change
 * the rolls of all others.
 */
export class SeededRandom implements Random {
  readonly #state: Uint32Array;
  readonly #seed: number;

  constructor(seed: number) {
    this.#seed = seed >>> 0;
    this.#state = new Uint32Array(4);
    let mix = this.#seed;
    for (let i = 0; i < 4; i++) {
      mix = (mix + 0x9e3779b9) >>> 0;
      let z = mix;
      z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
      z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
      this.#state[i] = (z ^ (z >>> 16)) >>> 0;
    }
  }

  fork(label: string): SeededRandom {
    let hash = this.#seed ^ 0x811c9dc5;
    for (let i = 0; i < label.length; i++) {
      hash = Math.imul(hash ^ label.charCodeAt(i), 0x01000193);
    }
    return new SeededRandom(hash);
  }

  u32(): number {
    const s = this.#state;
    const s1 = s[1]!;
    const scrambled = Math.imul(s1, 5);
    const result = Math.imul((scrambled << 7) | (scrambled >>> 25), 9) >>> 0;
    const t = s1 << 9;
    s[2]! ^= s[0]!;
    s[3]! ^= s1;
    s[1]! ^= s[2]!;
    s[0]! ^= s[3]!;
    s[2]! ^= t;
    s[3] = (s[3]! << 11) | (s[3]! >>> 21);
    return result;
  }
}
