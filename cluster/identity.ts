/**
 * Who a node is. A node's name in the cluster is derived from its public key, so nobody can take a
 * name that is not theirs; the boot ID tells one run of a node from the next.
 */

import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
} from "node:crypto";
import { bytesOfHex, concat, hexOf, utf8 } from "./bytes.ts";
import { MalformedError, messageOf, Problem } from "./errors.ts";
import { replaceFile } from "./files.ts";

declare const nodeIdBrand: unique symbol;
declare const bootIdBrand: unique symbol;

/** The first 16 bytes of SHA-256 of the public key, as a UUID of version 8 (RFC 9562, 5.8). */
export type NodeId = string & { readonly [nodeIdBrand]: true };

/** 16 random bytes in hexadecimal: one run of one node. */
export type BootId = string & { readonly [bootIdBrand]: true };

export const NODE_ID_BYTES = 16;
export const BOOT_ID_BYTES = 16;
export const KEY_BYTES = 32;

/** What stands before a raw X25519 private key in PKCS #8 (RFC 8410, 7). */
const PKCS8_PREFIX = bytesOfHex("302e020100300506032b656e04220420");
/** What stands before a raw X25519 public key in SubjectPublicKeyInfo (RFC 8410, 4). */
const SPKI_PREFIX = bytesOfHex("302a300506032b656e032100");

export interface KeyPair {
  readonly privateKey: KeyObject;
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
}

export interface Identity extends KeyPair {
  readonly id: NodeId;
}

export function generateKeyPair(): KeyPair {
  const { privateKey } = generateKeyPairSync("x25519");
  return { privateKey, publicKey: rawPublicKey(privateKey) };
}

/** The key pair of 32 private bytes. */
export function keyPairOf(rawPrivateKey: Uint8Array): KeyPair {
  if (rawPrivateKey.length !== KEY_BYTES) throw new MalformedError("a private key has 32 bytes");
  const der = concat(PKCS8_PREFIX, rawPrivateKey);
  const privateKey = createPrivateKey({ key: Buffer.from(der), format: "der", type: "pkcs8" });
  return { privateKey, publicKey: rawPublicKey(privateKey) };
}

/** A raw public key in the form that node:crypto wants. */
export function publicKeyObject(rawPublicKey: Uint8Array): KeyObject {
  if (rawPublicKey.length !== KEY_BYTES) throw new MalformedError("a public key has 32 bytes");
  const der = concat(SPKI_PREFIX, rawPublicKey);
  return createPublicKey({ key: Buffer.from(der), format: "der", type: "spki" });
}

function rawPublicKey(privateKey: KeyObject): Uint8Array {
  const der = createPublicKey(privateKey).export({ format: "der", type: "spki" });
  return new Uint8Array(der.subarray(der.length - KEY_BYTES));
}

export function identityOf(keyPair: KeyPair): Identity {
  return { ...keyPair, id: nodeIdOf(keyPair.publicKey) };
}

export function nodeIdOf(publicKey: Uint8Array): NodeId {
  const hash = new Uint8Array(createHash("sha256").update(publicKey).digest());
  return nodeIdOfBytes(hash.subarray(0, NODE_ID_BYTES));
}

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

/** Reads the node's key pair from `path`, or makes one there at the first start (mode 0600). */
export async function loadIdentity(path: string): Promise<Identity> {
  try {
    const text = await Deno.readTextFile(path);
    return identityOf(keyPairOf(bytesOfHex(text.trim())));
  } catch (error) {
    if (error instanceof MalformedError) {
      throw new Problem(`${path} is not a node key: ${error.message}`, {
        hint: "restore it from a backup, or move it away: the node then gets a new ID",
        cause: error,
      });
    }
    if (!(error instanceof Deno.errors.NotFound)) {
      throw new Problem(`cannot read ${path}: ${messageOf(error)}`, { cause: error });
    }
  }
  const keyPair = generateKeyPair();
  const der = keyPair.privateKey.export({ format: "der", type: "pkcs8" });
  const raw = der.subarray(der.length - KEY_BYTES);
  await replaceFile(path, utf8(`${hexOf(new Uint8Array(raw))}\n`));
  return identityOf(keyPair);
}
