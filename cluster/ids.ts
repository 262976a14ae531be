/** The names of nodes and of their runs. */

import { bytesOfHex, hexOf } from "./bytes.ts";
import { MalformedError } from "./errors.ts";

declare const nodeIdBrand: unique symbol;
declare const bootIdBrand: unique symbol;

/** The first 16 bytes of SHA-256 of the public key, as a UUID of version 8 (RFC 9562, 5.8). */
export type NodeId = string & { readonly [nodeIdBrand]: true };

/** 16 random bytes in hexadecimal: one run of one node. */
export type BootId = string & { readonly [bootIdBrand]: true };

export const NODE_ID_BYTES = 16;
export const BOOT_ID_BYTES = 16;
/** Any 16 bytes as a node ID: the UUID's version and variant bits are set. */
export function nodeIdOfBytes(bytes: Uint8Array): NodeId {
  if (bytes.length !== NODE_ID_BYTES) throw new MalformedError("a node ID has 16 bytes");
  const id = bytes.slice();
  id[6] = (id[6]! & 0x0f) | 0x80;
  id[8] = (id[8]! & 0x3f) | 0x80;
  const hex = hexOf(id);
  const groups = [
    hex.slice(0, 8),
    hex.slice(8, 12),
    hex.slice(12, 16),
    hex.slice(16, 20),
    hex.slice(20),
  ];
  return groups.join("-") as NodeId;
}

const nodeIdBytesCache = new Map<NodeId, Uint8Array>();
const NODE_ID_CACHE_LIMIT = 10_000;

/** The 16 bytes of a node ID, remembered: it is asked for with every message. */
export function bytesOfNodeId(id: NodeId): Uint8Array {
  let bytes = nodeIdBytesCache.get(id);
  if (bytes === undefined) {
    bytes = bytesOfHex(id.replaceAll("-", ""));
    if (nodeIdBytesCache.size >= NODE_ID_CACHE_LIMIT) nodeIdBytesCache.clear();
    nodeIdBytesCache.set(id, bytes);
  }
  return bytes;
}

const NODE_ID_PATTERN = /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

export function isNodeId(text: unknown): text is NodeId {
  return typeof text === "string" && NODE_ID_PATTERN.test(text);
}

/** The first eight digits, for people. */
export function shortId(id: NodeId): string {
  return id.slice(0, 8);
}

export function newBootId(): BootId {
  return hexOf(crypto.getRandomValues(new Uint8Array(BOOT_ID_BYTES))) as BootId;
}

export function isBootId(text: unknown): text is BootId {
  return typeof text === "string" && /^[0-9a-f]{32}$/.test(text);
}
