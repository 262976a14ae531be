import assert from "node:assert/strict";
import type { NodeId } from "../../cluster/ids.ts";
import { between, SeededRandom } from "../../cluster/random.ts";
import {
  DATAGRAM_OVERHEAD_BYTES,
  DatagramKeys,
  MAX_DATAGRAM_BYTES,
  MAX_DATAGRAM_PLAINTEXT_BYTES,
  REPLAY_WINDOW,
  ReplayWindow,
} from "../../cluster/transport/datagrams.ts";

const A = "00000000-0000-8000-8000-00000000000a" as NodeId;
const B = "00000000-0000-8000-8000-00000000000b" as NodeId;

/** Two nodes with keys for each other. */
function pair(): { readonly a: DatagramKeys; readonly b: DatagramKeys } {
  const [a, b] = [new DatagramKeys(), new DatagramKeys()];
  a.use(B, b.issue(A));
  b.use(A, a.issue(B));
  return { a, b };
}

const HELLO = new Uint8Array([1, 2, 3]);

Deno.test("DatagramKeys seals for one peer and names the sender when opened", () => {
  const { a, b } = pair();
  const sealed = a.seal(B, HELLO)!;
  assert.equal(sealed.length, HELLO.length + DATAGRAM_OVERHEAD_BYTES);
  const opened = b.open(sealed)!;
  assert.equal(opened.from, A);
  assert.deepEqual([...opened.plaintext], [...HELLO]);
  assert.equal(opened.newest, true);
});

Deno.test("DatagramKeys keeps the longest plaintext within one packet", () => {
  const { a, b } = pair();
  const sealed = a.seal(B, new Uint8Array(MAX_DATAGRAM_PLAINTEXT_BYTES))!;
  assert.equal(sealed.length, MAX_DATAGRAM_BYTES);
  assert.equal(b.open(sealed)!.plaintext.length, MAX_DATAGRAM_PLAINTEXT_BYTES);
});

Deno.test("DatagramKeys opens each datagram once, in any order", () => {
  const { a, b } = pair();
  const sealed = Array.from({ length: 50 }, (_, i) => a.seal(B, new Uint8Array([i]))!);
  for (const datagram of sealed.toReversed()) assert.ok(b.open(datagram));
  for (const datagram of sealed) assert.equal(b.open(datagram), undefined);
});

Deno.test("DatagramKeys drops what was replayed from an earlier run", () => {
  const { a } = pair();
  const recorded = a.seal(B, HELLO)!;
  const restarted = new DatagramKeys();
  restarted.issue(A);
  assert.equal(restarted.open(recorded), undefined);
});

Deno.test("DatagramKeys drops forged, truncated and random datagrams", () => {
  const random = new SeededRandom(4);
  const { a, b } = pair();
  for (let round = 0; round < 2_000; round++) {
    const sealed = a.seal(B, HELLO)!;
    const at = between(random, 0, sealed.length - 1);
    const forged = sealed.slice();
    forged[at] = forged[at]! ^ (1 << between(random, 0, 7));
    assert.equal(b.open(forged), undefined, `byte ${at}`);
    assert.equal(b.open(sealed.subarray(0, between(random, 0, sealed.length - 1))), undefined);
    const noise = Uint8Array.from({ length: between(random, 0, 200) }, () => random.u32() & 0xff);
    assert.equal(b.open(noise), undefined);
    assert.ok(b.open(sealed), "a forgery does not use the counter up");
  }
});

Deno.test("DatagramKeys holds the old key until the peer has used the new one", () => {
  const { a, b } = pair();
  assert.ok(b.open(a.seal(B, HELLO)!));
  const underWay = a.seal(B, HELLO)!;
  const newKey = b.issue(A);
  assert.ok(b.open(underWay), "not told yet");
  const underWayToo = a.seal(B, HELLO)!;
  a.use(B, newKey);
  assert.ok(b.open(a.seal(B, HELLO)!));
  assert.equal(b.open(underWayToo), undefined, "the old key is gone once the new one is used");
});

Deno.test("DatagramKeys never drops the key in use for keys that nobody takes up", () => {
  const { a, b } = pair();
  assert.ok(b.open(a.seal(B, HELLO)!));
  for (let i = 0; i < 100; i++) b.issue(A);
  assert.ok(b.open(a.seal(B, HELLO)!));
});

Deno.test("DatagramKeys forgets a peer when told to", () => {
  const { a, b } = pair();
  const sealed = a.seal(B, HELLO)!;
  b.drop(A);
  assert.equal(b.open(sealed), undefined);
  assert.equal(b.seal(A, HELLO), undefined);
});

Deno.test("ReplayWindow agrees with a set of all counters, within its size", () => {
  const random = new SeededRandom(5);
  const window = new ReplayWindow();
  const seen = new Set<number>();
  let highest = 0;
  for (let round = 0; round < 20_000; round++) {
    const step = between(random, 0, 99) === 0 ? between(random, 0, 3 * REPLAY_WINDOW) : 5;
    const counter = Math.max(1, highest + between(random, -REPLAY_WINDOW - 10, step));
    const inside = counter > highest - REPLAY_WINDOW;
    assert.equal(window.admits(counter), inside && !seen.has(counter), `${counter} at ${highest}`);
    if (!window.admits(counter)) continue;
    assert.equal(window.note(counter), counter > highest);
    seen.add(counter);
    highest = Math.max(highest, counter);
  }
  assert.equal(window.admits(0), false);
});
