import assert from "node:assert/strict";
import * as v from "valibot";
import { nodeIdOfBytes } from "../../cluster/ids.ts";
import { decodeReplicaFile, encodeReplicaFile } from "../../cluster/consensus/replica_file.ts";
import {
  compareStamps,
  MAX_LOGICAL,
  MAX_STAMP_MS,
  nextStamp,
  type Stamp,
  StampSchema,
  tupleOf,
} from "../../cluster/consensus/stamp.ts";

const NODE = nodeIdOfBytes(new Uint8Array(16).fill(1));

Deno.test("nextStamp() is later than the last, whatever the clock shows", () => {
  const last: Stamp = { ms: 1_000, logical: 4, node: NODE };
  for (const wallMs of [0, 999, 1_000, 1_001, 5_000]) {
    assert.ok(compareStamps(nextStamp(last, wallMs, NODE), last) > 0);
  }
  const full: Stamp = { ms: 1_000, logical: MAX_LOGICAL, node: NODE };
  assert.deepEqual(nextStamp(full, 0, NODE), { ms: 1_001, logical: 0, node: NODE });
});

Deno.test("nextStamp() makes nothing that a file or another node would not take", () => {
  const end: Stamp = { ms: MAX_STAMP_MS, logical: MAX_LOGICAL, node: NODE };
  for (const stamp of [nextStamp(end, 0, NODE), nextStamp(undefined, 9e15, NODE)]) {
    assert.ok(v.safeParse(StampSchema, tupleOf(stamp)).success);
  }
});

Deno.test("one item that is none does not take the others of a file with it", () => {
  const good = { collection: "c", key: "k", stamp: { ms: 5, logical: 0, node: NODE }, value: 1 };
  const bad = { ...good, key: "x", stamp: { ...good.stamp, ms: MAX_STAMP_MS + 1 } };
  assert.deepEqual(decodeReplicaFile(encodeReplicaFile([good, bad])), [good]);
});
