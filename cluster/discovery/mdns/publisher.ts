/**
 * Announces this node on one link and answers questions about it (RFC 6762, 6 and 8).
 *
 *     probe ─ 250 ms ─ announcement ─ 1 s ─ announcement ─ … answers … ─ goodbye
 *
 * All names that are claimed contain the node's ID, so nobody else has them: one probe is enough, and
 * a record or a probe of another host with one of them is our own that came back, by way of a second
 * interface or a reflector, or a copied data directory. Renaming would help against neither, so both
 * are passed over here; two processes with one ID are sorted out where they meet, by the mesh.
 */

import { below, between, type Random } from "../../random.ts";
import { type Announcement, type OwnRecord, OwnRecords } from "./own_records.ts";
import { type Packet, probePacket, responsePacket } from "./packets.ts";
import { type DnsRecord, recordKey } from "./records.ts";

/** Hosts that are switched on together do not probe together (RFC 6762, 8.1). */
const PROBE_DELAY_LIMIT_MS = 250;
/** How long an owner of the name has to object (RFC 6762, 8.1). */
const PROBE_WAIT_MS = 250;
/** RFC 6762, 8.3: at least two, a second apart. */
const ANNOUNCEMENTS = 2;
const ANNOUNCEMENT_PERIOD_MS = 1_000;
/** No record is multicast more often (RFC 6762, 6). */
const MIN_REPEAT_MS = 1_000;
/** Before an answer that others may have as well (RFC 6762, 6). */
const SHARED_DELAY_MS = [20, 120] as const;
/** Before an answer to a question whose known answers go on in the next packet (RFC 6762, 7.2). */
const TRUNCATED_DELAY_MS = [400, 500] as const;

/** An answer that is about to be given. */
interface PendingAnswer {
  readonly entry: OwnRecord;
  dueAt: number;
  /** Who alone has asked; undefined if several have. */
  asker: string | undefined;
}

export class Publisher {
  readonly records: OwnRecords;
  readonly #random: Random;
  /** By record key; never more than there are own records. */
  readonly #pending = new Map<string, PendingAnswer>();
  #phase: "idle" | "probing" | "claimed" | "gone" = "idle";
  #probeAt = Infinity;
  #announceAt = Infinity;
  #announcements = 0;
  #outgoing: Packet[] = [];

  constructor(announcement: Announcement, random: Random) {
    this.records = new OwnRecords(announcement);
    this.#random = random;
  }

  takeOutgoing(): Packet[] {
    const outgoing = this.#outgoing;
    this.#outgoing = [];
    return outgoing;
  }

  /** Whether the names are claimed and questions are answered. */
  get answers(): boolean {
    return this.#phase === "claimed";
  }

  /** The node's addresses on this link. The first ones start it; others are announced anew. */
  setAddresses(now: number, addresses: readonly string[]): void {
    if (this.#phase === "gone") return;
    const removed = this.records.setAddresses(addresses);
    if (removed === undefined) return;
    if (this.#phase === "idle") {
      this.#phase = "probing";
      this.#probeAt = now + below(this.#random, PROBE_DELAY_LIMIT_MS);
      return;
    }
    if (this.#phase !== "claimed") return;
    for (const record of removed) this.#pending.delete(recordKey(record));
    // Not with the cache-flush bit: there may be others that stay.
    const withdrawn = removed.map((record) => ({ ...record, ttl: 0, flush: false }));
    if (withdrawn.length > 0) this.#outgoing.push(responsePacket(withdrawn));
    this.announceAgain(now);
  }

  /** Announces all once more, if that has been done before. */
  announceAgain(now: number): void {
    if (this.#phase !== "claimed") return;
    this.#announcements = 0;
    this.#announceAt = now;
    this.tick(now);
  }

  /** Withdraws all that was announced, and is silent from then on (RFC 6762, 10.1). */
  goodbye(): void {
    if (this.#announcements > 0) {
      const withdrawn = this.records.announced().map(({ record }) => ({ ...record, ttl: 0 }));
      this.#outgoing.push(responsePacket(withdrawn));
    }
    this.#phase = "gone";
    this.#pending.clear();
    this.#probeAt = Infinity;
    this.#announceAt = Infinity;
  }

  /** `asker` is the address that the query came from. */
  receiveQuery(now: number, query: Packet, asker: string): void {
    if (this.#phase !== "claimed") return;
    // A probe for our own names: see above.
    if (query.authorities.some(({ name }) => this.records.isOwnName(name))) return;
    const known = new Set(query.answers.filter((record) => this.#saves(record)).map(recordKey));
    if (query.questions.length === 0) return this.#withdrawAnswers(known, asker);
    for (const question of query.questions) {
      for (const entry of this.records.answersTo(question)) {
        if (known.has(recordKey(entry.record))) continue;
        this.#schedule(entry, now + this.#delay(entry, query.truncated), asker);
      }
    }
    this.tick(now);
  }

  /** Another host has just said what we were about to say (RFC 6762, 7.4). */
  receiveResponse(response: Packet): void {
    for (const record of response.answers) {
      if (this.#saves(record)) this.#pending.delete(recordKey(record));
    }
  }

  deadline(): number {
    let deadline = Math.min(this.#probeAt, this.#announceAt);
    for (const { dueAt } of this.#pending.values()) deadline = Math.min(deadline, dueAt);
    return deadline;
  }

  tick(now: number): void {
    if (now >= this.#probeAt) this.#probe(now);
    if (now >= this.#announceAt) this.#announce(now);
    this.#answer(now);
  }

  #probe(now: number): void {
    const { instance, host, location, text, addresses } = this.records;
    const questions = [instance, host].map((name) => ({ name, type: "ANY" }) as const);
    // Not yet ours, so nothing is to be flushed on its account (RFC 6762, 10.2).
    const claims = [location, text, ...addresses].map(({ record }) => ({
      ...record,
      flush: false,
    }));
    this.#outgoing.push(probePacket(questions, claims));
    this.#probeAt = Infinity;
    this.#announceAt = now + PROBE_WAIT_MS;
  }

  #announce(now: number): void {
    this.#phase = "claimed";
    this.#announcements++;
    this.#announceAt = this.#announcements < ANNOUNCEMENTS
      ? now + ANNOUNCEMENT_PERIOD_MS
      : Infinity;
    this.#send(now, this.records.announced(), []);
  }

  /** Whether it is one of a list of known answers that need not be given (RFC 6762, 7.1). */
  #saves(record: DnsRecord): boolean {
    const entry = this.#find(record);
    return entry !== undefined && record.ttl >= entry.record.ttl / 2;
  }

  #find(record: DnsRecord): OwnRecord | undefined {
    const key = recordKey(record);
    return this.records.answersTo(record).find((entry) => recordKey(entry.record) === key);
  }

  #withdrawAnswers(known: ReadonlySet<string>, asker: string): void {
    for (const key of known) {
      if (this.#pending.get(key)?.asker === asker) this.#pending.delete(key);
    }
  }

  #delay(entry: OwnRecord, truncated: boolean): number {
    if (truncated) return between(this.#random, ...TRUNCATED_DELAY_MS);
    return entry.record.flush ? 0 : between(this.#random, ...SHARED_DELAY_MS);
  }

  #schedule(entry: OwnRecord, at: number, asker: string): void {
    const key = recordKey(entry.record);
    const dueAt = Math.max(at, entry.sentAt + MIN_REPEAT_MS);
    const pending = this.#pending.get(key);
    if (pending === undefined) {
      this.#pending.set(key, { entry, dueAt, asker });
    } else {
      pending.dueAt = Math.min(pending.dueAt, dueAt);
      if (pending.asker !== asker) pending.asker = undefined;
    }
  }

  #answer(now: number): void {
    const due = [...this.#pending.values()].filter(({ dueAt }) => now >= dueAt);
    if (due.length === 0) return;
    const answers = due.map(({ entry }) => entry);
    const additionals = new Set(answers.flatMap((entry) => this.records.additionalsTo(entry)));
    for (const entry of additionals) {
      if (answers.includes(entry) || now < entry.sentAt + MIN_REPEAT_MS) additionals.delete(entry);
    }
    this.#send(now, answers, [...additionals]);
  }

  #send(now: number, answers: readonly OwnRecord[], additionals: readonly OwnRecord[]): void {
    for (const entry of [...answers, ...additionals]) {
      entry.sentAt = now;
      this.#pending.delete(recordKey(entry.record));
    }
    const recordsOf = (entries: readonly OwnRecord[]) => entries.map(({ record }) => record);
    this.#outgoing.push(responsePacket(recordsOf(answers), recordsOf(additionals)));
  }
}
