/**
 * The Noise Protocol Framework, revision 34, with 25519, ChaChaPoly and SHA256: just the patterns
 * that are used here. Names follow the specification's sections 5 and 9.
 */

import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  diffieHellman,
} from "node:crypto";
import { concat, utf8 } from "../bytes.ts";
import { assert, MalformedError } from "../errors.ts";
import { KEY_BYTES, type KeyPair, publicKeyObject } from "../identity.ts";

export const TAG_BYTES = 16;
const HASH_BYTES = 32;

/** Noise's own limit for one message (section 3). */
export const MAX_NOISE_MESSAGE_BYTES = 65_535;

type Token = "e" | "s" | "ee" | "es" | "se" | "ss" | "psk";

/** The messages of each pattern, the initiator's first. No pattern here has pre-messages. */
const PATTERNS = {
  XX: [["e"], ["e", "ee", "s", "es"], ["s", "se"]],
  XXpsk3: [["e"], ["e", "ee", "s", "es"], ["s", "se", "psk"]],
  NNpsk0: [["psk", "e"], ["e", "ee"]],
} as const satisfies Record<string, readonly (readonly Token[])[]>;

export type Pattern = keyof typeof PATTERNS;

/** A message that does not decrypt: forged, replayed, out of order or for another key. */
export class DecryptError extends MalformedError {}

/** One direction of an established session: a key and a counter. */
export class CipherState {
  readonly #key: Uint8Array;
  readonly #nonce = new Uint8Array(12);
  readonly #nonceView = new DataView(this.#nonce.buffer);
  #counter = 0;

  constructor(key: Uint8Array) {
    this.#key = key;
  }

  /** Seals `plaintext` into `target` at `offset`, tag last; returns how many bytes it wrote. */
  encryptInto(target: Uint8Array, offset: number, plaintext: Uint8Array, ad?: Uint8Array): number {
    const cipher = createCipheriv("chacha20-poly1305", this.#key, this.#nextNonce(), {
      authTagLength: TAG_BYTES,
    });
    if (ad !== undefined) cipher.setAAD(ad, { plaintextLength: plaintext.length });
    target.set(cipher.update(plaintext), offset);
    cipher.final();
    target.set(cipher.getAuthTag(), offset + plaintext.length);
    return plaintext.length + TAG_BYTES;
  }

  encrypt(plaintext: Uint8Array, ad?: Uint8Array): Uint8Array<ArrayBuffer> {
    const sealed = new Uint8Array(plaintext.length + TAG_BYTES);
    this.encryptInto(sealed, 0, plaintext, ad);
    return sealed;
  }

  decrypt(sealed: Uint8Array, ad?: Uint8Array): Uint8Array {
    const length = sealed.length - TAG_BYTES;
    if (length < 0) throw new DecryptError("shorter than its tag");
    const decipher = createDecipheriv("chacha20-poly1305", this.#key, this.#nextNonce(), {
      authTagLength: TAG_BYTES,
    });
    if (ad !== undefined) decipher.setAAD(ad, { plaintextLength: length });
    decipher.setAuthTag(sealed.subarray(length));
    const plaintext = decipher.update(sealed.subarray(0, length));
    try {
      decipher.final();
    } catch {
      throw new DecryptError("does not decrypt");
    }
    return plaintext;
  }

  #nextNonce(): Uint8Array {
    // 2^53 messages of one byte would take a fast link three thousand years.
    const counter = this.#counter++;
    assert(counter < Number.MAX_SAFE_INTEGER, "nonce used up");
    this.#nonceView.setUint32(4, counter >>> 0, true);
    this.#nonceView.setUint32(8, Math.floor(counter / 2 ** 32), true);
    return this.#nonce;
  }
}

/** The running hash and chaining key of a handshake (section 5.2). */
class SymmetricState {
  hash: Uint8Array;
  #chainingKey: Uint8Array;
  #cipher: CipherState | undefined;

  constructor(protocolName: string) {
    const name = utf8(protocolName);
    if (name.length <= HASH_BYTES) {
      const padded = new Uint8Array(HASH_BYTES);
      padded.set(name);
      this.hash = padded;
    } else {
      this.hash = sha256(name);
    }
    this.#chainingKey = this.hash;
  }

  get overheadBytes(): number {
    return this.#cipher === undefined ? 0 : TAG_BYTES;
  }

  mixHash(data: Uint8Array): void {
    this.hash = sha256(this.hash, data);
  }

  mixKey(material: Uint8Array): void {
    const [chainingKey, key] = hkdf(this.#chainingKey, material, 2);
    this.#chainingKey = chainingKey!;
    this.#cipher = new CipherState(key!);
  }

  mixKeyAndHash(material: Uint8Array): void {
    const [chainingKey, hash, key] = hkdf(this.#chainingKey, material, 3);
    this.#chainingKey = chainingKey!;
    this.mixHash(hash!);
    this.#cipher = new CipherState(key!);
  }

  encryptAndHash(plaintext: Uint8Array): Uint8Array {
    const sealed = this.#cipher?.encrypt(plaintext, this.hash) ?? plaintext;
    this.mixHash(sealed);
    return sealed;
  }

  decryptAndHash(sealed: Uint8Array): Uint8Array {
    const plaintext = this.#cipher?.decrypt(sealed, this.hash) ?? sealed;
    this.mixHash(sealed);
    return plaintext;
  }

  split(): [CipherState, CipherState] {
    const [first, second] = hkdf(this.#chainingKey, new Uint8Array(), 2);
    return [new CipherState(first!), new CipherState(second!)];
  }
}

export interface HandshakeOptions {
  readonly pattern: Pattern;
  readonly initiator: boolean;
  readonly prologue: Uint8Array;
  /** Needed by the XX patterns. */
  readonly staticKey?: KeyPair;
  readonly ephemeralKey: KeyPair;
  /** 32 bytes; needed by the psk patterns. */
  readonly psk?: Uint8Array;
}

/** What a finished handshake leaves. */
export interface Session {
  readonly sending: CipherState;
  readonly receiving: CipherState;
  /** Names this session; equal on both sides, secret to nobody (section 11.2). */
  readonly handshakeHash: Uint8Array;
  /** The other side's static public key, where the pattern tells it. */
  readonly remoteStatic: Uint8Array | undefined;
}

/** One side of one handshake (section 5.3). `write` and `read` alternate until `session` is set. */
export class Handshake {
  readonly #symmetric: SymmetricState;
  readonly #messages: readonly (readonly Token[])[];
  readonly #options: HandshakeOptions;
  readonly #usesPsk: boolean;
  #next = 0;
  #remoteEphemeral: Uint8Array | undefined;
  #remoteStatic: Uint8Array | undefined;
  session: Session | undefined;

  constructor(options: HandshakeOptions) {
    this.#options = options;
    this.#messages = PATTERNS[options.pattern];
    this.#usesPsk = options.pattern.includes("psk");
    this.#symmetric = new SymmetricState(`Noise_${options.pattern}_25519_ChaChaPoly_SHA256`);
    this.#symmetric.mixHash(options.prologue);
  }

  /** The remote ephemeral key, once its message was read. */
  get remoteEphemeral(): Uint8Array | undefined {
    return this.#remoteEphemeral;
  }

  write(payload: Uint8Array): Uint8Array {
    const parts: Uint8Array[] = [];
    for (const token of this.#nextTokens(true)) {
      switch (token) {
        case "e": {
          const { publicKey } = this.#options.ephemeralKey;
          parts.push(publicKey);
          this.#mixEphemeral(publicKey);
          break;
        }
        case "s":
          parts.push(this.#symmetric.encryptAndHash(this.#ownStatic().publicKey));
          break;
        default:
          this.#mixSecret(token);
      }
    }
    parts.push(this.#symmetric.encryptAndHash(payload));
    this.#finishIfLast();
    return concat(...parts);
  }

  /** Takes in the other side's message; gives its payload. Throws {@link MalformedError}. */
  read(message: Uint8Array): Uint8Array {
    if (message.length > MAX_NOISE_MESSAGE_BYTES) throw new MalformedError("message too long");
    let rest = message;
    const take = (count: number): Uint8Array => {
      if (rest.length < count) throw new MalformedError("handshake message too short");
      const taken = rest.subarray(0, count);
      rest = rest.subarray(count);
      return taken;
    };
    for (const token of this.#nextTokens(false)) {
      switch (token) {
        case "e":
          this.#remoteEphemeral = take(KEY_BYTES).slice();
          this.#mixEphemeral(this.#remoteEphemeral);
          break;
        case "s": {
          const sealed = take(KEY_BYTES + this.#symmetric.overheadBytes);
          this.#remoteStatic = new Uint8Array(this.#symmetric.decryptAndHash(sealed));
          break;
        }
        default:
          this.#mixSecret(token);
      }
    }
    const payload = this.#symmetric.decryptAndHash(rest);
    this.#finishIfLast();
    return payload;
  }

  #nextTokens(writing: boolean): readonly Token[] {
    const tokens = this.#messages[this.#next];
    assert(tokens !== undefined, "handshake is over");
    const initiatorsTurn = this.#next % 2 === 0;
    assert((initiatorsTurn === this.#options.initiator) === writing, "not this side's turn");
    this.#next++;
    return tokens;
  }

  #mixEphemeral(publicKey: Uint8Array): void {
    this.#symmetric.mixHash(publicKey);
    // Section 9.2: with a psk, "e" also goes into the key, so that the psk is never used alone.
    if (this.#usesPsk) this.#symmetric.mixKey(publicKey);
  }

  #mixSecret(token: "ee" | "es" | "se" | "ss" | "psk"): void {
    if (token === "psk") {
      const { psk } = this.#options;
      assert(psk?.length === KEY_BYTES, "this pattern needs a psk of 32 bytes");
      this.#symmetric.mixKeyAndHash(psk);
      return;
    }
    // The first letter names the initiator's key, the second the answerer's.
    const [initiators, answerers] = token;
    const ownLetter = this.#options.initiator ? initiators : answerers;
    const theirLetter = this.#options.initiator ? answerers : initiators;
    const own = ownLetter === "e" ? this.#options.ephemeralKey : this.#ownStatic();
    const theirs = theirLetter === "e" ? this.#remoteEphemeral : this.#remoteStatic;
    assert(theirs !== undefined, "pattern uses a key before it was sent");
    this.#symmetric.mixKey(agree(own, theirs));
  }

  #ownStatic(): KeyPair {
    const { staticKey } = this.#options;
    assert(staticKey !== undefined, "this pattern needs a static key");
    return staticKey;
  }

  #finishIfLast(): void {
    if (this.#next < this.#messages.length) return;
    const [toAnswerer, toInitiator] = this.#symmetric.split();
    const { initiator } = this.#options;
    this.session = {
      sending: initiator ? toAnswerer : toInitiator,
      receiving: initiator ? toInitiator : toAnswerer,
      handshakeHash: this.#symmetric.hash,
      remoteStatic: this.#remoteStatic,
    };
  }
}

/** X25519; a low-order public key, which would make the secret known to all, is refused. */
function agree(own: KeyPair, remotePublicKey: Uint8Array): Uint8Array {
  try {
    return new Uint8Array(
      diffieHellman({
        privateKey: own.privateKey,
        publicKey: publicKeyObject(remotePublicKey),
      }),
    );
  } catch (error) {
    throw new MalformedError("unusable public key", { cause: error });
  }
}

function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest());
}

/** HKDF as in section 4.3: two or three outputs of 32 bytes. */
function hkdf(chainingKey: Uint8Array, material: Uint8Array, count: 2 | 3): Uint8Array[] {
  const secret = hmac(chainingKey, material);
  const outputs: Uint8Array[] = [];
  let previous: Uint8Array = new Uint8Array();
  for (let i = 1; i <= count; i++) {
    previous = hmac(secret, concat(previous, new Uint8Array([i])));
    outputs.push(previous);
  }
  return outputs;
}

function hmac(key: Uint8Array, data: Uint8Array): Uint8Array {
  return new Uint8Array(createHmac("sha256", key).update(data).digest());
}
