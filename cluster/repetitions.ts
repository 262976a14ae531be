/** What is told once in a while, however often it happens. */

export class Repetitions {
  readonly #toldAt = new Map<string, number>();

  /** `quietMs` between two tellings of one thing; of more than `limit` things all are forgotten. */
  constructor(readonly quietMs: number, readonly limit: number) {}

  /** Whether this is to be told now. `now` in monotonic milliseconds. */
  isNews(now: number, what: string): boolean {
    const toldAt = this.#toldAt.get(what);
    if (toldAt !== undefined && now < toldAt + this.quietMs) return false;
    if (this.#toldAt.size >= this.limit) this.#toldAt.clear();
    this.#toldAt.set(what, now);
    return true;
  }
}
