/**
 * The cluster key says who may join. From it and the cluster's name come three subkeys: the psk of
 * the Noise handshake, the key of the preamble's MAC, and a public key ID, so that a wrong key is
 * reported as a wrong key. Several keys can be accepted at once, for rotation without downtime.
 */

import { createHash, createHmac, hkdfSync } from "node:crypto";
import { concat, equalBytes, utf8 } from "./bytes.ts";
import { messageOf, Problem } from "./errors.ts";
import { folderOf, syncFolder, writeAll } from "./files.ts";

export const CLUSTER_KEY_BYTES = 32;
export const KEY_ID_BYTES = 8;
export const CLUSTER_HASH_BYTES = 8;
export const MAC_BYTES = 16;

/** Keys accepted beside the one that the node itself uses. */
export const MAX_ACCEPTED_KEYS = 2;

/** A key is 43 characters; the rest is room for an end of line and a careless editor. */
const MAX_KEY_FILE_BYTES = 1024;

/** The subkeys of one cluster key under one cluster name. */
export interface ClusterSubkeys {
  /** 8 bytes, public: says which key a dialler uses without telling the key. */
  readonly keyId: Uint8Array;
  readonly psk: Uint8Array;
  readonly macKey: Uint8Array;
}

export interface Keyring {
  readonly clusterName: string;
  /** First 8 bytes of SHA-256 of the cluster's name. */
  readonly clusterHash: Uint8Array;
  /** The key that this node dials with. */
  readonly primary: ClusterSubkeys;
  /** All keys that it answers to, the primary one first. */
  readonly accepted: readonly ClusterSubkeys[];
  /** Whether the primary key is a secret; without one a node stays on loopback. */
  readonly secret: boolean;
}

/** Without a key (loopback only) the key is all zeros: encrypted, but open to everybody there. */
const NO_KEY = new Uint8Array(CLUSTER_KEY_BYTES);

export function keyringOf(
  clusterName: string,
  key: Uint8Array | undefined,
  acceptedKeys: readonly Uint8Array[] = [],
): Keyring {
  const primary = subkeysOf(clusterName, key ?? NO_KEY);
  return {
    clusterName,
    clusterHash: clusterHashOf(clusterName),
    primary,
    accepted: [primary, ...acceptedKeys.map((accepted) => subkeysOf(clusterName, accepted))],
    secret: key !== undefined,
  };
}

export function clusterHashOf(clusterName: string): Uint8Array {
  const hash = createHash("sha256").update(clusterName).digest();
  return new Uint8Array(hash.subarray(0, CLUSTER_HASH_BYTES));
}

function subkeysOf(clusterName: string, key: Uint8Array): ClusterSubkeys {
  const derive = (label: string, bytes: number): Uint8Array => {
    const info = concat(utf8(`toolkit ${label}\0`), utf8(clusterName));
    return new Uint8Array(hkdfSync("sha256", key, new Uint8Array(), info, bytes));
  };
  return {
    keyId: derive("key id", KEY_ID_BYTES),
    psk: derive("psk", CLUSTER_KEY_BYTES),
    macKey: derive("mac1", CLUSTER_KEY_BYTES),
  };
}

/** The accepted key with this ID, if there is one. */
export function subkeysById(keyring: Keyring, keyId: Uint8Array): ClusterSubkeys | undefined {
  return keyring.accepted.find((subkeys) => equalBytes(subkeys.keyId, keyId));
}

/** The first 16 bytes of HMAC-SHA-256. */
export function macOf(subkeys: ClusterSubkeys, data: Uint8Array): Uint8Array {
  const mac = createHmac("sha256", subkeys.macKey).update(data).digest();
  return new Uint8Array(mac.subarray(0, MAC_BYTES));
}

export function newClusterKey(): Uint8Array<ArrayBuffer> {
  return crypto.getRandomValues(new Uint8Array(CLUSTER_KEY_BYTES));
}

export function formatClusterKey(key: Uint8Array): string {
  return key.toBase64({ alphabet: "base64url", omitPadding: true });
}

/** What a key is for: kinds have the same form, and are never used for one another. */
export interface KeyKind {
  /** What it is called. */
  readonly what: string;
  /** The command that makes one. */
  readonly maker: string;
}

const CLUSTER_KEY: KeyKind = { what: "cluster key", maker: "toolkit cluster keygen" };

/** The 32 bytes of a cluster key in base64url; `source` names it in the error. */
export function parseClusterKey(text: string, source: string): Uint8Array {
  return parseKey(text, source, CLUSTER_KEY);
}

function parseKey(text: string, source: string, { what, maker }: KeyKind): Uint8Array {
  let key: Uint8Array | undefined;
  try {
    key = Uint8Array.fromBase64(text.trim(), { alphabet: "base64url" });
  } catch {
    // Told below, without showing what may be a secret.
  }
  if (key?.length !== CLUSTER_KEY_BYTES) {
    throw new Problem(`${source} holds no ${what} (32 bytes in base64url)`, {
      hint: `make one with: ${maker} --out FILE`,
    });
  }
  return key;
}

/** Writes a new key to `path`, mode 0600; an existing file is never overwritten. */
export async function writeKeyFile(path: string): Promise<void> {
  let file: Deno.FsFile;
  try {
    await Deno.mkdir(folderOf(path), { recursive: true });
    file = await Deno.open(path, { write: true, createNew: true, mode: 0o600 });
  } catch (error) {
    if (error instanceof Deno.errors.AlreadyExists) {
      throw new Problem(`${path} exists already and is not overwritten`, {
        hint:
          "a key that hosts still use must not get lost: move it away first, or name another file",
      });
    }
    throw new Problem(`cannot write ${path}: ${messageOf(error)}`, {
      hint: "run as a user who may, or name another file",
      cause: error,
    });
  }
  try {
    await writeAll(file, utf8(`${formatClusterKey(newClusterKey())}\n`));
    await file.sync();
  } catch (error) {
    // Half a key would be in the way of the next try.
    await Deno.remove(path);
    throw new Problem(`cannot write ${path}: ${messageOf(error)}`, { cause: error });
  } finally {
    file.close();
  }
  await syncFolder(folderOf(path));
}

/** Reads the file of a cluster key. */
export function readClusterKey(path: string): Promise<Uint8Array> {
  return readKeyFile(path, CLUSTER_KEY);
}

/** Reads a key file; one that others than its owner can read is refused. */
export async function readKeyFile(path: string, { what, maker }: KeyKind): Promise<Uint8Array> {
  let text: string;
  let mode: number | null;
  try {
    const info = await Deno.stat(path);
    mode = info.mode;
    if (!info.isFile || info.size > MAX_KEY_FILE_BYTES) {
      throw new Error(`${path} is no key file`);
    }
    text = await Deno.readTextFile(path);
  } catch (error) {
    const missing = error instanceof Deno.errors.NotFound;
    throw new Problem(
      missing ? `no ${what} at ${path}` : `cannot read the ${what}: ${messageOf(error)}`,
      {
        hint: missing
          ? `copy it from another host, or make the first one: ${maker} --out ${path}`
          : "run as the user who owns it, or mend its permissions",
        cause: error,
      },
    );
  }
  if (mode !== null && (mode & 0o077) !== 0) {
    throw new Problem(
      `others can read the ${what} ${path} (mode ${(mode & 0o777).toString(8)})`,
      { hint: `chmod 600 ${path}` },
    );
  }
  return parseKey(text, path, { what, maker });
}
