import assert from "node:assert/strict";
import { generateKeyPair, type Identity, identityOf } from "../../cluster/identity.ts";
import { type Keyring, keyringOf } from "../../cluster/keys.ts";
import { SeededRandom } from "../../cluster/random.ts";
import {
  AnswererHandshake,
  commonVersion,
  DiallerHandshake,
  HandshakeError,
  MAX_HANDSHAKE_BYTES,
  RejectedError,
  type SecureSession,
  type VersionRange,
} from "../../cluster/transport/handshake.ts";

const V1: VersionRange = { lowest: 1, highest: 1 };
const KEY = new Uint8Array(32).fill(5);
const OTHER_KEY = new Uint8Array(32).fill(6);

interface Side {
  readonly identity: Identity;
  readonly keyring: Keyring;
  readonly versions: VersionRange;
}

function side(keyring: Keyring = keyringOf("home", KEY), versions: VersionRange = V1): Side {
  return { identity: identityOf(generateKeyPair()), keyring, versions };
}

/** Runs both sides against each other, each reading exactly what it wants. */
function meet(dialler: Side, answerer: Side): [SecureSession, SecureSession] {
  const a = new DiallerHandshake(dialler);
  const b = new AnswererHandshake(answerer);
  let fromA = a.start();
  assert.equal(fromA.send.length, AnswererHandshake.want);
  for (;;) {
    let fromB;
    try {
      fromB = b.receive(fromA.send);
    } catch (error) {
      if (error instanceof RejectedError) a.receive(error.reply);
      throw error;
    }
    if (fromB.session !== undefined) return [fromA.session!, fromB.session];
    assert.equal(fromB.send.length, fromA.want);
    fromA = a.receive(fromB.send);
    assert.equal(fromA.send.length, fromB.want);
  }
}

/** How a meeting fails: the reason that the dialler is told. */
function refusal(dialler: Side, answerer: Side): HandshakeError {
  try {
    meet(dialler, answerer);
  } catch (error) {
    assert.ok(error instanceof HandshakeError);
    return error;
  }
  throw new Error("they met");
}

Deno.test("a handshake tells both sides who the other is, and gives them one session", () => {
  const [dialler, answerer] = [side(), side()];
  const [a, b] = meet(dialler, answerer);
  assert.equal(a.remoteId, answerer.identity.id);
  assert.equal(b.remoteId, dialler.identity.id);
  assert.deepEqual(a.handshakeHash, b.handshakeHash);
  const sealed = a.sending.encrypt(new Uint8Array([1, 2, 3]));
  assert.deepEqual([...b.receiving.decrypt(sealed)], [1, 2, 3]);
});

Deno.test("a handshake needs little before the dialler is known", () => {
  assert.ok(MAX_HANDSHAKE_BYTES < 1024);
});

Deno.test("a handshake with another key, name or version is refused as what it is, on both sides", () => {
  const cases = [
    ["key", side(keyringOf("home", OTHER_KEY)), side()],
    ["key", side(keyringOf("home", undefined)), side()],
    ["key", side(), side(keyringOf("home", undefined))],
    ["cluster", side(keyringOf("away", KEY)), side()],
    ["version", side(undefined, { lowest: 3, highest: 4 }), side()],
  ] as const;
  for (const [reason, dialler, answerer] of cases) {
    const told = refusal(dialler, answerer);
    assert.equal(told.reason, reason);
    assert.equal(told.side, "there", "the dialler reads the answerer's reply");
    const a = new DiallerHandshake(dialler);
    assert.throws(
      () => new AnswererHandshake(answerer).receive(a.start().send),
      (error) => error instanceof RejectedError && error.reason === reason && error.side === "here",
    );
  }
});

Deno.test("a refusal for the version names both versions", () => {
  const error = refusal(side(undefined, { lowest: 3, highest: 4 }), side());
  assert.match(error.message, /version 1/);
  assert.match(error.message, /versions 3 to 4/);
});

Deno.test("a key that is only accepted beside the own one lets in", () => {
  const rotated = keyringOf("home", OTHER_KEY, [KEY]);
  meet(side(), side(rotated));
  // The other way round the dialler uses the new key, which the old host does not know yet.
  assert.equal(refusal(side(rotated), side()).reason, "key");
  meet(side(rotated), side(keyringOf("home", KEY, [OTHER_KEY])));
});

Deno.test("commonVersion() is the highest that both speak", () => {
  assert.equal(commonVersion({ lowest: 1, highest: 2 }, { lowest: 2, highest: 3 }), 2);
  assert.equal(commonVersion({ lowest: 1, highest: 3 }, { lowest: 2, highest: 3 }), 3);
  assert.equal(commonVersion({ lowest: 1, highest: 1 }, { lowest: 2, highest: 3 }), undefined);
});

Deno.test("two versions that overlap meet in the middle", () => {
  const [a, b] = meet(
    side(undefined, { lowest: 1, highest: 2 }),
    side(undefined, {
      lowest: 2,
      highest: 3,
    }),
  );
  assert.equal(a.version, 2);
  assert.equal(b.version, 2);
});

Deno.test("a changed byte anywhere breaks the handshake, never the program", () => {
  const random = new SeededRandom(11);
  for (let round = 0; round < 300; round++) {
    const a = new DiallerHandshake(side());
    const b = new AnswererHandshake(side());
    const tamperAt = random.u32() % 5;
    let step = 0;
    const wire = (bytes: Uint8Array) => {
      if (step++ !== tamperAt || bytes.length === 0) return bytes;
      const changed = bytes.slice();
      const at = random.u32() % bytes.length;
      changed[at] = changed[at]! ^ (1 << (random.u32() % 8));
      return changed;
    };
    assert.throws(
      () => {
        let fromA = a.start();
        for (;;) {
          const fromB = b.receive(wire(fromA.send));
          if (fromB.session !== undefined) {
            // What message 3 was changed to would have been noticed.
            throw new Error("not noticed");
          }
          fromA = a.receive(wire(fromB.send));
        }
      },
      (error) => error instanceof HandshakeError,
      `round ${round}, message ${tamperAt}`,
    );
  }
});

Deno.test("a replayed preamble gets no further than the first message", () => {
  const answerer = side();
  const recorded = new DiallerHandshake(side());
  const first = recorded.start();
  const original = new AnswererHandshake(answerer).receive(first.send);
  const second = recorded.receive(original.send);
  // The eavesdropper plays both recorded messages again; it cannot make the third.
  const replayed = new AnswererHandshake(answerer);
  replayed.receive(first.send);
  const answer = replayed.receive(second.send);
  assert.throws(
    () => replayed.receive(new Uint8Array(answer.want)),
    (error) => error instanceof HandshakeError && error.reason === "protocol",
  );
});

Deno.test("random bytes are refused at every stage", () => {
  const random = new SeededRandom(12);
  const noise = (count: number) => Uint8Array.from({ length: count }, () => random.u32() & 0xff);
  for (let round = 0; round < 200; round++) {
    assert.throws(
      () => new AnswererHandshake(side()).receive(noise(AnswererHandshake.want)),
      HandshakeError,
    );
    const dialler = new DiallerHandshake(side());
    const { want } = dialler.start();
    assert.throws(() => dialler.receive(noise(want)), HandshakeError);
  }
});
