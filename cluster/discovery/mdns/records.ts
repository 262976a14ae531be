/** DNS records as far as discovery needs them (RFC 1035, 3.2; RFC 2782 for SRV). */

import { nameKey } from "./names.ts";

/** Seconds to keep records that name a host or have one's name: it may soon be elsewhere (RFC 6762, 10). */
export const HOST_TTL = 120;
/** Seconds to keep all others: 75 minutes. */
export const OTHER_TTL = 4_500;

interface RecordHead {
  readonly name: string;
  /** Seconds that it may be kept; 0 says that it is no longer true (RFC 6762, 10.1). */
  readonly ttl: number;
  /** The cache-flush bit: these are all records of this name and type (RFC 6762, 10.2). */
  readonly flush: boolean;
}

export interface ServiceLocation {
  readonly priority: number;
  readonly weight: number;
  readonly port: number;
  readonly target: string;
}

export type DnsRecord =
  | RecordHead & { readonly type: "PTR"; readonly data: string }
  | RecordHead & { readonly type: "SRV"; readonly data: ServiceLocation }
  | RecordHead & { readonly type: "TXT"; readonly data: readonly string[] }
  | RecordHead & { readonly type: "A" | "AAAA"; readonly data: string };

export type RecordType = DnsRecord["type"];

export interface Question {
  readonly name: string;
  readonly type: RecordType | "ANY";
}

/** One text for all records of a name and type. */
export function setKey(type: RecordType, name: string): string {
  return `${type} ${nameKey(name)}`;
}

/** One text for what a record says; two of one set with the same are the same record. */
export function dataKey(record: DnsRecord): string {
  switch (record.type) {
    case "PTR":
      return nameKey(record.data);
    case "SRV": {
      const { priority, weight, port, target } = record.data;
      return `${priority} ${weight} ${port} ${nameKey(target)}`;
    }
    case "TXT":
      return JSON.stringify(record.data);
    case "A":
    case "AAAA":
      return record.data;
  }
}

/** One text for one record, whatever its TTL. */
export function recordKey(record: DnsRecord): string {
  return `${setKey(record.type, record.name)} ${dataKey(record)}`;
}

export function isAnswerTo(record: DnsRecord, question: Question): boolean {
  return (question.type === "ANY" || question.type === record.type) &&
    nameKey(question.name) === nameKey(record.name);
}
