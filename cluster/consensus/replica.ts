/**
 * Replicated last-writer-wins state, as a core without I/O: what is put here is everywhere soon, and
 * all replicas are equal once they have met, whatever was lost, late or apart in between.
 *
 * New items are offered to every connected member at once, and again until it has said that it holds
 * and has saved them. Now and then, and whenever two members connect, digests are compared, and where
 * they differ the names of all items, so that nothing depends on any single message.
 *
 * Time: stamps are issued from the cluster's clock, the median of the living members' clocks, so one
 * wrong clock harms nobody as long as its node is among others. A stamp that is further ahead of that
 * clock than allowed (its node was alone, with a wrong clock) is refused, with the reason, and offered
 * again by the digests; it is taken when time has caught up. Not ahead is what a majority of the
 * living members hold already: after a power cut, when all clocks are behind, the saved state of the
 * house stands. And what a replica saved itself is never refused; but while it is ahead, anything set
 * later on the cluster's clock replaces it.
 */

import { heldByMajority } from "../clock.ts";
import { assert } from "../errors.ts";
import type { NodeId } from "../ids.ts";
import { isPlanted } from "../planted.ts";
import { below, type Random } from "../random.ts";
import { Collection, type CollectionSpec, type Item, itemId, keyFor } from "./lww.ts";
import { NameHash } from "./name_hash.ts";
import {
  type ListEntry,
  MAX_LIST_ENTRIES,
  MAX_OFFER_ITEMS,
  type Refusal,
  type ReplicaMessage,
} from "./replica_messages.ts";
import { compareStamps, nextStamp, type Stamp } from "./stamp.ts";

/** First pause before an unanswered offer is repeated; doubled each time. A slow disk answers late. */
const FIRST_REPEAT_MS = 50;
const LAST_REPEAT_MS = 2_000;
/** Unanswered by datagram that often: the link is tried in turn. */
const DATAGRAM_TRIES = 3;
/** Offers of more items than this go over the link. */
const MAX_DATAGRAM_ITEMS = 4;
/** Pause between two digests to members at random, give or take a half. */
const DIGEST_PERIOD_MS = 5_000;
/** Items that wait for one member; beyond, the digests bring them. */
const MAX_PENDING = 2_048;
/** Offers under way to one member. */
const MAX_BATCHES = 64;
/** Replies that wait for the disk; a member whose reply is dropped offers again. */
const MAX_HELD_REPLIES = 256;
/** Items put here of which it is remembered who holds them. */
const MAX_TRACKED = 64;
/** Refusals that are remembered, to be shown. */
const MAX_REFUSALS = 64;
/** A refused item is offered again every few seconds; when that ends, the refusal is forgotten. */
const FORGET_REFUSAL_MS = 60_000;

export interface ReplicaOptions {
  readonly self: NodeId;
  readonly random: Random;
  readonly collections: readonly CollectionSpec[];
  /** A stamp may be this far ahead of the cluster's clock. */
  readonly maxSkewMs: number;
}

export interface OutgoingReplicaMessage {
  readonly to: NodeId;
  readonly message: ReplicaMessage;
  /** `datagram`: if it fits; the link otherwise. */
  readonly via: "datagram" | "link";
}

/** An item took its place here. */
export interface ItemChange {
  readonly item: Item;
  /** Who sent it; this node itself for what was put here. */
  readonly from: NodeId;
}

/** A stamp that is too far ahead, as either side remembers it. */
export interface RefusalView {
  readonly item: Item;
  /** Who refused it. */
  readonly by: NodeId;
  readonly aheadMs: number;
  readonly at: number;
}

interface Peer {
  readonly id: NodeId;
  readonly pending: Map<string, Item>;
  readonly batches: Map<number, readonly Item[]>;
  repeatAt: number;
  repeatMs: number;
  tries: number;
  /** The newest stamp that it is known to hold. */
  newest: Stamp | undefined;
  /** Whether it has said so yet: until then it is taken to hold what we do. */
  told: boolean;
}

interface HeldReply {
  readonly to: NodeId;
  readonly message: ReplicaMessage;
  readonly version: number;
}

export class Replica {
  readonly #options: ReplicaOptions;
  readonly #collections = new Map<string, Collection>();
  readonly #peers = new Map<NodeId, Peer>();
  readonly #hash = new NameHash();
  /**
   * Own items that are ahead, and the newest stamp that was in order when that was found: whatever
   * is set later, anywhere, has a stamp above it, even if the cluster's clock steps back.
   */
  readonly #aheadSince = new Map<string, Stamp | undefined>();
  readonly #refusals = new Map<string, RefusalView>();
  /** Who holds what was put here lately. */
  readonly #holders = new Map<string, Set<NodeId>>();
  #newest: Stamp | undefined;
  #version = 0;
  #savedVersion = 0;
  #heldReplies: HeldReply[] = [];
  #nextNumber = 1;
  #nextDigestAt: number;
  #outgoing: OutgoingReplicaMessage[] = [];
  #changes: ItemChange[] = [];

  constructor(options: ReplicaOptions, now: number) {
    this.#options = options;
    for (const spec of options.collections) this.#collections.set(spec.name, new Collection(spec));
    this.#nextDigestAt = now + below(options.random, DIGEST_PERIOD_MS);
  }

  // -- what came out ------------------------------------------------------------------------------

  takeOutgoing(): OutgoingReplicaMessage[] {
    const outgoing = this.#outgoing;
    this.#outgoing = [];
    return outgoing;
  }

  takeChanges(): ItemChange[] {
    const changes = this.#changes;
    this.#changes = [];
    return changes;
  }

  /** Grows with every change; what is not saved yet is `version` above `savedVersion`. */
  get version(): number {
    return this.#version;
  }

  get savedVersion(): number {
    return this.#savedVersion;
  }

  // -- what can be asked --------------------------------------------------------------------------

  get(collection: string, key: string): Item | undefined {
    return this.#collection(collection).get(key);
  }

  /** A collection's items, oldest first. */
  items(collection: string): Item[] {
    return this.#collection(collection).sorted();
  }

  /** All items, to be saved. */
  all(): Item[] {
    return [...this.#collections.values()].flatMap((collection) => collection.sorted());
  }

  /** The members that have said that they hold and have saved an item put here lately. */
  holdersOf(item: Item): ReadonlySet<NodeId> {
    return this.#holders.get(itemId(item)) ?? new Set();
  }

  /** Whether some member has still to answer for this item. */
  isPending(item: Item): boolean {
    const id = itemId(item);
    for (const { pending } of this.#peers.values()) if (pending.has(id)) return true;
    return false;
  }

  /** Refusals of late, ours and others', oldest first. */
  refusals(): RefusalView[] {
    return [...this.#refusals.values()];
  }

  /** Equal for replicas that hold the same items. */
  get digest(): string {
    return this.#hash.value;
  }

  // -- what happens -------------------------------------------------------------------------------

  /** Takes in what was saved here; it is never refused. */
  load(items: readonly Item[]): void {
    for (const item of items) {
      const collection = this.#collections.get(item.collection);
      if (collection === undefined || collection.spec.parse(item.value) === undefined) continue;
      const held = collection.get(item.key);
      if (held === undefined || compareStamps(held.stamp, item.stamp) < 0) this.#place(item);
    }
    this.#version = this.#savedVersion = 0;
  }

  /** Sets values under one new stamp and offers them to all. */
  put(
    now: number,
    clusterMs: number,
    values: readonly {
      readonly collection: string;
      readonly key: string;
      readonly value: unknown;
    }[],
  ): Item[] {
    const stamp = nextStamp(this.#newestNotAhead(clusterMs), clusterMs, this.#options.self);
    const items = values.map(({ collection, key, value }): Item => {
      const { spec } = this.#collection(collection);
      assert(spec.parse(value) !== undefined, `a value of ${collection}`);
      return { collection, key: keyFor(spec, key, stamp), stamp, value };
    });
    for (const item of items) {
      this.#place(item);
      this.#changes.push({ item, from: this.#options.self });
      bound(this.#holders.set(itemId(item), new Set()), MAX_TRACKED);
    }
    this.#version++;
    for (const peer of this.#peers.values()) this.#offer(now, peer, items);
    return items;
  }

  /** Everything up to `version` is on the disk: members may be told that it is held. */
  saved(version: number): void {
    this.#savedVersion = Math.max(this.#savedVersion, version);
    const ready = this.#heldReplies.filter((reply) => reply.version <= this.#savedVersion);
    this.#heldReplies = this.#heldReplies.filter((reply) => reply.version > this.#savedVersion);
    for (const { to, message } of ready) this.#send(to, message, "datagram");
  }

  /** A link to a member is up: both compare what they hold. */
  connected(id: NodeId): void {
    this.#peers.set(id, {
      id,
      pending: new Map(),
      batches: new Map(),
      repeatAt: Infinity,
      repeatMs: FIRST_REPEAT_MS,
      tries: 0,
      newest: undefined,
      told: false,
    });
    // One of the two asks for a list if they differ; both learn how new the other's items are.
    this.#send(id, this.#digestMessage(this.#options.self < id), "link");
  }

  disconnected(id: NodeId): void {
    this.#peers.delete(id);
    this.#heldReplies = this.#heldReplies.filter(({ to }) => to !== id);
  }

  receive(now: number, clusterMs: number, from: NodeId, message: ReplicaMessage): void {
    const peer = this.#peers.get(from);
    if (peer === undefined) return;
    if (message.type === "digest") {
      peer.newest = message.newest;
      peer.told = true;
    } else if (message.type === "offer") {
      for (const { stamp } of message.items) noteHeld(peer, stamp);
    }
    this.#reviewAhead(clusterMs);
    switch (message.type) {
      case "offer":
        return this.#receiveOffer(now, clusterMs, peer, message.number, message.items);
      case "reply":
        return this.#receiveReply(now, peer, message.number, message.refused);
      case "digest":
        if (message.ask && message.hash !== this.#hash.value) {
          this.#send(from, this.#listMessage(true), "link");
        }
        // Who asks is to know as well how new the items here are.
        if (message.ask) this.#send(from, this.#digestMessage(false), "datagram");
        return;
      case "list":
        return this.#receiveList(now, peer, message.entries, message.answer);
    }
  }

  deadline(): number {
    let deadline = this.#peers.size === 0 ? Infinity : this.#nextDigestAt;
    for (const { repeatAt } of this.#peers.values()) deadline = Math.min(deadline, repeatAt);
    return deadline;
  }

  tick(now: number): void {
    for (const peer of this.#peers.values()) if (now >= peer.repeatAt) this.#sendOffers(now, peer);
    if (now < this.#nextDigestAt) return;
    this.#nextDigestAt = now + DIGEST_PERIOD_MS / 2 + below(this.#options.random, DIGEST_PERIOD_MS);
    for (const [key, { at }] of this.#refusals) {
      if (now - at > FORGET_REFUSAL_MS) this.#refusals.delete(key);
    }
    const peers = [...this.#peers.keys()];
    const to = peers[below(this.#options.random, peers.length)];
    if (to !== undefined) this.#send(to, this.#digestMessage(true), "datagram");
  }

  // -- offers -------------------------------------------------------------------------------------

  #offer(now: number, peer: Peer, items: readonly Item[]): void {
    for (const item of items) {
      if (peer.pending.size < MAX_PENDING) peer.pending.set(itemId(item), item);
    }
    peer.tries = 0;
    peer.repeatMs = FIRST_REPEAT_MS;
    this.#sendOffers(now, peer);
  }

  #sendOffers(now: number, peer: Peer): void {
    const pending = [...peer.pending.values()];
    if (pending.length === 0) {
      peer.repeatAt = Infinity;
      return;
    }
    peer.tries++;
    const few = pending.length <= MAX_DATAGRAM_ITEMS;
    const datagram = few && (peer.tries <= DATAGRAM_TRIES || peer.tries % 2 === 0);
    for (let at = 0; at < pending.length; at += MAX_OFFER_ITEMS) {
      const items = pending.slice(at, at + MAX_OFFER_ITEMS);
      const number = this.#nextNumber++;
      bound(peer.batches.set(number, items), MAX_BATCHES);
      this.#send(peer.id, { type: "offer", number, items }, datagram ? "datagram" : "link");
    }
    peer.repeatAt = isPlanted("no-repeat") ? Infinity : now + peer.repeatMs;
    peer.repeatMs = Math.min(peer.repeatMs * 2, LAST_REPEAT_MS);
  }

  #receiveOffer(
    now: number,
    clusterMs: number,
    peer: Peer,
    number: number,
    items: readonly Item[],
  ): void {
    const refused: Refusal[] = [];
    let changed = false;
    items.forEach((item, index) => {
      const verdict = this.#take(clusterMs, item, peer.id);
      if (verdict === "taken") changed = true;
      const key = refusalKey(item, this.#options.self);
      if (typeof verdict === "number") {
        refused.push({ index, aheadMs: verdict });
        this.#noteRefusal(key, { item, by: this.#options.self, aheadMs: verdict, at: now });
      } else {
        this.#refusals.delete(key);
      }
    });
    if (changed) this.#version++;
    const message: ReplicaMessage = { type: "reply", number, refused };
    if (this.#savedVersion >= this.#version || isPlanted("ack-before-save")) {
      this.#send(peer.id, message, "datagram");
    } else this.#holdReply({ to: peer.id, message, version: this.#version });
  }

  #holdReply(reply: HeldReply): void {
    this.#heldReplies.push(reply);
    if (this.#heldReplies.length > MAX_HELD_REPLIES) this.#heldReplies.shift();
  }

  #receiveReply(now: number, peer: Peer, number: number, refused: readonly Refusal[]): void {
    const items = peer.batches.get(number);
    if (items === undefined) return;
    peer.batches.delete(number);
    const aheadMs = new Map(refused.map(({ index, aheadMs }) => [index, aheadMs]));
    items.forEach((item, index) => {
      peer.pending.delete(itemId(item));
      const key = refusalKey(item, peer.id);
      const ahead = aheadMs.get(index);
      if (ahead === undefined) {
        this.#refusals.delete(key);
        this.#holders.get(itemId(item))?.add(peer.id);
        noteHeld(peer, item.stamp);
      } else this.#noteRefusal(key, { item, by: peer.id, aheadMs: ahead, at: now });
    });
    if (peer.pending.size === 0) peer.repeatAt = Infinity;
  }

  #noteRefusal(key: string, refusal: RefusalView): void {
    this.#refusals.delete(key);
    bound(this.#refusals.set(key, refusal), MAX_REFUSALS);
  }

  // -- lists --------------------------------------------------------------------------------------

  #receiveList(now: number, peer: Peer, entries: readonly ListEntry[], answer: boolean): void {
    const theirs = new Map<string, Map<string, Stamp>>();
    for (const { collection, key, stamp } of entries) {
      let keys = theirs.get(collection);
      if (keys === undefined) theirs.set(collection, keys = new Map());
      keys.set(key, stamp);
    }
    const missing: Item[] = [];
    for (const collection of this.#collections.values()) {
      const held = theirs.get(collection.spec.name) ?? new Map<string, Stamp>();
      const oldest = held.size >= collection.spec.limit ? oldestOf(held) : undefined;
      for (const item of collection.sorted()) {
        const stamp = held.get(item.key);
        if (stamp !== undefined && compareStamps(stamp, item.stamp) >= 0) continue;
        // A full collection has dropped what is older, and would again.
        const dropped = stamp === undefined && oldest !== undefined &&
          compareStamps(item.stamp, oldest) < 0;
        if (!dropped) missing.push(item);
      }
    }
    if (missing.length > 0) this.#offer(now, peer, missing);
    if (answer) this.#send(peer.id, this.#listMessage(false), "link");
  }

  #listMessage(answer: boolean): ReplicaMessage {
    const entries = this.all().slice(0, MAX_LIST_ENTRIES)
      .map(({ collection, key, stamp }) => ({ collection, key, stamp }));
    return { type: "list", entries, answer };
  }

  #digestMessage(asked: boolean): ReplicaMessage {
    const ask = asked && !isPlanted("no-digests");
    return { type: "digest", hash: this.#hash.value, ask, newest: this.#newest };
  }

  // -- merging ------------------------------------------------------------------------------------

  /** How far ahead it is, if it is refused; else whether it took its place or something newer has it. */
  #take(clusterMs: number, item: Item, from: NodeId): "taken" | "superseded" | number {
    const collection = this.#collections.get(item.collection);
    if (collection === undefined) return "superseded";
    const value = collection.spec.parse(item.value);
    const key = keyFor(collection.spec, item.key, item.stamp);
    if (value === undefined || key !== item.key) return "superseded";
    if (collection.spec.isKey?.(key) === false) return "superseded";
    const held = collection.get(key);
    const order = held === undefined ? 1 : compareStamps(item.stamp, held.stamp);
    if (order === 0) return "superseded";
    const aheadMs = item.stamp.ms - this.#latestAllowed(clusterMs);
    if (aheadMs > 0) return order < 0 ? "superseded" : item.stamp.ms - clusterMs;
    if (order < 0 && !this.#isOverruled(held!, item)) return "superseded";
    if (held === undefined && collection.isFull && !this.#hasRoomFor(collection, item)) {
      return "superseded";
    }
    const taken: Item = { ...item, value };
    this.#place(taken);
    this.#changes.push({ item: taken, from });
    return "taken";
  }

  /** Whether `held`, which is ahead of time, gives way to something set after it was found ahead. */
  #isOverruled(held: Item, item: Item): boolean {
    const id = itemId(held);
    const since = this.#aheadSince.get(id);
    return this.#aheadSince.has(id) &&
      (since === undefined || compareStamps(item.stamp, since) > 0);
  }

  /** A full collection takes what is newer than its oldest. */
  #hasRoomFor(collection: Collection, item: Item): boolean {
    const oldest = collection.oldest();
    return oldest === undefined || compareStamps(oldest.stamp, item.stamp) < 0;
  }

  #place(item: Item): void {
    let newestGone = false;
    for (const gone of this.#collection(item.collection).put(item)) {
      this.#hash.toggle(itemId(gone));
      this.#aheadSince.delete(itemId(gone));
      newestGone ||= this.#newest !== undefined && compareStamps(gone.stamp, this.#newest) === 0;
    }
    this.#hash.toggle(itemId(item));
    if (newestGone) this.#newest = this.#newestOf(() => true);
    else if (this.#newest === undefined || compareStamps(this.#newest, item.stamp) < 0) {
      this.#newest = item.stamp;
    }
  }

  // -- time ---------------------------------------------------------------------------------------

  /** The latest time that a stamp may show. */
  #latestAllowed(clusterMs: number): number {
    if (isPlanted("no-skew-bound")) return Infinity;
    const newest = [this.#newest?.ms ?? 0];
    for (const peer of this.#peers.values()) {
      newest.push(peer.told ? peer.newest?.ms ?? 0 : newest[0]!);
    }
    return Math.max(clusterMs, heldByMajority(newest)!) + this.#options.maxSkewMs;
  }

  /** Notes which own items are ahead, and forgets it when time catches up. */
  #reviewAhead(clusterMs: number): void {
    const latest = this.#latestAllowed(clusterMs);
    if (this.#newest === undefined || this.#newest.ms <= latest) {
      this.#aheadSince.clear();
      return;
    }
    const since = this.#newestInOrder(latest);
    for (const collection of this.#collections.values()) {
      for (const item of collection.values()) {
        const id = itemId(item);
        if (item.stamp.ms <= latest) {
          this.#aheadSince.delete(id);
          continue;
        }
        // What was in order then may be ahead itself by now: a smaller house had a later clock.
        const before = this.#aheadSince.get(id);
        const isStale = before !== undefined && before.ms > latest;
        if (isStale || !this.#aheadSince.has(id)) this.#aheadSince.set(id, since);
      }
    }
  }

  /** The newest stamp, here or at a peer, that is not ahead. */
  #newestInOrder(latest: number): Stamp | undefined {
    let newest = this.#newestOf(({ stamp }) => stamp.ms <= latest);
    for (const peer of this.#peers.values()) {
      if (peer.newest === undefined || peer.newest.ms > latest) continue;
      if (newest === undefined || compareStamps(newest, peer.newest) < 0) newest = peer.newest;
    }
    return newest;
  }

  /** The newest stamp held that others would take: what is ahead does not drag new stamps along. */
  #newestNotAhead(clusterMs: number): Stamp | undefined {
    if (isPlanted("local-clock-stamps")) return undefined;
    this.#reviewAhead(clusterMs);
    if (this.#aheadSince.size === 0) return this.#newest;
    return this.#newestOf((item) => !this.#aheadSince.has(itemId(item)));
  }

  #newestOf(counts: (item: Item) => boolean): Stamp | undefined {
    let newest: Stamp | undefined;
    for (const collection of this.#collections.values()) {
      for (const item of collection.values()) {
        if (newest !== undefined && compareStamps(newest, item.stamp) >= 0) continue;
        if (counts(item)) newest = item.stamp;
      }
    }
    return newest;
  }

  #collection(name: string): Collection {
    const collection = this.#collections.get(name);
    assert(collection !== undefined, `no collection ${name}`);
    return collection;
  }

  #send(to: NodeId, message: ReplicaMessage, via: "datagram" | "link"): void {
    this.#outgoing.push({ to, message, via });
  }
}

/** It holds something of that stamp, as it has shown. */
function noteHeld(peer: Peer, stamp: Stamp): void {
  if (peer.newest === undefined || compareStamps(peer.newest, stamp) < 0) peer.newest = stamp;
}

function oldestOf(stamps: ReadonlyMap<string, Stamp>): Stamp | undefined {
  let oldest: Stamp | undefined;
  for (const stamp of stamps.values()) {
    if (oldest === undefined || compareStamps(stamp, oldest) < 0) oldest = stamp;
  }
  return oldest;
}

/** Keeps a map small by dropping its oldest entry. */
function bound<K, V>(map: Map<K, V>, limit: number): void {
  if (map.size > limit) map.delete(map.keys().next().value!);
}

function refusalKey(item: Item, by: NodeId): string {
  return `${itemId(item)} ${by}`;
}
