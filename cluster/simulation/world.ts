/**
 * A world that a test holds in its hand: virtual time in whole microseconds, a queue of events, dice
 * from one seed, and a trace. A run is a pure function of its seed.
 */

import { SeededRandom } from "../random.ts";
import { Trace } from "./trace.ts";

interface Event {
  readonly at: number;
  /** Events at the same microsecond happen in the order in which they were scheduled. */
  readonly order: number;
  readonly happen: () => void;
}

export const MS = 1_000;
export const SECOND = 1_000_000;

export class World {
  readonly random: SeededRandom;
  readonly trace = new Trace();
  #now = 0;
  #order = 0;
  readonly #heap: Event[] = [];

  constructor(readonly seed: number) {
    this.random = new SeededRandom(seed);
  }

  /** Microseconds since the beginning. */
  get now(): number {
    return this.#now;
  }

  /** The same in milliseconds, which is what cores count in. */
  get nowMs(): number {
    return this.#now / MS;
  }

  /** Lets something happen at a time; at once, if that is past. */
  at(microseconds: number, happen: () => void): void {
    this.#push({ at: Math.max(this.#now, Math.ceil(microseconds)), order: this.#order++, happen });
  }

  /** The first microsecond at which {@link nowMs} is at least `milliseconds`, and not in the past. */
  dueAt(milliseconds: number): number {
    const at = Math.max(this.#now, Math.ceil(milliseconds * MS));
    // The product may have been rounded down past the deadline; a tick there would come too early.
    return at / MS >= milliseconds ? at : at + 1;
  }

  after(microseconds: number, happen: () => void): void {
    this.at(this.#now + microseconds, happen);
  }

  /** Lets time pass until `microseconds`, or until `until` is true; says whether it became true. */
  run(microseconds: number, until?: () => boolean): boolean {
    for (;;) {
      if (until?.()) return true;
      const next = this.#heap[0];
      if (next === undefined || next.at > microseconds) break;
      this.#pop();
      this.#now = next.at;
      next.happen();
    }
    this.#now = Math.max(this.#now, microseconds);
    return until?.() ?? false;
  }

  /** Lets that much time pass from now. */
  pass(microseconds: number, until?: () => boolean): boolean {
    return this.run(this.#now + microseconds, until);
  }

  note(who: string, what: string): void {
    this.trace.add(this.#now, who, what);
  }

  #push(event: Event): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(event);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (isBefore(heap[parent]!, event)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = event;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop()!;
    if (heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++;
      if (isBefore(last, heap[child]!)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
  }
}

function isBefore(a: Event, b: Event): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
