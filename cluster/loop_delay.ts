/** How late the event loop is: what blocks it shows here before it shows as a suspicion. */

const PERIOD_MS = 500;
/** The worst delay is remembered over this many periods. */
const WINDOW = 120;

export class LoopDelay {
  readonly #delays: number[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  #maxMs = 0;

  start(): void {
    const due = performance.now() + PERIOD_MS;
    this.#timer = setTimeout(() => {
      const delay = Math.max(0, performance.now() - due);
      this.#maxMs = Math.max(this.#maxMs, delay);
      this.#delays.push(delay);
      if (this.#delays.length > WINDOW) this.#delays.shift();
      this.start();
    }, PERIOD_MS);
    Deno.unrefTimer(this.#timer);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  /** The worst of the last minute, in milliseconds. */
  get recentMs(): number {
    return Math.max(0, ...this.#delays);
  }

  /** The worst since the start. */
  get maxMs(): number {
    return this.#maxMs;
  }
}
