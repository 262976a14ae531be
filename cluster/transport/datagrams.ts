/**
 * Sealed datagrams: keys per pair and direction, replay windows, and the socket that carries them.
 *
 *     key ID (8) | counter (8) | ciphertext | tag (16)
 *
 * The receiver makes the key and tells it to the sender over their link. Key ID and counter are
 * authenticated, the nonce is four zero bytes and the counter, little-endian. An unknown key ID is
 * dropped without any cryptography. The key names the sender, never the source address.
 */

import { createCipheriv, createDecipheriv } from "node:crypto";
import { ByteReader } from "../bytes.ts";
import { assert } from "../errors.ts";
import type { NodeId } from "../ids.ts";
import { TAG_BYTES } from "./noise.ts";

const KEY_BYTES = 32;
const KEY_ID_BYTES = 8;
const COUNTER_BYTES = 8;
const HEADER_BYTES = KEY_ID_BYTES + COUNTER_BYTES;

/** Sealed, so that one datagram never needs two packets on any ordinary network. */
export const MAX_DATAGRAM_BYTES = 1_200;
export const DATAGRAM_OVERHEAD_BYTES = HEADER_BYTES + TAG_BYTES;
export const MAX_DATAGRAM_PLAINTEXT_BYTES = MAX_DATAGRAM_BYTES - DATAGRAM_OVERHEAD_BYTES;

/** How far behind the newest counter a late datagram may be and still be taken, once. */
export const REPLAY_WINDOW = 1024;

/** What the receiver tells the sender over the link. */
export interface DatagramKey {
  /** 8 bytes. */
  readonly keyId: Uint8Array;
  /** 32 bytes. */
  readonly key: Uint8Array;
}

export function isDatagramKey(key: DatagramKey): boolean {
  return key.keyId.length === KEY_ID_BYTES && key.key.length === KEY_BYTES;
}

/** Seals what goes to one peer. */
export class DatagramSealer {
  readonly #key: Uint8Array;
  readonly #header: Uint8Array;
  readonly #counterView: DataView;
  readonly #nonce = new Uint8Array(12);
  #counter = 0;

  constructor({ keyId, key }: DatagramKey) {
    this.#key = key;
    this.#header = new Uint8Array(HEADER_BYTES);
    this.#header.set(keyId);
    this.#counterView = new DataView(this.#header.buffer, KEY_ID_BYTES);
  }

  seal(plaintext: Uint8Array): Uint8Array<ArrayBuffer> {
    assert(plaintext.length <= MAX_DATAGRAM_PLAINTEXT_BYTES, "datagram too long");
    this.#counter++;
    this.#counterView.setUint32(0, Math.floor(this.#counter / 2 ** 32));
    this.#counterView.setUint32(4, this.#counter >>> 0);
    writeNonce(this.#nonce, this.#counter);
    const sealed = new Uint8Array(HEADER_BYTES + plaintext.length + TAG_BYTES);
    sealed.set(this.#header);
    const cipher = createCipheriv("chacha20-poly1305", this.#key, this.#nonce, {
      authTagLength: TAG_BYTES,
    });
    cipher.setAAD(this.#header, { plaintextLength: plaintext.length });
    sealed.set(cipher.update(plaintext), HEADER_BYTES);
    cipher.final();
    sealed.set(cipher.getAuthTag(), HEADER_BYTES + plaintext.length);
    return sealed;
  }
}

/** Opens what comes from one peer under one key, each datagram once. */
class DatagramOpener {
  readonly #key: Uint8Array;
  readonly #nonce = new Uint8Array(12);
  readonly #window = new ReplayWindow();

  constructor(readonly peer: NodeId, key: Uint8Array) {
    this.#key = key;
  }

  /** The plaintext and whether it is the newest yet; undefined if forged or seen before. */
  open(datagram: Uint8Array): { plaintext: Uint8Array; newest: boolean } | undefined {
    const reader = new ByteReader(datagram.subarray(KEY_ID_BYTES, HEADER_BYTES));
    const counter = reader.u32() * 2 ** 32 + reader.u32();
    if (counter > Number.MAX_SAFE_INTEGER || !this.#window.admits(counter)) return undefined;
    const ciphertextEnd = datagram.length - TAG_BYTES;
    writeNonce(this.#nonce, counter);
    const decipher = createDecipheriv("chacha20-poly1305", this.#key, this.#nonce, {
      authTagLength: TAG_BYTES,
    });
    decipher.setAAD(datagram.subarray(0, HEADER_BYTES), {
      plaintextLength: ciphertextEnd - HEADER_BYTES,
    });
    decipher.setAuthTag(datagram.subarray(ciphertextEnd));
    const plaintext = decipher.update(datagram.subarray(HEADER_BYTES, ciphertextEnd));
    try {
      decipher.final();
    } catch {
      return undefined;
    }
    const newest = this.#window.note(counter);
    return { plaintext, newest };
  }
}

/** Which of the last {@link REPLAY_WINDOW} counters have been seen (as in RFC 6479). */
export class ReplayWindow {
  readonly #seen = new Uint32Array(REPLAY_WINDOW / 32);
  #highest = 0;

  admits(counter: number): boolean {
    if (counter > this.#highest) return true;
    if (counter === 0 || counter <= this.#highest - REPLAY_WINDOW) return false;
    return (this.#seen[this.#word(counter)]! & this.#bit(counter)) === 0;
  }

  /** Remembers a counter that was admitted; true if it is the highest yet. */
  note(counter: number): boolean {
    const newest = counter > this.#highest;
    if (newest) {
      const passed = Math.min(counter - this.#highest, REPLAY_WINDOW);
      for (let i = 1; i <= passed; i++) {
        const at = counter - passed + i;
        this.#seen[this.#word(at)]! &= ~this.#bit(at);
      }
      this.#highest = counter;
    }
    this.#seen[this.#word(counter)]! |= this.#bit(counter);
    return newest;
  }

  #word(counter: number): number {
    return Math.floor(counter % REPLAY_WINDOW / 32);
  }

  #bit(counter: number): number {
    return 1 << (counter % 32);
  }
}

/** An opened datagram. */
export interface Opened {
  readonly from: NodeId;
  readonly plaintext: Uint8Array;
  /** No later one has come from this peer: its source address is where the peer is now. */
  readonly newest: boolean;
}

/** Keys handed out to one peer that it has not used yet; older ones go. */
const MAX_UNUSED_KEYS = 3;

/** The keys that we issued to one peer, by number. */
interface IssuedKeys {
  /** The one that the peer used last. */
  current: number | undefined;
  /** Handed out since, newest last. */
  unused: number[];
}

/** All keys of one node: for sealing to its peers, and for opening what they send. */
export class DatagramKeys {
  readonly #openers = new Map<number, DatagramOpener>();
  readonly #issued = new Map<NodeId, IssuedKeys>();
  readonly #sealers = new Map<NodeId, DatagramSealer>();

  /** A fresh key for what `peer` will send; the one it uses holds until it has used the new one. */
  issue(peer: NodeId): DatagramKey {
    const keyId = crypto.getRandomValues(new Uint8Array(KEY_ID_BYTES));
    const number = keyNumber(keyId);
    if (this.#openers.has(number)) return this.issue(peer);
    const key = crypto.getRandomValues(new Uint8Array(KEY_BYTES));
    this.#openers.set(number, new DatagramOpener(peer, key));
    const issued = this.#issued.get(peer) ?? { current: undefined, unused: [] };
    issued.unused.push(number);
    if (issued.unused.length > MAX_UNUSED_KEYS) this.#openers.delete(issued.unused.shift()!);
    this.#issued.set(peer, issued);
    return { keyId, key };
  }

  /** Takes over the key that `peer` issued for what we send. */
  use(peer: NodeId, key: DatagramKey): void {
    this.#sealers.set(peer, new DatagramSealer(key));
  }

  /** Forgets a peer, or that run of it. */
  drop(peer: NodeId): void {
    const issued = this.#issued.get(peer);
    if (issued?.current !== undefined) this.#openers.delete(issued.current);
    for (const number of issued?.unused ?? []) this.#openers.delete(number);
    this.#issued.delete(peer);
    this.#sealers.delete(peer);
  }

  /** Undefined without a key for `peer`. */
  seal(peer: NodeId, plaintext: Uint8Array): Uint8Array<ArrayBuffer> | undefined {
    return this.#sealers.get(peer)?.seal(plaintext);
  }

  /** Undefined for anything but a fresh datagram of a peer whose key we issued. */
  open(datagram: Uint8Array): Opened | undefined {
    if (datagram.length < HEADER_BYTES + TAG_BYTES) return undefined;
    const number = keyNumber(datagram);
    const opener = this.#openers.get(number);
    const opened = opener?.open(datagram);
    if (opener === undefined || opened === undefined) return undefined;
    this.#noteUse(opener.peer, number);
    return { from: opener.peer, ...opened };
  }

  /** Once a peer uses a key, it will not go back to those before it. */
  #noteUse(peer: NodeId, number: number): void {
    const issued = this.#issued.get(peer);
    if (issued === undefined || issued.current === number) return;
    if (issued.current !== undefined) this.#openers.delete(issued.current);
    issued.current = number;
    while (issued.unused.length > 0) {
      const older = issued.unused.shift()!;
      if (older === number) break;
      this.#openers.delete(older);
    }
  }
}

/** The first 53 bits of a key ID, as a map key that needs no allocation; unique by `issue`. */
function keyNumber(keyId: Uint8Array): number {
  const high = (keyId[0]! << 24 | keyId[1]! << 16 | keyId[2]! << 8 | keyId[3]!) >>> 0;
  const low = (keyId[4]! << 13 | keyId[5]! << 5 | keyId[6]! >>> 3) >>> 0;
  return high * 2 ** 21 + low;
}

function writeNonce(nonce: Uint8Array, counter: number): void {
  let low = counter >>> 0;
  let high = Math.floor(counter / 2 ** 32);
  for (let i = 4; i < 8; i++, low >>>= 8) nonce[i] = low & 0xff;
  for (let i = 8; i < 12; i++, high >>>= 8) nonce[i] = high & 0xff;
}
