/**
 * The nodes of the cluster as one link's announcements tell of them (RFC 6763, 4 to 6): a pointer
 * names an instance, that has a text and a location, which names a host, that has addresses. Only what
 * leads to a node of this cluster is kept; of strangers just enough to know them as such.
 */

import { formatHostPort } from "../../address.ts";
import type { NodeId } from "../../ids.ts";
import type { Random } from "../../random.ts";
import { RecordCache } from "./cache.ts";
import { dialableAddress } from "./dialable.ts";
import { isInstance, nameKey, SERVICE } from "./names.ts";
import { type DnsRecord, type Question, type RecordType, setKey } from "./records.ts";
import { readNodeText } from "./text.ts";

export interface DirectoryOptions {
  readonly id: NodeId;
  /** The cluster hash in hexadecimal. */
  readonly cluster: string;
  readonly random: Random;
  /** This node's own names, of which nothing is learnt from others. */
  readonly isOwnName: (name: string) => boolean;
}

/** Hints kept at a time. */
export const MAX_OFFERS = 1_024;

/** In this order each record says what is wanted of the next, wherever they stand in a packet. */
const ORDER: readonly (readonly RecordType[])[] = [["PTR"], ["TXT", "SRV"], ["A", "AAAA"]];

export class Directory {
  readonly #options: DirectoryOptions;
  readonly #cache: RecordCache;
  /** Instances of any cluster, by the key of their name. */
  readonly #instances = new Map<string, string>();
  /** Names, by key, of which records are needed for a node of this cluster. */
  readonly #useful = new Set<string>();
  /** What is to be asked to know where a node is, by set key. */
  readonly #missing = new Map<string, Question>();
  /** HOST:PORT of nodes of this cluster. */
  readonly #offers = new Map<string, NodeId>();

  constructor(options: DirectoryOptions) {
    this.#options = options;
    this.#cache = new RecordCache(options.random);
  }

  /** Records that are kept. */
  get size(): number {
    return this.#cache.size;
  }

  get missing(): ReadonlyMap<string, Question> {
    return this.#missing;
  }

  get offers(): ReadonlyMap<string, NodeId> {
    return this.#offers;
  }

  /** Pointers that need not be given in answer to a question for instances. */
  knownPointers(now: number): DnsRecord[] {
    return this.#cache.knownAnswers(now, "PTR", SERVICE);
  }

  /** Takes in what another host says. True if something is new. */
  receive(now: number, records: readonly DnsRecord[]): boolean {
    let changed = false;
    for (const types of ORDER) {
      let added = false;
      for (const record of records) {
        if (!types.includes(record.type) || !this.#wants(record)) continue;
        if (this.#cache.add(now, record)) added = true;
      }
      if (added) this.#review();
      changed ||= added;
    }
    return changed;
  }

  /** Drops what is too old. True if there was any. */
  expire(now: number): boolean {
    const changed = this.#cache.expire(now);
    if (changed) this.#review();
    return changed;
  }

  /** Questions for what is of use and expires soon after `until`. */
  takeRefreshes(until: number): Question[] {
    const questions = new Map<string, Question>();
    for (const { type, name } of this.#cache.takeRefreshes(until)) {
      if (type !== "PTR" && !this.#useful.has(nameKey(name))) continue;
      questions.set(setKey(type, name), { type, name });
    }
    return [...questions.values()];
  }

  expiryDeadline(): number {
    return this.#cache.expiryDeadline();
  }

  refreshDeadline(): number {
    return this.#cache.refreshDeadline();
  }

  #wants(record: DnsRecord): boolean {
    const key = nameKey(record.name);
    switch (record.type) {
      case "PTR":
        return key === SERVICE && isInstance(record.data) && !this.#options.isOwnName(record.data);
      case "SRV":
      case "TXT":
        return this.#instances.has(key);
      case "A":
      case "AAAA":
        return this.#useful.has(key) && !this.#options.isOwnName(record.name);
    }
  }

  /** Looks at all instances anew, after something was added or went. */
  #review(): void {
    this.#instances.clear();
    this.#useful.clear();
    this.#missing.clear();
    this.#offers.clear();
    for (const { data: instance } of this.#cache.get("PTR", SERVICE)) {
      this.#instances.set(nameKey(instance), instance);
      this.#reviewInstance(instance);
    }
  }

  #reviewInstance(instance: string): void {
    const text = this.#cache.newest("TXT", instance);
    const location = this.#cache.newest("SRV", instance)?.data;
    if (text === undefined) return this.#miss(instance, location ? ["TXT"] : ["TXT", "SRV"]);
    const node = readNodeText(text.data);
    const { id: ownId, cluster } = this.#options;
    if (node === undefined || node.cluster !== cluster || node.id === ownId) return;
    this.#useful.add(nameKey(instance));
    if (location === undefined) return this.#miss(instance, ["SRV"]);
    this.#useful.add(nameKey(location.target));
    this.#offer(node.id, location.target, location.port);
  }

  #offer(id: NodeId, target: string, port: number): void {
    const records = [...this.#cache.get("A", target), ...this.#cache.get("AAAA", target)];
    if (records.length === 0) this.#miss(target, ["A", "AAAA"]);
    for (const { data } of records) {
      const host = dialableAddress(data);
      if (host === undefined || port === 0 || this.#offers.size >= MAX_OFFERS) continue;
      const address = formatHostPort({ host, port });
      if (!this.#offers.has(address)) this.#offers.set(address, id);
    }
  }

  #miss(name: string, types: readonly RecordType[]): void {
    for (const type of types) this.#missing.set(setKey(type, name), { type, name });
  }
}
