/** Bytes that wait, against an array that does the same. */

import assert from "node:assert/strict";
import { ByteQueue } from "../../cluster/byte_queue.ts";
import { between, SeededRandom } from "../../cluster/random.ts";

Deno.test("ByteQueue gives what was pushed, in order, whatever the pieces", () => {
  const random = new SeededRandom(4);
  for (let round = 0; round < 50; round++) {
    const queue = new ByteQueue();
    const model: number[] = [];
    let next = 0;
    for (let step = 0; step < 400; step++) {
      if (between(random, 0, 1) === 0) {
        const piece = Uint8Array.from({ length: between(random, 0, 3_000) }, () => next++ & 0xff);
        queue.push(piece);
        model.push(...piece);
      } else {
        const count = between(random, 0, Math.min(model.length, 4_000));
        const expected = model.splice(0, count);
        if (between(random, 0, 1) === 0) assert.deepEqual([...queue.take(count)], expected);
        else {
          assert.deepEqual([...queue.bytes.subarray(0, count)], expected);
          queue.drop(count);
        }
      }
      assert.equal(queue.length, model.length);
    }
    assert.deepEqual([...queue.bytes], model);
  }
});

Deno.test("ByteQueue takes time in proportion to what is pushed, byte by byte too", () => {
  const queue = new ByteQueue();
  const one = Uint8Array.of(7);
  // Joined anew each time this would copy half a terabyte.
  for (let i = 0; i < 1_000_000; i++) queue.push(one);
  assert.equal(queue.length, 1_000_000);
  assert.ok(queue.take(1_000_000).every((byte) => byte === 7));
});
