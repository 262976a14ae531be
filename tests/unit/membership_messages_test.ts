import assert from "node:assert/strict";
import fc from "fast-check";
import { ByteWriter } from "../../cluster/bytes.ts";
import { MalformedError } from "../../cluster/errors.ts";
import { nodeIdOfBytes } from "../../cluster/ids.ts";
import {
  decodeMessage,
  encodeMessage,
  MAX_INCARNATION,
  MAX_UPDATES,
  MEMBER_STATES,
  type Message,
} from "../../cluster/membership/messages.ts";
import { between, SeededRandom } from "../../cluster/random.ts";
import { MAX_DATAGRAM_PLAINTEXT_BYTES } from "../../cluster/transport/datagrams.ts";

/** A record like those that our code makes, with the usual prototype. */
const plain = <T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }) =>
  fc.record(model, { noNullPrototype: true });
const u32 = fc.nat(0xffff_ffff);
const id = fc.uint8Array({ minLength: 16, maxLength: 16 }).map(nodeIdOfBytes);
const updates = fc.array(
  plain({
    id,
    incarnation: fc.integer({ min: 0, max: MAX_INCARNATION }),
    state: fc.constantFrom(...MEMBER_STATES),
    source: u32,
  }),
  { maxLength: MAX_UPDATES },
);
const view = plain({ high: u32, low: u32 });
const message: fc.Arbitrary<Message> = fc.oneof(
  plain({
    type: fc.constantFrom("ping" as const, "ack" as const),
    sequence: u32,
    view,
    clockMs: fc.nat(2 ** 48 - 1),
    updates,
  }),
  plain({ type: fc.constant("pingRequest" as const), sequence: u32, target: id, updates }),
  plain({ type: fc.constant("nack" as const), sequence: u32 }),
  plain({ type: fc.constant("gossip" as const), updates }),
);

function encoded(message: Message): Uint8Array {
  const writer = new ByteWriter();
  encodeMessage(writer, message);
  return writer.bytes;
}

Deno.test("decodeMessage() reads what encodeMessage() writes, and it fits one datagram", () => {
  fc.assert(fc.property(message, (message) => {
    const bytes = encoded(message);
    assert.deepEqual(decodeMessage(bytes), message);
    assert.ok(bytes.length < MAX_DATAGRAM_PLAINTEXT_BYTES);
  }));
});

Deno.test("decodeMessage() refuses every truncation and every extra byte", () => {
  fc.assert(fc.property(message, (message) => {
    const bytes = encoded(message);
    for (let length = 0; length < bytes.length; length++) {
      assert.throws(() => decodeMessage(bytes.subarray(0, length)), MalformedError);
    }
    assert.throws(() => decodeMessage(new Uint8Array([...bytes, 0])), MalformedError);
  }));
});

Deno.test("decodeMessage() answers random bytes with a message or a MalformedError", () => {
  const random = new SeededRandom(6);
  for (let round = 0; round < 50_000; round++) {
    const bytes = Uint8Array.from({ length: between(random, 0, 60) }, () => random.u32() & 0xff);
    if (bytes.length > 0) bytes[0] = bytes[0]! % 6;
    try {
      decodeMessage(bytes);
    } catch (error) {
      assert.ok(error instanceof MalformedError, String(error));
    }
  }
});
