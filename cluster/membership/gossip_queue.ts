/** News waiting to be passed on: each item a limited number of times, least often told first. */

import type { NodeId } from "../ids.ts";
import { isPlanted } from "../planted.ts";
import type { Update } from "./messages.ts";

interface Item {
  readonly update: Update;
  told: number;
}

export class GossipQueue {
  /** Least often told first. */
  #items: Item[] = [];

  get isEmpty(): boolean {
    return this.#items.length === 0;
  }

  get length(): number {
    return this.#items.length;
  }

  /** Adds news about a member; older news about it is obsolete and goes. */
  push(update: Update): void {
    this.#items = this.#items.filter((item) => item.update.id !== update.id);
    this.#items.unshift({ update, told: 0 });
  }

  /**
   * Up to `max` items, counted as told once more; an item told `limit` times is retired.
   * `unless` names a member about whom the receiver is told anyway.
   */
  take(max: number, limit: number, unless?: NodeId): Update[] {
    if (this.#items.length === 0) return [];
    const taken: Update[] = [];
    for (const item of this.#items) {
      if (taken.length >= max) break;
      if (item.update.id === unless) continue;
      taken.push(item.update);
      item.told++;
    }
    if (!isPlanted("gossip-never-retires")) {
      this.#items = this.#items.filter((item) => item.told < limit);
    }
    this.#items.sort((a, b) => a.told - b.told);
    return taken;
  }

  clear(): void {
    this.#items = [];
  }

  drop(id: NodeId): void {
    this.#items = this.#items.filter((item) => item.update.id !== id);
  }
}

/**
 * How often each item is told: `repeat` · ⌈log10(n + 1)⌉, as SWIM's analysis asks (Das, Gupta and
 * Motivala 2002, 4.1). For whole n the logarithm rounded up is the number of decimal digits.
 */
export function tellLimit(repeat: number, memberCount: number): number {
  return repeat * String(Math.max(1, memberCount)).length;
}
