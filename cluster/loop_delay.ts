/**
 * How late the event loop is, by the timers that a node has anyway: what blocks it shows here before
 * it shows as a suspicion.
 */

const BUCKET_MS = 5_000;
/** The worst delay is remembered over this many buckets: a minute. */
const BUCKETS = 12;

export class LoopDelay {
  /** The worst delay in each bucket of time, the newest last. */
  readonly #worst: number[] = [0];
  #bucketEndsAt: number;
  #maxMs = 0;

  /** `now`: monotonic milliseconds, as everywhere here. */
  constructor(now: number) {
    this.#bucketEndsAt = now + BUCKET_MS;
  }

  /** A timer that was due at `dueAt` runs now. */
  note(now: number, dueAt: number): void {
    this.#turn(now);
    const delayMs = Math.max(0, now - dueAt);
    this.#worst.push(Math.max(this.#worst.pop() ?? 0, delayMs));
    this.#maxMs = Math.max(this.#maxMs, delayMs);
  }

  /** The worst of the last minute, in milliseconds. */
  recentMs(now: number): number {
    this.#turn(now);
    return Math.max(...this.#worst);
  }

  /** The worst since the start. */
  get maxMs(): number {
    return this.#maxMs;
  }

  #turn(now: number): void {
    const passed = Math.ceil((now - this.#bucketEndsAt) / BUCKET_MS);
    for (let i = 0; i < Math.min(passed, BUCKETS); i++) this.#worst.push(0);
    this.#worst.splice(0, this.#worst.length - BUCKETS);
    if (passed > 0) this.#bucketEndsAt += passed * BUCKET_MS;
  }
}
