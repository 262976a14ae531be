/** A node's key pair, from which its ID follows: nobody can take a name that is not theirs. */

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
import { NODE_ID_BYTES, type NodeId, nodeIdOfBytes } from "./ids.ts";

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
