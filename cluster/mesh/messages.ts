/**
 * What two nodes say to each other on the first channel of their link, encoded as CBOR maps.
 * Unknown fields are ignored, so that the next version can add some.
 *
 *     dialler: hello → answerer: welcome (or refuse) → dialler: ready
 *
 * after which both hold the link for up, and members, info, leave, ask and answer may go either way.
 */

import * as v from "valibot";
import { decodeCbor, encodeCbor } from "../cbor.ts";
import { MalformedError } from "../errors.ts";
import { BOOT_ID_BYTES, type BootId, isBootId, isNodeId, type NodeId } from "../ids.ts";
import { MAX_INCARNATION, MEMBER_STATES } from "../membership/messages.ts";
import { isPrintable, printable } from "../text.ts";

export const MAX_ALIAS_LENGTH = 64;
export const MAX_ADDRESSES = 16;
export const MAX_PARTS = 16;
export const MAX_CHANNELS = 64;
const MAX_LIST_ENTRIES = 4_096;
/** An age beyond this is told as this: ten years. */
export const MAX_AGE_MS = 10 * 365 * 24 * 3_600_000;

const Count = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(Number.MAX_SAFE_INTEGER));
const Incarnation = v.pipe(Count, v.maxValue(MAX_INCARNATION));
const Age = v.pipe(Count, v.maxValue(MAX_AGE_MS));
const Name = v.pipe(v.string(), v.minLength(1), v.maxLength(64), v.check(isPrintable));
const Address = v.pipe(v.string(), v.regex(/^[!-~]{1,262}$/));
const NodeIdSchema = v.custom<NodeId>(isNodeId, "a node ID");
const BootIdSchema = v.custom<BootId>(isBootId, `${BOOT_ID_BYTES} bytes in hexadecimal`);
const Bytes = v.custom<Uint8Array>(
  (value) => value instanceof Uint8Array && value.length <= 64,
  "at most 64 bytes",
);

/** What a node says of itself. */
const NodeInfoSchema = v.object({
  boot: BootIdSchema,
  alias: v.pipe(v.string(), v.minLength(1), v.maxLength(MAX_ALIAS_LENGTH), v.check(isPrintable)),
  /** Where it can be dialled, as HOST:PORT. */
  addresses: v.pipe(v.array(Address), v.maxLength(MAX_ADDRESSES)),
  /** The cluster port that it listens on, to go with the address that the receiver sees. */
  port: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(65_535)),
  parts: v.pipe(v.array(Name), v.maxLength(MAX_PARTS)),
  versions: v.object({ lowest: Count, highest: Count }),
});
export type NodeInfo = v.InferOutput<typeof NodeInfoSchema>;

/** How to talk to the sender over this link and by datagram. */
const TalkSchema = v.object({
  /** Channel names by number. */
  channels: v.pipe(v.array(Name), v.maxLength(MAX_CHANNELS)),
  datagramChannels: v.pipe(v.array(Name), v.maxLength(MAX_CHANNELS)),
  /** The key for datagrams to the sender, and its ID. */
  datagramKeyId: Bytes,
  datagramKey: Bytes,
});
export type Talk = v.InferOutput<typeof TalkSchema>;

const MemberEntrySchema = v.object({
  id: NodeIdSchema,
  incarnation: Incarnation,
  state: v.picklist(MEMBER_STATES),
  ageMs: Age,
  info: v.optional(NodeInfoSchema),
});
export type MemberEntry = v.InferOutput<typeof MemberEntrySchema>;

const MemberListSchema = v.pipe(v.array(MemberEntrySchema), v.maxLength(MAX_LIST_ENTRIES));

export type RefuseReason = "duplicate-id" | "duplicate-link" | "banned" | "full" | "self";

const LinkMessageSchema = v.variant("type", [
  v.object({
    type: v.literal("hello"),
    info: NodeInfoSchema,
    talk: TalkSchema,
    incarnation: Incarnation,
    /** How long the sender has been running: of two nodes with one ID, the newer must go. */
    uptimeMs: Count,
    /** Whether the welcome shall name all members. */
    wantMembers: v.boolean(),
  }),
  v.object({
    type: v.literal("welcome"),
    info: NodeInfoSchema,
    talk: TalkSchema,
    incarnation: Incarnation,
    uptimeMs: Count,
    /** What the answerer believed of the dialler until now. */
    known: v.optional(v.object({
      boot: v.optional(BootIdSchema),
      incarnation: Incarnation,
      state: v.picklist(MEMBER_STATES),
    })),
    members: v.optional(MemberListSchema),
  }),
  v.object({ type: v.literal("ready"), incarnation: Incarnation }),
  v.object({
    type: v.literal("refuse"),
    reason: v.picklist(["duplicate-id", "duplicate-link", "banned", "full", "self"]),
    text: v.pipe(v.string(), v.maxLength(500), v.transform(printable)),
    /** Of a duplicate ID: where the other process is to be found. */
    addresses: v.optional(v.pipe(v.array(Address), v.maxLength(MAX_ADDRESSES))),
  }),
  v.object({
    type: v.literal("members"),
    members: MemberListSchema,
    /** Whether the receiver shall answer with its own list. */
    answer: v.boolean(),
  }),
  v.object({ type: v.literal("info"), info: NodeInfoSchema }),
  v.object({ type: v.literal("leave"), incarnation: Incarnation }),
  v.object({ type: v.literal("ask") }),
  v.object({ type: v.literal("answer") }),
]);
export type LinkMessage = v.InferOutput<typeof LinkMessageSchema>;

export function encodeLinkMessage(message: LinkMessage): Uint8Array {
  return encodeCbor(message);
}

/** Throws {@link MalformedError}; a type that this version does not know gives undefined. */
export function decodeLinkMessage(bytes: Uint8Array): LinkMessage | undefined {
  const value = decodeCbor(bytes);
  const type = typeof value === "object" && value !== null ? Reflect.get(value, "type") : undefined;
  const known = LinkMessageSchema.options.some((option) => option.entries.type.literal === type);
  if (typeof type === "string" && !known) return undefined;
  const result = v.safeParse(LinkMessageSchema, value);
  if (!result.success) {
    const issue = result.issues[0];
    throw new MalformedError(`${String(type)}: ${v.getDotPath(issue) ?? ""} ${issue.message}`);
  }
  return result.output;
}
