/** What replicas say to each other, in CBOR, by datagram if it fits and over the link if not. */

import * as v from "valibot";
import { decodeCbor, encodeCbor } from "../cbor.ts";
import { MalformedError, unreachable } from "../errors.ts";
import type { Item } from "./lww.ts";
import { type Stamp, StampSchema, tupleOf } from "./stamp.ts";

/** Items in one offer; a longer list goes in several. */
export const MAX_OFFER_ITEMS = 64;
/** Names of items in one list: all that a replica may hold. */
export const MAX_LIST_ENTRIES = 2_048;
const MAX_NAME_LENGTH = 128;

export interface Refusal {
  /** Which item of the offer. */
  readonly index: number;
  /** How far its stamp is ahead of the cluster's clock, in milliseconds. */
  readonly aheadMs: number;
}

export interface ListEntry {
  readonly collection: string;
  readonly key: string;
  readonly stamp: Stamp;
}

export type ReplicaMessage =
  /** Here are items; say which of them you hold now. */
  | { readonly type: "offer"; readonly number: number; readonly items: readonly Item[] }
  /** All items of that offer are held and saved, or older than what is, but for the refused ones. */
  | { readonly type: "reply"; readonly number: number; readonly refused: readonly Refusal[] }
  /** A hash over the names of all items, and the newest stamp. */
  | {
    readonly type: "digest";
    readonly hash: string;
    readonly newest: Stamp | undefined;
    /** Whether a list is wanted if the receiver's hash is another. */
    readonly ask: boolean;
  }
  /** The names of all items, after digests differed. */
  | { readonly type: "list"; readonly entries: readonly ListEntry[]; readonly answer: boolean };

const Whole = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(Number.MAX_SAFE_INTEGER));
const Name = v.pipe(v.string(), v.minLength(1), v.maxLength(MAX_NAME_LENGTH));

const ItemSchema = v.pipe(
  v.strictTuple([Name, Name, StampSchema, v.unknown()]),
  v.transform(([collection, key, stamp, value]): Item => ({ collection, key, stamp, value })),
);
const EntrySchema = v.pipe(
  v.strictTuple([Name, Name, StampSchema]),
  v.transform(([collection, key, stamp]): ListEntry => ({ collection, key, stamp })),
);
const RefusalSchema = v.pipe(
  v.strictTuple([Whole, Whole]),
  v.transform(([index, aheadMs]): Refusal => ({ index, aheadMs })),
);

const MessageSchema = v.variant("type", [
  v.object({
    type: v.literal("offer"),
    number: Whole,
    items: v.pipe(v.array(ItemSchema), v.maxLength(MAX_OFFER_ITEMS)),
  }),
  v.object({
    type: v.literal("reply"),
    number: Whole,
    refused: v.pipe(v.array(RefusalSchema), v.maxLength(MAX_OFFER_ITEMS)),
  }),
  v.object({
    type: v.literal("digest"),
    hash: v.pipe(v.string(), v.maxLength(16)),
    newest: v.optional(StampSchema),
    ask: v.boolean(),
  }),
  v.object({
    type: v.literal("list"),
    entries: v.pipe(v.array(EntrySchema), v.maxLength(MAX_LIST_ENTRIES)),
    answer: v.boolean(),
  }),
]);

export function encodeReplicaMessage(message: ReplicaMessage): Uint8Array {
  switch (message.type) {
    case "offer":
      return encodeCbor({
        ...message,
        items: message.items.map((item) => [
          item.collection,
          item.key,
          tupleOf(item.stamp),
          item.value,
        ]),
      });
    case "reply":
      return encodeCbor({
        ...message,
        refused: message.refused.map(({ index, aheadMs }) => [index, aheadMs]),
      });
    case "digest": {
      const { newest, ...rest } = message;
      return encodeCbor(newest === undefined ? rest : { ...rest, newest: tupleOf(newest) });
    }
    case "list":
      return encodeCbor({
        ...message,
        entries: message.entries.map(({ collection, key, stamp }) => [
          collection,
          key,
          tupleOf(stamp),
        ]),
      });
    default:
      return unreachable(message);
  }
}

/** Throws {@link MalformedError}. The values of items are not looked at yet. */
export function decodeReplicaMessage(bytes: Uint8Array): ReplicaMessage {
  const result = v.safeParse(MessageSchema, decodeCbor(bytes));
  if (!result.success) {
    const issue = result.issues[0];
    throw new MalformedError(`${v.getDotPath(issue) ?? "message"}: ${issue.message}`);
  }
  const { output } = result;
  // An absent key is read as one that is there and undefined.
  return output.type === "digest" ? { ...output, newest: output.newest } : output;
}
