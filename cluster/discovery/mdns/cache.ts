/** What others have announced, for as long as they said that it holds (RFC 6762, 5.2 and 10). */

import { below, type Random } from "../../random.ts";
import { dataKey, type DnsRecord, OTHER_TTL, type RecordType, setKey } from "./records.ts";

/** All in all; a thousand nodes have a few thousand, and more than the mesh wants anyway. */
export const MAX_CACHED_RECORDS = 2_048;
/** Records of one name and type: instances of a service, else addresses of a host. */
const MAX_POINTERS = 256;
const MAX_OTHERS = 8;

/** Nobody's word is taken for longer than this. */
const MAX_TTL = OTHER_TTL;
/** What is withdrawn or replaced goes this much later (RFC 6762, 10.1 and 10.2). */
const WITHDRAWN_MS = 1_000;
/** Asked for again after these parts of the TTL, and a little more at random (RFC 6762, 5.2). */
const REFRESH_PERCENT = [80, 85, 90, 95] as const;
const REFRESH_JITTER_PERCENT = 2;
/** What is announced for less time is not asked for again: it would be answered too late. */
const MIN_REFRESHED_TTL = 10;

interface Entry {
  record: DnsRecord;
  receivedAt: number;
  expiresAt: number;
  /** When to ask for it again; never, if it is going. */
  refreshAt: number;
  refreshes: number;
}

export class RecordCache {
  readonly #random: Random;
  /** By name and type, then by what the record says. */
  readonly #sets = new Map<string, Map<string, Entry>>();
  #size = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  get size(): number {
    return this.#size;
  }

  /** Takes in a record. True if it was not there; a full cache takes no new ones. */
  add(now: number, record: DnsRecord): boolean {
    const key = setKey(record.type, record.name);
    const set = this.#sets.get(key) ?? new Map<string, Entry>();
    if (record.flush && record.ttl > 0) replaceOthers(now, set, dataKey(record));
    const known = set.get(dataKey(record));
    if (known !== undefined) {
      this.#renew(now, known, record);
      return false;
    }
    if (record.ttl === 0 || this.#isFull(record.type, set)) return false;
    const entry = { record, receivedAt: now, expiresAt: now, refreshAt: now, refreshes: 0 };
    this.#renew(now, entry, record);
    this.#sets.set(key, set.set(dataKey(record), entry));
    this.#size++;
    return true;
  }

  /** Records of a name and type, the oldest first. */
  get<T extends RecordType>(type: T, name: string): (DnsRecord & { readonly type: T })[] {
    const set = this.#sets.get(setKey(type, name));
    if (set === undefined) return [];
    // The set's key begins with the type.
    return [...set.values()].map(({ record }) => record as DnsRecord & { readonly type: T });
  }

  /** The one that was heard last, where there should be one only. */
  newest<T extends RecordType>(
    type: T,
    name: string,
  ): (DnsRecord & { readonly type: T }) | undefined {
    const entries = [...this.#sets.get(setKey(type, name))?.values() ?? []];
    const newest = entries.reduce<Entry | undefined>(
      (best, entry) => best === undefined || entry.receivedAt >= best.receivedAt ? entry : best,
      undefined,
    );
    return newest?.record as (DnsRecord & { readonly type: T }) | undefined;
  }

  /**
   * Records of a name and type for a query's list of known answers: with the TTL that is left, which
   * must be more than half (RFC 6762, 7.1), and without the cache-flush bit (10.2).
   */
  knownAnswers(now: number, type: RecordType, name: string): DnsRecord[] {
    return [...this.#sets.get(setKey(type, name))?.values() ?? []]
      .filter(({ receivedAt, expiresAt }) => expiresAt - now > now - receivedAt)
      .map(({ record, expiresAt }) => ({
        ...record,
        ttl: Math.floor((expiresAt - now) / 1_000),
        flush: false,
      }));
  }

  /** Drops what is too old. True if there was any. */
  expire(now: number): boolean {
    const before = this.#size;
    for (const [key, set] of this.#sets) {
      for (const [data, { expiresAt }] of set) {
        if (now >= expiresAt && set.delete(data)) this.#size--;
      }
      if (set.size === 0) this.#sets.delete(key);
    }
    return this.#size < before;
  }

  /** Records to ask for again by `until`; each is given once for each part of its TTL. */
  takeRefreshes(until: number): DnsRecord[] {
    const due: DnsRecord[] = [];
    for (const entry of this.#entries()) {
      if (entry.refreshAt > until) continue;
      due.push(entry.record);
      entry.refreshes++;
      entry.refreshAt = this.#refreshTime(entry);
    }
    return due;
  }

  /** When something expires. */
  expiryDeadline(): number {
    let deadline = Infinity;
    for (const { expiresAt } of this.#entries()) deadline = Math.min(deadline, expiresAt);
    return deadline;
  }

  /** When something is to be asked for again. */
  refreshDeadline(): number {
    let deadline = Infinity;
    for (const { refreshAt } of this.#entries()) deadline = Math.min(deadline, refreshAt);
    return deadline;
  }

  *#entries(): Generator<Entry> {
    for (const set of this.#sets.values()) yield* set.values();
  }

  #isFull(type: RecordType, set: ReadonlyMap<string, Entry>): boolean {
    return this.#size >= MAX_CACHED_RECORDS ||
      set.size >= (type === "PTR" ? MAX_POINTERS : MAX_OTHERS);
  }

  #renew(now: number, entry: Entry, record: DnsRecord): void {
    if (record.ttl === 0) return withdraw(now, entry);
    entry.record = record;
    entry.receivedAt = now;
    entry.expiresAt = now + Math.min(record.ttl, MAX_TTL) * 1_000;
    entry.refreshes = 0;
    entry.refreshAt = record.ttl < MIN_REFRESHED_TTL ? Infinity : this.#refreshTime(entry);
  }

  #refreshTime({ receivedAt, expiresAt, refreshes }: Entry): number {
    const percent = REFRESH_PERCENT[refreshes];
    if (percent === undefined) return Infinity;
    const lifetime = expiresAt - receivedAt;
    const jitter = below(this.#random, lifetime * REFRESH_JITTER_PERCENT / 100);
    return receivedAt + lifetime * percent / 100 + jitter;
  }
}

/** Others of a set that was announced as a whole go, unless they came in the same second. */
function replaceOthers(now: number, set: ReadonlyMap<string, Entry>, data: string): void {
  for (const [other, entry] of set) {
    if (other !== data && now - entry.receivedAt > WITHDRAWN_MS) withdraw(now, entry);
  }
}

function withdraw(now: number, entry: Entry): void {
  entry.expiresAt = Math.min(entry.expiresAt, now + WITHDRAWN_MS);
  entry.refreshAt = Infinity;
}
