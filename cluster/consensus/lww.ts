/**
 * What last-writer-wins state is made of: items under stamps, in collections that merge. A register
 * keeps the newest item of each key; a history keeps the newest items of all. Both are semilattices:
 * merged in any order, any number of times, the result is the same.
 */

import { compareStamps, type Stamp, stampKey } from "./stamp.ts";

/** Something that was set at some time by some node. */
export interface Item {
  readonly collection: string;
  /** In a register, what was set; in a history, the text of the stamp. */
  readonly key: string;
  readonly stamp: Stamp;
  readonly value: unknown;
}

export interface CollectionSpec {
  readonly name: string;
  readonly kind: "register" | "history";
  /** Items that are kept; the oldest go. */
  readonly limit: number;
  /** Which keys a register can have; any, if it is not told. */
  readonly isKey?: (key: string) => boolean;
  /** The value if it is one of this collection; undefined if it is not. */
  readonly parse: (value: unknown) => unknown;
}

/** Names an item: its place and its stamp. */
export function itemId({ collection, key, stamp }: Omit<Item, "value">): string {
  return `${collection}/${key}@${stampKey(stamp)}`;
}

/** The key of an item with that stamp: a history's items have no other name than their stamp. */
export function keyFor(spec: CollectionSpec, key: string, stamp: Stamp): string {
  return spec.kind === "history" ? stampKey(stamp) : key;
}

/** One collection's items. */
export class Collection {
  readonly #items = new Map<string, Item>();

  constructor(readonly spec: CollectionSpec) {}

  get(key: string): Item | undefined {
    return this.#items.get(key);
  }

  get isFull(): boolean {
    return this.#items.size >= this.spec.limit;
  }

  /** All items, oldest first. */
  sorted(): Item[] {
    return [...this.#items.values()].sort((a, b) => compareStamps(a.stamp, b.stamp));
  }

  values(): IterableIterator<Item> {
    return this.#items.values();
  }

  /** Puts an item in its place, whatever was there; gives what had to go. */
  put(item: Item): Item[] {
    const gone: Item[] = [];
    const before = this.#items.get(item.key);
    if (before !== undefined) gone.push(before);
    this.#items.set(item.key, item);
    if (this.#items.size > this.spec.limit) gone.push(this.#dropOldest());
    return gone;
  }

  #dropOldest(): Item {
    const oldest = this.oldest()!;
    this.#items.delete(oldest.key);
    return oldest;
  }

  oldest(): Item | undefined {
    let oldest: Item | undefined;
    for (const item of this.#items.values()) {
      if (oldest === undefined || compareStamps(item.stamp, oldest.stamp) < 0) oldest = item;
    }
    return oldest;
  }
}
