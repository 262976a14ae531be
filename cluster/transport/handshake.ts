/**
 * How a link begins: a clear preamble, then Noise_XXpsk3. Bytes in, bytes out, no socket.
 *
 *     dialler                                   answerer
 *     preamble: magic, versions, cluster hash,
 *       key ID, ephemeral key, mac1       →
 *                                         ←     reply: magic, verdict, version, versions
 *     Noise message 1: e                  →
 *                                         ←     Noise message 2: e, ee, s, es
 *     Noise message 3: s, se, psk         →
 *
 * Preamble and reply are the Noise prologue: who changes a byte of them breaks the handshake. The
 * answerer does no curve arithmetic before it has seen, by mac1, that the dialler holds the cluster
 * key; and a wrong key, name or version is told as what it is, on both sides. A reject is not
 * authenticated: it is reported and backs off, nothing more.
 */

import { ByteReader, ByteWriter, concat, equalBytes } from "../bytes.ts";
import { MalformedError } from "../errors.ts";
import { generateKeyPair, type Identity, KEY_BYTES, type KeyPair, nodeIdOf } from "../identity.ts";
import type { NodeId } from "../ids.ts";
import {
  CLUSTER_HASH_BYTES,
  KEY_ID_BYTES,
  type Keyring,
  MAC_BYTES,
  macOf,
  subkeysById,
} from "../keys.ts";
import { Handshake, type Session, TAG_BYTES } from "./noise.ts";

/** "tkl" and the version of this very layout. */
const MAGIC = new Uint8Array([0x74, 0x6b, 0x6c, 0x01]);

/** Protocol versions that a node speaks, lowest and highest; two adjacent ones meet. */
export interface VersionRange {
  readonly lowest: number;
  readonly highest: number;
}

/** What this build speaks. */
export const PROTOCOL_VERSIONS: VersionRange = { lowest: 1, highest: 1 };

const PREAMBLE_BYTES = MAGIC.length + 2 + CLUSTER_HASH_BYTES + KEY_ID_BYTES + KEY_BYTES + MAC_BYTES;
const REPLY_BYTES = MAGIC.length + 4;
const MESSAGE_1_BYTES = KEY_BYTES + TAG_BYTES;
const MESSAGE_2_BYTES = KEY_BYTES + KEY_BYTES + TAG_BYTES + TAG_BYTES;
const MESSAGE_3_BYTES = KEY_BYTES + TAG_BYTES + TAG_BYTES;

/** All that an answerer ever reads before it knows who is there. */
export const MAX_HANDSHAKE_BYTES = PREAMBLE_BYTES + MESSAGE_1_BYTES + MESSAGE_3_BYTES;

/** Why an answerer turns a dialler away before any cryptography. */
export type RejectReason = "cluster" | "key" | "version" | "busy";

const VERDICTS = ["accept", "cluster", "key", "version", "busy"] as const;

const NOTHING = new Uint8Array();

/** A handshake that ended otherwise than in a session. */
export class HandshakeError extends Error {
  override readonly name = "HandshakeError";

  constructor(
    /** `protocol`: not a toolkit node, or damaged on the way. */
    readonly reason: RejectReason | "protocol",
    message: string,
    /** Who noticed. */
    readonly side: "here" | "there",
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** An established session: both ends known, both keys fresh. */
export interface SecureSession extends Session {
  readonly remoteStatic: Uint8Array;
  readonly remoteId: NodeId;
  readonly version: number;
}

/** What to do after bytes came in: send these, wait for that many more, or begin. */
export interface HandshakeStep {
  readonly send: Uint8Array;
  /** Bytes that the next call wants; 0 when the handshake is over. */
  readonly want: number;
  readonly session?: SecureSession;
}

export interface HandshakeParty {
  readonly identity: Identity;
  readonly keyring: Keyring;
  readonly versions: VersionRange;
  /** A fresh key per handshake; given by tests only. */
  readonly ephemeralKey?: KeyPair;
}

/** The side that opened the connection. Call `start`, then `receive` with what each step wants. */
export class DiallerHandshake {
  readonly #party: HandshakeParty;
  readonly #ephemeral: KeyPair;
  #preamble: Uint8Array = NOTHING;
  #noise: Handshake | undefined;
  #version = 0;

  constructor(party: HandshakeParty) {
    this.#party = party;
    this.#ephemeral = party.ephemeralKey ?? generateKeyPair();
  }

  start(): HandshakeStep {
    const { keyring, versions } = this.#party;
    const authenticated = new ByteWriter()
      .raw(MAGIC)
      .u8(versions.lowest)
      .u8(versions.highest)
      .raw(keyring.clusterHash)
      .raw(keyring.primary.keyId)
      .raw(this.#ephemeral.publicKey)
      .bytes;
    this.#preamble = concat(authenticated, macOf(keyring.primary, authenticated));
    return { send: this.#preamble, want: REPLY_BYTES };
  }

  receive(bytes: Uint8Array): HandshakeStep {
    return this.#noise === undefined ? this.#readReply(bytes) : this.#finish(this.#noise, bytes);
  }

  #readReply(bytes: Uint8Array): HandshakeStep {
    const reader = new ByteReader(bytes);
    if (!equalBytes(reader.raw(MAGIC.length), MAGIC)) {
      throw new HandshakeError("protocol", "no toolkit node answers there", "here");
    }
    const verdict = VERDICTS[reader.u8()];
    this.#version = reader.u8();
    const theirs: VersionRange = { lowest: reader.u8(), highest: reader.u8() };
    const { versions, keyring, identity } = this.#party;
    if (verdict === undefined) {
      throw new HandshakeError("protocol", "an unknown verdict", "there");
    }
    if (verdict !== "accept") {
      throw new HandshakeError(verdict, rejectText(verdict, keyring, versions, theirs), "there");
    }
    if (this.#version !== commonVersion(versions, theirs)) {
      throw new HandshakeError("protocol", `chose version ${this.#version}`, "there");
    }
    this.#noise = new Handshake({
      pattern: "XXpsk3",
      initiator: true,
      prologue: concat(this.#preamble, bytes),
      staticKey: identity,
      ephemeralKey: this.#ephemeral,
      psk: keyring.primary.psk,
    });
    return { send: this.#noise.write(NOTHING), want: MESSAGE_2_BYTES };
  }

  #finish(noise: Handshake, bytes: Uint8Array): HandshakeStep {
    readNoise(noise, bytes);
    const send = noise.write(NOTHING);
    return { send, want: 0, session: secureSession(noise, this.#version) };
  }
}

/** The side that was called. Give it {@link AnswererHandshake.want} bytes to begin with. */
export class AnswererHandshake {
  readonly #party: HandshakeParty;
  #preambleEphemeral: Uint8Array = NOTHING;
  #noise: Handshake | undefined;
  #version = 0;

  constructor(party: HandshakeParty) {
    this.#party = party;
  }

  static readonly want = PREAMBLE_BYTES;

  receive(bytes: Uint8Array): HandshakeStep {
    if (this.#noise === undefined) return this.#answerPreamble(bytes);
    if (this.#noise.remoteEphemeral === undefined) return this.#answerMessage1(this.#noise, bytes);
    readNoise(this.#noise, bytes);
    return { send: NOTHING, want: 0, session: secureSession(this.#noise, this.#version) };
  }

  /**
   * Reads the preamble. On a reject it throws a {@link RejectedError} that carries the reply, so
   * that the dialler is told why.
   */
  #answerPreamble(bytes: Uint8Array): HandshakeStep {
    const { keyring, versions, identity } = this.#party;
    const reader = new ByteReader(bytes);
    if (!equalBytes(reader.raw(MAGIC.length), MAGIC)) {
      throw new HandshakeError("protocol", "not a toolkit node", "here");
    }
    const theirs: VersionRange = { lowest: reader.u8(), highest: reader.u8() };
    const clusterHash = reader.raw(CLUSTER_HASH_BYTES);
    const keyId = reader.raw(KEY_ID_BYTES);
    this.#preambleEphemeral = reader.raw(KEY_BYTES).slice();
    const mac = reader.raw(MAC_BYTES);
    reader.end();

    const reject = (reason: RejectReason): never => {
      const reply = replyOf(reason, 0, versions);
      throw new RejectedError(reason, rejectText(reason, keyring, versions, theirs), reply);
    };
    const version = commonVersion(versions, theirs);
    if (version === undefined) return reject("version");
    if (!equalBytes(clusterHash, keyring.clusterHash)) return reject("cluster");
    const subkeys = subkeysById(keyring, keyId);
    if (subkeys === undefined) return reject("key");
    const authenticated = bytes.subarray(0, bytes.length - MAC_BYTES);
    if (!equalBytes(mac, macOf(subkeys, authenticated))) return reject("key");

    this.#version = version;
    const reply = replyOf("accept", version, versions);
    this.#noise = new Handshake({
      pattern: "XXpsk3",
      initiator: false,
      prologue: concat(bytes, reply),
      staticKey: identity,
      ephemeralKey: this.#party.ephemeralKey ?? generateKeyPair(),
      psk: subkeys.psk,
    });
    return { send: reply, want: MESSAGE_1_BYTES };
  }

  #answerMessage1(noise: Handshake, bytes: Uint8Array): HandshakeStep {
    // mac1 vouches for this ephemeral key and no other.
    if (!equalBytes(bytes.subarray(0, KEY_BYTES), this.#preambleEphemeral)) {
      throw new HandshakeError("protocol", "another ephemeral key than in the preamble", "here");
    }
    readNoise(noise, bytes);
    let send: Uint8Array;
    try {
      send = noise.write(NOTHING);
    } catch (error) {
      if (!(error instanceof MalformedError)) throw error;
      throw new HandshakeError("protocol", error.message, "here", { cause: error });
    }
    return { send, want: MESSAGE_3_BYTES };
  }
}

/** A dialler was turned away; `reply` is to be sent before the connection is closed. */
export class RejectedError extends HandshakeError {
  constructor(reason: RejectReason, message: string, readonly reply: Uint8Array) {
    super(reason, message, "here");
  }
}

/** What a dialler is told, unheard, while too many others are being answered. */
export function busyReply(versions: VersionRange): Uint8Array {
  return replyOf("busy", 0, versions);
}

/** The highest version that both speak. */
export function commonVersion(a: VersionRange, b: VersionRange): number | undefined {
  const version = Math.min(a.highest, b.highest);
  return version >= Math.max(a.lowest, b.lowest) ? version : undefined;
}

function replyOf(
  verdict: (typeof VERDICTS)[number],
  version: number,
  own: VersionRange,
): Uint8Array {
  return new ByteWriter()
    .raw(MAGIC)
    .u8(VERDICTS.indexOf(verdict))
    .u8(version)
    .u8(own.lowest)
    .u8(own.highest)
    .bytes;
}

function rejectText(
  reason: RejectReason,
  keyring: Keyring,
  own: VersionRange,
  theirs: VersionRange,
): string {
  switch (reason) {
    case "cluster":
      return `another cluster name (ours is "${keyring.clusterName}")`;
    case "key":
      return keyring.secret ? "another cluster key" : "another cluster key (here none is set)";
    case "version":
      return `speaks protocol ${versionText(theirs)}, here it is ${versionText(own)}`;
    case "busy":
      return "too many unfinished handshakes there";
  }
}

function versionText({ lowest, highest }: VersionRange): string {
  return lowest === highest ? `version ${lowest}` : `versions ${lowest} to ${highest}`;
}

function readNoise(noise: Handshake, bytes: Uint8Array): void {
  try {
    noise.read(bytes);
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
    throw new HandshakeError("protocol", `handshake fails: ${error.message}`, "here", {
      cause: error,
    });
  }
}

function secureSession(noise: Handshake, version: number): SecureSession {
  const { session } = noise;
  if (session?.remoteStatic === undefined) throw new Error("bug: handshake is not over");
  const { remoteStatic } = session;
  return { ...session, remoteStatic, remoteId: nodeIdOf(remoteStatic), version };
}
