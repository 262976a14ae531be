/**
 * What members tell one another about who is there, and how that looks on the wire. Sent in sealed
 * datagrams; ping and ack also over links, as the last word where datagrams do not get through.
 */

import { ByteReader, type ByteWriter } from "../bytes.ts";
import { MalformedError, unreachable } from "../errors.ts";
import { bytesOfNodeId, NODE_ID_BYTES, type NodeId, nodeIdOfBytes } from "../ids.ts";
import type { ViewHash } from "./view_hash.ts";

/**
 * `alive`; `suspect`: did not answer, may still refute; `failed`: declared dead; `left`: said
 * goodbye. The order is the precedence at equal incarnation.
 */
export const MEMBER_STATES = ["alive", "suspect", "failed", "left"] as const;
export type MemberState = (typeof MEMBER_STATES)[number];

/** How a message travels. */
export type Via = "datagram" | "link";

/** Far more than a member can ever need; beyond, a message is malformed. */
export const MAX_INCARNATION = 0x7fff_ffff;

/** A claim about one member. */
export interface Update {
  readonly id: NodeId;
  /** Only the member itself raises it, to contradict older claims. */
  readonly incarnation: number;
  readonly state: MemberState;
  /** The first 32 bits of the ID of whoever made the claim: tells independent ones apart. */
  readonly source: number;
}

export type Message =
  | {
    readonly type: "ping" | "ack";
    /** The prober's number of this probe; the ack repeats it. */
    readonly sequence: number;
    /** Hash of the sender's view of the cluster. */
    readonly view: ViewHash;
    /** The sender's wall clock, milliseconds since 1970. */
    readonly clockMs: number;
    readonly updates: readonly Update[];
  }
  | {
    /** Asks a third node to ping `target`. */
    readonly type: "pingRequest";
    readonly sequence: number;
    readonly target: NodeId;
    readonly updates: readonly Update[];
  }
  /** The third node is there, but the target has not answered it in time. */
  | { readonly type: "nack"; readonly sequence: number }
  | { readonly type: "gossip"; readonly updates: readonly Update[] };

const TYPES = ["ping", "ack", "pingRequest", "nack", "gossip"] as const;

/** Claims in one message; six and all else stay well below one datagram. */
export const MAX_UPDATES = 6;

export function encodeMessage(writer: ByteWriter, message: Message): void {
  writer.u8(TYPES.indexOf(message.type));
  switch (message.type) {
    case "ping":
    case "ack":
      writer.u32(message.sequence)
        .u32(message.view.high).u32(message.view.low)
        .u48(message.clockMs);
      return encodeUpdates(writer, message.updates);
    case "pingRequest":
      writer.u32(message.sequence).raw(bytesOfNodeId(message.target));
      return encodeUpdates(writer, message.updates);
    case "nack":
      writer.u32(message.sequence);
      return;
    case "gossip":
      return encodeUpdates(writer, message.updates);
    default:
      unreachable(message);
  }
}

/** Throws {@link MalformedError} for anything that {@link encodeMessage} does not write. */
export function decodeMessage(bytes: Uint8Array): Message {
  const reader = new ByteReader(bytes);
  const message = readMessage(reader);
  reader.end();
  return message;
}

function readMessage(reader: ByteReader): Message {
  const number = reader.u8();
  const type = TYPES[number];
  switch (type) {
    case "ping":
    case "ack":
      return {
        type,
        sequence: reader.u32(),
        view: { high: reader.u32(), low: reader.u32() },
        clockMs: reader.u48(),
        updates: readUpdates(reader),
      };
    case "pingRequest":
      return { type, sequence: reader.u32(), target: readId(reader), updates: readUpdates(reader) };
    case "nack":
      return { type, sequence: reader.u32() };
    case "gossip":
      return { type, updates: readUpdates(reader) };
    case undefined:
      throw new MalformedError(`message type ${number}`);
    default:
      return unreachable(type);
  }
}

function encodeUpdates(writer: ByteWriter, updates: readonly Update[]): void {
  writer.u8(updates.length);
  for (const { id, incarnation, state, source } of updates) {
    writer.raw(bytesOfNodeId(id)).u32(incarnation).u8(MEMBER_STATES.indexOf(state)).u32(source);
  }
}

const NO_UPDATES: readonly Update[] = [];

function readUpdates(reader: ByteReader): readonly Update[] {
  const count = reader.u8();
  if (count === 0) return NO_UPDATES;
  if (count > MAX_UPDATES) throw new MalformedError(`${count} updates in one message`);
  const updates: Update[] = [];
  for (let i = 0; i < count; i++) {
    const id = readId(reader);
    const incarnation = reader.u32();
    if (incarnation > MAX_INCARNATION) throw new MalformedError(`incarnation ${incarnation}`);
    const state = MEMBER_STATES[reader.u8()];
    if (state === undefined) throw new MalformedError("unknown member state");
    updates.push({ id, incarnation, state, source: reader.u32() });
  }
  return updates;
}

function readId(reader: ByteReader): NodeId {
  return nodeIdOfBytes(reader.raw(NODE_ID_BYTES));
}
