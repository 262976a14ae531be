/** When to try again: soon at first, then ever more rarely, never all at the same moment. */

import { below, type Random } from "../random.ts";

export const FIRST_RETRY_MS = 250;
export const LAST_RETRY_MS = 30_000;

export class Backoff {
  #failures = 0;

  /** How many tries in a row have failed. */
  get failures(): number {
    return this.#failures;
  }

  reset(): void {
    this.#failures = 0;
  }

  /** The pause after one more failure: doubled each time, up to half a minute, ± a quarter. */
  next(random: Random): number {
    const pause = Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(this.#failures, 16));
    this.#failures++;
    return Math.floor(pause * 3 / 4) + below(random, Math.floor(pause / 2));
  }
}
