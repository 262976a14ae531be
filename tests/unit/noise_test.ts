import assert from "node:assert/strict";
import { bytesOfHex, hexOf } from "../../cluster/bytes.ts";
import { MalformedError } from "../../cluster/errors.ts";
import { generateKeyPair, type KeyPair, keyPairOf } from "../../cluster/identity.ts";
import {
  CipherState,
  DecryptError,
  Handshake,
  type Pattern,
} from "../../cluster/transport/noise.ts";
import { vectors } from "../support/vectors.ts";

interface Vector {
  readonly protocol_name: string;
  readonly init_prologue: string;
  readonly init_psks?: readonly string[];
  readonly init_static?: string;
  readonly init_ephemeral: string;
  readonly resp_prologue: string;
  readonly resp_psks?: readonly string[];
  readonly resp_static?: string;
  readonly resp_ephemeral: string;
  readonly handshake_hash: string;
  readonly messages: readonly { readonly payload: string; readonly ciphertext: string }[];
}

function handshakeOf(vector: Vector, side: "init" | "resp"): Handshake {
  const staticKey = vector[`${side}_static`];
  const psk = vector[`${side}_psks`]?.[0];
  return new Handshake({
    pattern: vector.protocol_name.split("_")[1] as Pattern,
    initiator: side === "init",
    prologue: bytesOfHex(vector[`${side}_prologue`]),
    ephemeralKey: keyPairOf(bytesOfHex(vector[`${side}_ephemeral`])),
    ...(staticKey === undefined ? {} : { staticKey: keyPairOf(bytesOfHex(staticKey)) }),
    ...(psk === undefined ? {} : { psk: bytesOfHex(psk) }),
  });
}

const published = vectors("noise-vectors.json");

Deno.test({
  name: "Handshake reproduces the published vectors of all patterns, on both sides",
  ignore: published === undefined,
  fn() {
    const { vectors } = JSON.parse(published!) as { vectors: readonly Vector[] };
    assert.deepEqual(vectors.map(({ protocol_name: name }) => name.split("_")[1]).sort(), [
      "NNpsk0",
      "XX",
      "XXpsk3",
    ]);
    for (const vector of vectors) {
      const initiator = handshakeOf(vector, "init");
      const answerer = handshakeOf(vector, "resp");
      vector.messages.forEach(({ payload, ciphertext }, index) => {
        const [from, to] = index % 2 === 0 ? [initiator, answerer] : [answerer, initiator];
        const plaintext = bytesOfHex(payload);
        const sealed = from.session?.sending.encrypt(plaintext) ?? from.write(plaintext);
        assert.equal(hexOf(sealed), ciphertext, `${vector.protocol_name} message ${index}`);
        const opened = to.session?.receiving.decrypt(sealed) ?? to.read(sealed);
        assert.equal(hexOf(opened), payload, `${vector.protocol_name} payload ${index}`);
      });
      for (const side of [initiator, answerer]) {
        assert.equal(hexOf(side.session!.handshakeHash), vector.handshake_hash);
      }
    }
  },
});

const NOTHING = new Uint8Array();

function pair(pskA: Uint8Array, pskB: Uint8Array, statics: [KeyPair, KeyPair]) {
  const options = { pattern: "XXpsk3", prologue: new Uint8Array([1]) } as const;
  const a = new Handshake({
    ...options,
    initiator: true,
    staticKey: statics[0],
    ephemeralKey: generateKeyPair(),
    psk: pskA,
  });
  const b = new Handshake({
    ...options,
    initiator: false,
    staticKey: statics[1],
    ephemeralKey: generateKeyPair(),
    psk: pskB,
  });
  return [a, b] as const;
}

Deno.test("Handshake tells each side the other's static key", () => {
  const statics: [KeyPair, KeyPair] = [generateKeyPair(), generateKeyPair()];
  const psk = new Uint8Array(32).fill(7);
  const [a, b] = pair(psk, psk, statics);
  b.read(a.write(NOTHING));
  a.read(b.write(NOTHING));
  b.read(a.write(NOTHING));
  assert.deepEqual(a.session!.remoteStatic, statics[1].publicKey);
  assert.deepEqual(b.session!.remoteStatic, statics[0].publicKey);
});

Deno.test("Handshake fails with another psk, at the message where it first matters", () => {
  const statics: [KeyPair, KeyPair] = [generateKeyPair(), generateKeyPair()];
  const [a, b] = pair(new Uint8Array(32).fill(7), new Uint8Array(32).fill(8), statics);
  b.read(a.write(NOTHING));
  a.read(b.write(NOTHING));
  assert.throws(() => b.read(a.write(NOTHING)), DecryptError);
});

Deno.test("Handshake refuses truncated messages of every length, and a changed bit anywhere", () => {
  const statics: [KeyPair, KeyPair] = [generateKeyPair(), generateKeyPair()];
  const psk = new Uint8Array(32).fill(7);
  const [first] = pair(psk, psk, statics);
  const message = first.write(NOTHING);
  for (let length = 0; length < message.length; length++) {
    const [, b] = pair(psk, psk, statics);
    assert.throws(() => b.read(message.subarray(0, length)), MalformedError, `length ${length}`);
  }
  for (let at = 0; at < message.length; at++) {
    const [, b] = pair(psk, psk, statics);
    const changed = message.slice();
    changed[at] = changed[at]! ^ 1;
    assert.throws(() => b.read(changed), MalformedError, `byte ${at}`);
  }
});

Deno.test("Handshake refuses low-order public keys", () => {
  const statics: [KeyPair, KeyPair] = [generateKeyPair(), generateKeyPair()];
  const b = new Handshake({
    pattern: "XX",
    initiator: false,
    prologue: NOTHING,
    staticKey: statics[1],
    ephemeralKey: generateKeyPair(),
  });
  b.read(new Uint8Array(32)); // zero: X25519 of it is zero for every private key
  assert.throws(() => b.write(NOTHING), MalformedError);
});

Deno.test("CipherState opens messages once and in order", () => {
  const key = new Uint8Array(32).fill(1);
  const sending = new CipherState(key);
  const receiving = new CipherState(key);
  const first = sending.encrypt(new Uint8Array([1]));
  const second = sending.encrypt(new Uint8Array([2]));
  assert.deepEqual([...receiving.decrypt(first)], [1]);
  assert.throws(() => receiving.decrypt(first), DecryptError);
  // A failed message uses its nonce up; links are closed then.
  assert.throws(() => receiving.decrypt(second), DecryptError);
});
