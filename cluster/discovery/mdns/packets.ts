/**
 * mDNS packets (RFC 6762, 18) between the core and the codec of npm multicast-dns. What that has
 * decoded came from anybody on the network: here it gets a shape, or is left out.
 */

import { utf8 } from "../../bytes.ts";
import { MAX_LABEL_BYTES, MAX_NAME_BYTES } from "./names.ts";
import type { DnsRecord, Question } from "./records.ts";

export interface Packet {
  readonly type: "query" | "response";
  /** More known answers follow in the next packet (RFC 6762, 7.2). */
  readonly truncated: boolean;
  readonly questions: readonly Question[];
  readonly answers: readonly DnsRecord[];
  /** In a query: what a prober is about to claim (RFC 6762, 8.2). */
  readonly authorities: readonly DnsRecord[];
  readonly additionals: readonly DnsRecord[];
}

/** mDNS is spoken from this port; what comes from others is not for us (RFC 6762, 6 and 6.7). */
export const MDNS_PORT = 5353;

/** So that a packet with all headers needs no fragments on Ethernet (RFC 6762, 17). */
export const MAX_PACKET_BYTES = 1_400;
/** Looked at in one packet; 9000 bytes, the most that mDNS allows, hold few more of real ones. */
export const MAX_QUESTIONS = 128;
export const MAX_RECORDS_EACH = 512;
/** Strings of one TXT record that are looked at; ours has four. */
const MAX_TEXTS = 32;

const HEADER_BYTES = 12;
const QUESTION_BYTES = 4;
const RECORD_BYTES = 10;
const FLAG_TRUNCATED = 1 << 9;

/**
 * Classes of a question, as the codec names them: it does not know the bit for "unicast answer
 * preferred" (RFC 6762, 5.4) and takes the class for another one. We answer by multicast, which is
 * permitted: an answer to the port that several programs share reaches only one of them.
 */
const QUESTION_CLASSES: readonly unknown[] = ["IN", "ANY", "UNKNOWN_32769", "UNKNOWN_33023"];

// -- what came in ---------------------------------------------------------------------------------

/** What is understood of a decoded packet. Undefined for none at all; never throws. */
export function readPacket(decoded: unknown): Packet | undefined {
  if (!isObject(decoded)) return undefined;
  const { type, opcode, rcode } = decoded;
  if (type !== "query" && type !== "response") return undefined;
  // RFC 6762, 18.3 and 18.11: ignored silently.
  if ((opcode ?? "QUERY") !== "QUERY" || (rcode ?? "NOERROR") !== "NOERROR") return undefined;
  return {
    type,
    truncated: decoded.flag_tc === true,
    questions: readEach(decoded.questions, MAX_QUESTIONS, readQuestion),
    answers: readEach(decoded.answers, MAX_RECORDS_EACH, readRecord),
    authorities: readEach(decoded.authorities, MAX_RECORDS_EACH, readRecord),
    additionals: readEach(decoded.additionals, MAX_RECORDS_EACH, readRecord),
  };
}

function readEach<T>(list: unknown, limit: number, read: (item: unknown) => T | undefined): T[] {
  if (!Array.isArray(list)) return [];
  return list.slice(0, limit).map(read).filter((item) => item !== undefined);
}

function readQuestion(item: unknown): Question | undefined {
  if (!isObject(item) || !isName(item.name)) return undefined;
  if (!QUESTION_CLASSES.includes(item.class ?? "IN")) return undefined;
  const { name, type } = item;
  switch (type) {
    case "PTR":
    case "SRV":
    case "TXT":
    case "A":
    case "AAAA":
    case "ANY":
      return { name, type };
    default:
      return undefined;
  }
}

function readRecord(item: unknown): DnsRecord | undefined {
  if (!isObject(item) || !isName(item.name) || (item.class ?? "IN") !== "IN") return undefined;
  const { name, type, ttl, data } = item;
  if (typeof ttl !== "number" || !(ttl >= 0)) return undefined;
  const head = { name, ttl, flush: item.flush === true };
  switch (type) {
    case "PTR":
      return isName(data) ? { ...head, type, data } : undefined;
    case "A":
    case "AAAA":
      return typeof data === "string" ? { ...head, type, data } : undefined;
    case "SRV":
      return readLocation(head, data);
    case "TXT":
      return readTexts(head, data);
    default:
      return undefined;
  }
}

type Head = Pick<DnsRecord, "name" | "ttl" | "flush">;

function readLocation(head: Head, data: unknown): DnsRecord | undefined {
  if (!isObject(data) || !isName(data.target)) return undefined;
  const { priority, weight, port, target } = data;
  if (!isU16(priority) || !isU16(weight) || !isU16(port)) return undefined;
  return { ...head, type: "SRV", data: { priority, weight, port, target } };
}

function readTexts(head: Head, data: unknown): DnsRecord | undefined {
  if (!Array.isArray(data)) return undefined;
  const texts: string[] = [];
  for (const item of data.slice(0, MAX_TEXTS)) {
    if (!(item instanceof Uint8Array) || item.length > 255) return undefined;
    texts.push(LENIENT_DECODER.decode(item));
  }
  return { ...head, type: "TXT", data: texts };
}

/** A value may be any bytes (RFC 6763, 6.5); all of ours are ASCII. */
const LENIENT_DECODER = new TextDecoder();

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

/**
 * Whether the codec can encode it again. It joins labels by dots, so that a dot within a label, or
 * bytes that are not UTF-8, come out as another name, or as none.
 */
function isName(value: unknown): value is string {
  if (typeof value !== "string" || nameBytes(value) > MAX_NAME_BYTES) return false;
  return value.split(".").every((label) => label !== "" && utf8(label).length <= MAX_LABEL_BYTES);
}

function isU16(value: unknown): value is number {
  return typeof value === "number" && value >= 0 && value <= 0xffff;
}

// -- what goes out --------------------------------------------------------------------------------

export function responsePacket(
  answers: readonly DnsRecord[],
  additionals: readonly DnsRecord[] = [],
): Packet {
  return {
    type: "response",
    truncated: false,
    questions: [],
    answers,
    authorities: [],
    additionals,
  };
}

/** Says what a prober wants to claim, and asks who has it already (RFC 6762, 8.1). */
export function probePacket(
  questions: readonly Question[],
  authorities: readonly DnsRecord[],
): Packet {
  return { type: "query", truncated: false, questions, answers: [], authorities, additionals: [] };
}

/**
 * Questions, and what need not be answered because it is known. Too much for one packet: the known
 * answers go on in further ones, each but the last marked as truncated (RFC 6762, 7.2). Questions
 * beyond what fits into one packet go into packets of their own.
 */
export function queryPackets(
  questions: readonly Question[],
  known: readonly DnsRecord[],
): Packet[] {
  const pages = paginate(questions, known);
  return pages.map((page, index) => ({
    type: "query",
    truncated: page.answers.length > 0 && (pages[index + 1]?.questions.length === 0),
    ...page,
    authorities: [],
    additionals: [],
  }));
}

interface Page {
  readonly questions: Question[];
  readonly answers: DnsRecord[];
}

function paginate(questions: readonly Question[], known: readonly DnsRecord[]): Page[] {
  let page: Page = { questions: [], answers: [] };
  const pages = [page];
  let bytes = HEADER_BYTES;
  const makeRoom = (needed: number): void => {
    if (bytes + needed > MAX_PACKET_BYTES && bytes > HEADER_BYTES) {
      page = { questions: [], answers: [] };
      pages.push(page);
      bytes = HEADER_BYTES;
    }
    bytes += needed;
  };
  for (const question of questions) {
    makeRoom(nameBytes(question.name) + QUESTION_BYTES);
    page.questions.push(question);
  }
  for (const record of known) {
    makeRoom(recordBytes(record));
    page.answers.push(record);
  }
  return pages;
}

/** Without compression, which the codec does not do. */
function recordBytes(record: DnsRecord): number {
  return nameBytes(record.name) + RECORD_BYTES + dataBytes(record);
}

function dataBytes(record: DnsRecord): number {
  switch (record.type) {
    case "PTR":
      return nameBytes(record.data);
    case "SRV":
      return 6 + nameBytes(record.data.target);
    case "TXT":
      return record.data.reduce((sum, text) => sum + 1 + utf8(text).length, 0);
    case "A":
      return 4;
    case "AAAA":
      return 16;
  }
}

/** Encoded: a length before each label, and one of 0. */
function nameBytes(name: string): number {
  return utf8(name).length + 2;
}

/** A packet in the form that the codec encodes; it writes into what it gets, so all is copied. */
export interface EncodablePacket {
  readonly flags: number;
  readonly questions: readonly object[];
  readonly answers: readonly object[];
  readonly authorities: readonly object[];
  readonly additionals: readonly object[];
}

export function encodable(packet: Packet): EncodablePacket {
  return {
    flags: packet.truncated ? FLAG_TRUNCATED : 0,
    questions: packet.questions.map((question) => ({ ...question })),
    answers: packet.answers.map(encodableRecord),
    authorities: packet.authorities.map(encodableRecord),
    additionals: packet.additionals.map(encodableRecord),
  };
}

function encodableRecord(record: DnsRecord): object {
  return { ...record, data: record.type === "TXT" ? [...record.data] : record.data };
}
