/**
 * Looks for other nodes of the cluster on one link (RFC 6762, 5.2): asks ever more rarely which
 * instances of the service there are, asks for what is missing of each and for what is about to
 * expire, and says where nodes can be dialled, and when that holds no longer.
 */

import type { NodeId } from "../../ids.ts";
import { between, type Random } from "../../random.ts";
import { Directory, type DirectoryOptions } from "./directory.ts";
import { SERVICE } from "./names.ts";
import { type Packet, queryPackets } from "./packets.ts";
import type { DnsRecord, Question } from "./records.ts";

/** Where another node of the cluster may be dialled, or no longer. A hint: nothing of it is proved. */
export interface MdnsEvent {
  readonly kind: "found" | "lost";
  /** HOST:PORT. */
  readonly address: string;
  readonly id: NodeId;
}

export interface BrowserOptions extends DirectoryOptions {
  /** This node's own record, if it would answer: it then learns from the question not to. */
  readonly ownPointer: () => DnsRecord | undefined;
}

/** Before the first of a row of questions (RFC 6762, 5.2). */
const FIRST_DELAY_MS = [20, 120] as const;
const FIRST_PERIOD_MS = 1_000;
/** RFC 6762 permits an hour; new nodes announce themselves, so this is for what got lost. */
const LAST_PERIOD_MS = 60_000;
/** The same is not asked more often (RFC 6762, 5.2). */
const MIN_REPEAT_MS = 1_000;
/** What expires within this time of each other is asked for together. */
const GATHER_MS = 1_000;
/** Questions about instances at a time; the others have their turn next time. */
const MAX_QUESTIONS_AT_ONCE = 64;

/** When to ask: soon, and then ever more rarely. */
class Schedule {
  at = Infinity;
  #periodMs = FIRST_PERIOD_MS;
  #askedAt = -Infinity;

  restart(now: number, random: Random): void {
    this.#periodMs = FIRST_PERIOD_MS;
    this.askBy(now + between(random, ...FIRST_DELAY_MS));
  }

  /** Once more by `time`, or as soon after as is permitted. */
  askBy(time: number): void {
    this.at = Math.min(this.at, Math.max(time, this.#askedAt + MIN_REPEAT_MS));
  }

  asked(now: number): void {
    this.#askedAt = now;
    this.at = now + this.#periodMs;
    this.#periodMs = Math.min(LAST_PERIOD_MS, this.#periodMs * 2);
  }

  stop(): void {
    this.at = Infinity;
  }
}

export class Browser {
  readonly #options: BrowserOptions;
  readonly #directory: Directory;
  /** When to ask which instances there are. */
  readonly #browse = new Schedule();
  /** When to ask for what is missing of those that are known. */
  readonly #resolve = new Schedule();
  /** What has been asked for and is missing still, by set key. */
  #wanted: ReadonlySet<string> = new Set();
  #nextQuestion = 0;
  #told = new Map<string, NodeId>();
  #outgoing: Packet[] = [];
  #events: MdnsEvent[] = [];

  constructor(options: BrowserOptions, now: number) {
    this.#options = options;
    this.#directory = new Directory(options);
    this.search(now);
  }

  takeOutgoing(): Packet[] {
    const outgoing = this.#outgoing;
    this.#outgoing = [];
    return outgoing;
  }

  takeFound(): MdnsEvent[] {
    const events = this.#events;
    this.#events = [];
    return events;
  }

  /** Records of others that are kept. */
  get cached(): number {
    return this.#directory.size;
  }

  /** Asks who is there soon, and with short pauses again. */
  search(now: number): void {
    this.#browse.restart(now, this.#options.random);
  }

  receiveResponse(now: number, { answers, additionals }: Packet): void {
    if (this.#directory.receive(now, [...answers, ...additionals])) this.#changed(now);
  }

  deadline(): number {
    return Math.min(
      this.#browse.at,
      this.#resolve.at,
      this.#directory.expiryDeadline(),
      this.#directory.refreshDeadline(),
    );
  }

  tick(now: number): void {
    if (this.#directory.expire(now)) this.#changed(now);
    if (now >= this.#directory.refreshDeadline()) this.#refresh(now);
    if (now >= this.#browse.at) this.#askForInstances(now);
    if (now >= this.#resolve.at) this.#askForMissing(now);
  }

  #askForInstances(now: number): void {
    this.#browse.asked(now);
    const own = this.#options.ownPointer();
    const known = this.#directory.knownPointers(now);
    // The own one first, so that it is in the same packet as the question.
    const answers = own === undefined ? known : [own, ...known];
    this.#ask([{ name: SERVICE, type: "PTR" }], answers);
  }

  #askForMissing(now: number): void {
    this.#resolve.asked(now);
    const all = [...this.#directory.missing.values()];
    const start = this.#nextQuestion % all.length;
    this.#nextQuestion = start + MAX_QUESTIONS_AT_ONCE;
    this.#ask([...all.slice(start), ...all.slice(0, start)].slice(0, MAX_QUESTIONS_AT_ONCE));
  }

  #refresh(now: number): void {
    const questions = this.#directory.takeRefreshes(now + GATHER_MS);
    if (questions.some(({ type }) => type === "PTR")) this.#browse.askBy(now);
    this.#ask(questions.filter(({ type }) => type !== "PTR"));
  }

  #ask(questions: readonly Question[], known: readonly DnsRecord[] = []): void {
    if (questions.length > 0) this.#outgoing.push(...queryPackets(questions, known));
  }

  #changed(now: number): void {
    this.#tell(this.#directory.offers);
    const missing = new Set(this.#directory.missing.keys());
    if (missing.size === 0) this.#resolve.stop();
    else if (!missing.isSubsetOf(this.#wanted)) this.#resolve.restart(now, this.#options.random);
    this.#wanted = missing;
  }

  #tell(offers: ReadonlyMap<string, NodeId>): void {
    for (const [address, id] of this.#told) {
      if (offers.get(address) !== id) this.#events.push({ kind: "lost", address, id });
    }
    for (const [address, id] of offers) {
      if (this.#told.get(address) !== id) this.#events.push({ kind: "found", address, id });
    }
    this.#told = new Map(offers);
  }
}
