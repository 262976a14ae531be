/**
 * A 64-bit hash of one node's view of the cluster: equal views, equal hashes. It is the exclusive or
 * of one hash per member, so that a change costs the same however many members there are. Not
 * against forgers: whoever can send one holds the cluster key.
 */

import { bytesOfNodeId, type NodeId } from "../ids.ts";
import type { MemberState } from "./messages.ts";

export interface ViewHash {
  readonly high: number;
  readonly low: number;
}

/** A suspicion passes soon one way or the other, and is not yet a different view. */
const STATE_CLASS: Readonly<Record<MemberState, number>> = {
  alive: 1,
  suspect: 1,
  failed: 2,
  left: 3,
};

export class RunningViewHash {
  #high = 0;
  #low = 0;

  get value(): ViewHash {
    return { high: this.#high >>> 0, low: this.#low >>> 0 };
  }

  /** Adds a member to the view, or, the second time, takes it out again. */
  toggle(id: NodeId, incarnation: number, state: MemberState): void {
    const words = wordsOf(id);
    const salt = Math.imul(incarnation, 4) + STATE_CLASS[state];
    this.#high ^= mix(mix(mix(mix(salt ^ 0x2f0b4a17) ^ words[0]!) ^ words[1]!) ^ words[2]!);
    this.#low ^= mix(mix(mix(mix(salt ^ 0x5bd1e995) ^ words[3]!) ^ words[2]!) ^ words[1]!);
  }
}

export function sameView(a: ViewHash, b: ViewHash): boolean {
  return a.high === b.high && a.low === b.low;
}

/** The finaliser of MurmurHash3: every bit of the input changes half of the output's. */
function mix(value: number): number {
  let z = value;
  z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
  z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
  return z ^ (z >>> 16);
}

const wordsCache = new Map<NodeId, Uint32Array>();
const WORDS_CACHE_LIMIT = 10_000;

function wordsOf(id: NodeId): Uint32Array {
  let words = wordsCache.get(id);
  if (words === undefined) {
    const view = new DataView(bytesOfNodeId(id).slice().buffer);
    words = Uint32Array.from([0, 4, 8, 12], (at) => view.getUint32(at));
    if (wordsCache.size >= WORDS_CACHE_LIMIT) wordsCache.clear();
    wordsCache.set(id, words);
  }
  return words;
}

/** The first 32 bits of an ID, by which claims name their source. */
export function sourceOf(id: NodeId): number {
  return wordsOf(id)[0]!;
}
