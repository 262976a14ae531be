/** The records with which a node announces itself (RFC 6763, 4, 5 and 6). */

import { isIpv4Address } from "../../address.ts";
import type { NodeId } from "../../ids.ts";
import type { VersionRange } from "../../transport/handshake.ts";
import { hostName, instanceName, nameKey, SERVICE, SERVICE_TYPES } from "./names.ts";
import {
  type DnsRecord,
  HOST_TTL,
  isAnswerTo,
  OTHER_TTL,
  type Question,
  recordKey,
} from "./records.ts";
import { encodeNodeText } from "./text.ts";

/** What a node has to say of itself on one link. */
export interface Announcement {
  readonly id: NodeId;
  readonly alias: string;
  /** The cluster port. */
  readonly port: number;
  readonly clusterHash: Uint8Array;
  readonly keyId: Uint8Array;
  readonly versions: VersionRange;
}

/** Addresses that are announced, so that all records together fit into one packet. */
export const MAX_OWN_ADDRESSES = 8;

export interface OwnRecord {
  readonly record: DnsRecord;
  /** When it was multicast last. */
  sentAt: number;
}

export class OwnRecords {
  readonly instance: string;
  readonly host: string;
  /** Answered to who asks for all services, but neither announced nor withdrawn: all nodes have it. */
  readonly serviceType: OwnRecord;
  readonly pointer: OwnRecord;
  readonly location: OwnRecord;
  readonly text: OwnRecord;
  #addresses: readonly OwnRecord[] = [];

  constructor(announcement: Announcement) {
    const { id, alias, port } = announcement;
    this.instance = instanceName(alias, id);
    this.host = hostName(id);
    // Several hosts have PTR records of these names: none may flush the others' (RFC 6762, 10.2).
    const shared = { ttl: OTHER_TTL, flush: false, type: "PTR" } as const;
    this.serviceType = own({ ...shared, name: SERVICE_TYPES, data: SERVICE });
    this.pointer = own({ ...shared, name: SERVICE, data: this.instance });
    this.location = own({
      name: this.instance,
      ttl: HOST_TTL,
      flush: true,
      type: "SRV",
      data: { priority: 0, weight: 0, port, target: this.host },
    });
    this.text = own({
      name: this.instance,
      ttl: OTHER_TTL,
      flush: true,
      type: "TXT",
      data: encodeNodeText(announcement),
    });
  }

  get addresses(): readonly OwnRecord[] {
    return this.#addresses;
  }

  /** Sets the host's addresses; gives the records that are no longer true, or undefined for no change. */
  setAddresses(addresses: readonly string[]): DnsRecord[] | undefined {
    const before = new Map(this.#addresses.map((entry) => [recordKey(entry.record), entry]));
    this.#addresses = addresses.slice(0, MAX_OWN_ADDRESSES).map((address) => {
      const entry = own(addressRecord(this.host, address));
      return before.get(recordKey(entry.record)) ?? entry;
    });
    const added = this.#addresses.some(({ record }) => !before.has(recordKey(record)));
    for (const { record } of this.#addresses) before.delete(recordKey(record));
    if (!added && before.size === 0) return undefined;
    return [...before.values()].map(({ record }) => record);
  }

  /** What is announced and withdrawn. */
  announced(): OwnRecord[] {
    return [this.pointer, this.location, this.text, ...this.#addresses];
  }

  answersTo(question: Question): OwnRecord[] {
    return [this.serviceType, ...this.announced()]
      .filter(({ record }) => isAnswerTo(record, question));
  }

  /** What who asked for this record will ask for next (RFC 6763, 12; RFC 6762, 6.2). */
  additionalsTo(entry: OwnRecord): readonly OwnRecord[] {
    if (entry === this.pointer) return [this.location, this.text, ...this.#addresses];
    if (entry === this.location || this.#addresses.includes(entry)) return this.#addresses;
    return [];
  }

  /** Whether only this node has records of this name. */
  isOwnName(name: string): boolean {
    const key = nameKey(name);
    return key === nameKey(this.instance) || key === nameKey(this.host);
  }
}

function own(record: DnsRecord): OwnRecord {
  return { record, sentAt: -Infinity };
}

function addressRecord(host: string, address: string): DnsRecord {
  const type = isIpv4Address(address) ? "A" : "AAAA";
  return { name: host, ttl: HOST_TTL, flush: true, type, data: address };
}
