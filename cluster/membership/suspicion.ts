/**
 * How long a suspicion lasts before it becomes a verdict (Lifeguard, Dadgar et al. 2018, section IV):
 *
 *     max − (max − min) · log(confirmations + 1) / log(k + 1)
 *
 * Independent confirmations shorten it: one slow or badly connected accuser has to wait.
 */

/** 1 − log(c + 1) / log(k + 1) for k = 0, 1, 2 as constants: no logarithms, so that seeds repeat. */
const REMAINING = [[1], [1, 0], [1, 0.36907, 0]] as const;

/** The most confirmations that can shorten a suspicion. */
export const MAX_CONFIRMATIONS = 2;

export interface SuspicionLimits {
  readonly suspicionMinMs: number;
  readonly suspicionMaxMs: number;
}

export class Suspicion {
  /** Who suspects, by the first 32 bits of their IDs; the first of them confirms nothing. */
  readonly #sources: number[];
  /** Whether the suspect has been asked over its link. */
  lastWordAsked = false;

  constructor(public startedAt: number, source: number) {
    this.#sources = [source];
  }

  /** True if this is news: another, independent source. */
  confirm(source: number): boolean {
    if (this.#sources.length > MAX_CONFIRMATIONS || this.#sources.includes(source)) return false;
    this.#sources.push(source);
    return true;
  }

  /** When the verdict falls. `memberCount`: all that are not failed, suspect and accuser included. */
  endsAt(limits: SuspicionLimits, memberCount: number): number {
    const { suspicionMinMs, suspicionMaxMs } = limits;
    const possible = Math.max(0, Math.min(MAX_CONFIRMATIONS, memberCount - 2));
    const confirmations = Math.min(possible, this.#sources.length - 1);
    const remaining = REMAINING[possible]![confirmations]!;
    return this.startedAt + suspicionMinMs + (suspicionMaxMs - suspicionMinMs) * remaining;
  }
}
