import assert from "node:assert/strict";
import fc from "fast-check";
import { Collection, type CollectionSpec, type Item, itemId } from "../../cluster/consensus/lww.ts";
import { Replica } from "../../cluster/consensus/replica.ts";
import { decodeReplicaFile, encodeReplicaFile } from "../../cluster/consensus/replica_file.ts";
import {
  decodeReplicaMessage,
  encodeReplicaMessage,
  type ReplicaMessage,
} from "../../cluster/consensus/replica_messages.ts";
import { compareStamps, nextStamp, type Stamp } from "../../cluster/consensus/stamp.ts";
import { MalformedError } from "../../cluster/errors.ts";
import { type NodeId, nodeIdOfBytes } from "../../cluster/ids.ts";
import { between, SeededRandom } from "../../cluster/random.ts";

const [A, B, C] = [1, 2, 3].map((n) => nodeIdOfBytes(new Uint8Array(16).fill(n))) as [
  NodeId,
  NodeId,
  NodeId,
];
const MINUTE = 60_000;
const SKEW = 5 * MINUTE;
const NOON = 1_800_000_000_000;

const REGISTER: CollectionSpec = {
  name: "register",
  kind: "register",
  limit: 3,
  parse: (value) => typeof value === "string" ? value : undefined,
};
const HISTORY: CollectionSpec = { ...REGISTER, name: "history", kind: "history", limit: 4 };

function replicaOf(self: NodeId, peers: readonly NodeId[] = []): Replica {
  const replica = new Replica({
    self,
    random: new SeededRandom(1),
    collections: [REGISTER, HISTORY],
    maxSkewMs: SKEW,
  }, 0);
  for (const peer of peers) replica.connected(peer);
  replica.takeOutgoing();
  return replica;
}

function item(key: string, ms: number, value: string, node = B, logical = 0): Item {
  return { collection: "register", key, stamp: { ms, logical, node }, value };
}

function offer(...items: readonly Item[]): ReplicaMessage {
  return { type: "offer", number: 1, items };
}

function valueOf(replica: Replica, key: string): unknown {
  return replica.get("register", key)?.value;
}

/** Moves messages among replicas until none is left; everything is saved at once. */
function exchange(replicas: ReadonlyMap<NodeId, Replica>, clusterMs: number, now = 0): void {
  for (let round = 0; round < 100; round++) {
    let moved = false;
    for (const [from, replica] of replicas) {
      replica.saved(replica.version);
      for (const { to, message } of replica.takeOutgoing()) {
        moved = true;
        const wire = decodeReplicaMessage(encodeReplicaMessage(message));
        replicas.get(to)?.receive(now, clusterMs, from, wire);
      }
    }
    if (!moved) return;
  }
  throw new Error("they never come to rest");
}

Deno.test("compareStamps() is a total order, nextStamp() always goes up and shows the time", () => {
  const stamp = fc.record({
    ms: fc.nat(5),
    logical: fc.nat(3),
    node: fc.constantFrom(A, B, C),
  }) as fc.Arbitrary<Stamp>;
  fc.assert(fc.property(stamp, stamp, fc.nat(6), (a, b, wallMs) => {
    assert.ok(Math.sign(compareStamps(a, b)) === -Math.sign(compareStamps(b, a)));
    const next = nextStamp(a, wallMs, C);
    assert.ok(compareStamps(next, a) > 0);
    if (wallMs > a.ms) assert.deepEqual(next, { ms: wallMs, logical: 0, node: C });
  }));
});

Deno.test("nextStamp() carries over when a millisecond's counter is used up", () => {
  const full = { ms: 5, logical: 0xffff_ffff, node: A };
  assert.deepEqual(nextStamp(full, 1, B), { ms: 6, logical: 0, node: B });
});

Deno.test("Collection merges to the same, in any order and however often", () => {
  const items = fc.array(
    fc.record({ key: fc.constantFrom("x", "y"), ms: fc.nat(20), node: fc.constantFrom(A, B, C) }),
    { maxLength: 12 },
  );
  fc.assert(fc.property(items, fc.nat(), (drawn, seed) => {
    for (const spec of [REGISTER, HISTORY]) {
      const all = drawn.map(({ key, ms, node }): Item => {
        const stamp = { ms, logical: 0, node };
        const place = spec.kind === "history" ? `${ms}.0.${node}` : key;
        return { collection: spec.name, key: place, stamp, value: "v" };
      });
      const merged = (order: readonly Item[]) => {
        const replica = replicaOf(A, [B]);
        for (const one of order) replica.receive(0, NOON, B, offer(one));
        return replica.items(spec.name).map(itemId).sort();
      };
      const shuffled = [...all, ...all].sort((a, b) =>
        (itemId(a).length * seed) % 7 - (itemId(b).length * seed) % 7
      );
      assert.deepEqual(merged(shuffled), merged(all.toReversed()));
    }
  }));
});

Deno.test("Collection drops the oldest of a full history", () => {
  const history = new Collection(HISTORY);
  for (const ms of [5, 1, 4, 2, 3]) {
    history.put({ ...item("", ms, "v"), collection: "history", key: String(ms) });
  }
  assert.deepEqual(history.sorted().map(({ key }) => key), ["2", "3", "4", "5"]);
});

Deno.test("Replica offers what is put to all members at once, until they have saved it", () => {
  const replica = replicaOf(A, [B, C]);
  const [put] = replica.put(0, NOON, [{ collection: "register", key: "x", value: "one" }]);
  const first = replica.takeOutgoing();
  assert.deepEqual(first.map(({ to, via }) => [to, via]), [[B, "datagram"], [C, "datagram"]]);
  const [toB] = first;
  assert.ok(toB?.message.type === "offer");
  replica.receive(5, NOON, B, { type: "reply", number: toB.message.number, refused: [] });
  assert.equal(replica.isPending(put!), true);
  assert.deepEqual([...replica.holdersOf(put!)], [B]);

  const repeats: number[] = [];
  for (let now = 0; now < 10_000; now++) {
    if (now < replica.deadline()) continue;
    replica.tick(now);
    for (const { to, message } of replica.takeOutgoing()) {
      if (message.type === "offer") {
        assert.equal(to, C);
        repeats.push(now);
      }
    }
  }
  assert.deepEqual(repeats, [50, 150, 350, 750, 1_550, 3_150, 5_150, 7_150, 9_150]);
  replica.disconnected(C);
  assert.equal(replica.isPending(put!), false, "who is gone is told when it comes back");
});

Deno.test("Replica tries the link in turn when datagrams bring no answer", () => {
  const replica = replicaOf(A, [B]);
  replica.put(0, NOON, [{ collection: "register", key: "x", value: "one" }]);
  const ways: string[] = [];
  for (let now = 0; now < 10_000; now++) {
    if (now >= replica.deadline()) replica.tick(now);
    for (const { message, via } of replica.takeOutgoing()) {
      if (message.type === "offer") ways.push(via);
    }
  }
  assert.deepEqual(ways.slice(0, 6), [
    "datagram",
    "datagram",
    "datagram",
    "datagram",
    "link",
    "datagram",
  ]);
});

Deno.test("Replica says that it holds an item only when that is saved", () => {
  const replica = replicaOf(A, [B]);
  replica.receive(0, NOON, B, offer(item("x", NOON, "one")));
  assert.equal(valueOf(replica, "x"), "one", "it takes effect at once");
  assert.deepEqual(replica.takeOutgoing(), []);
  // Offered again meanwhile: held, but still not saved.
  replica.receive(1, NOON, B, { ...offer(item("x", NOON, "one")), number: 2 } as ReplicaMessage);
  assert.deepEqual(replica.takeOutgoing(), []);
  replica.saved(replica.version);
  assert.deepEqual(replica.takeOutgoing().map(({ message }) => message), [
    { type: "reply", number: 1, refused: [] },
    { type: "reply", number: 2, refused: [] },
  ]);
});

Deno.test("replicas that meet hold the same afterwards, whatever each had", () => {
  const replicas = new Map([A, B, C].map((id) => [id, replicaOf(id)]));
  let clock = NOON;
  for (const [id, replica] of replicas) {
    for (let i = 0; i < 3; i++) {
      replica.put(0, clock++, [
        { collection: "register", key: `k${i}`, value: `${id.slice(0, 2)} ${i}` },
        { collection: "history", key: "", value: `${id.slice(0, 2)} ${i}` },
      ]);
    }
    replica.takeOutgoing();
  }
  for (const [id, replica] of replicas) {
    for (const peer of replicas.keys()) if (peer !== id) replica.connected(peer);
  }
  exchange(replicas, clock);
  const [a, b, c] = [...replicas.values()].map((replica) => replica.all().map(itemId));
  assert.deepEqual(a, b);
  assert.deepEqual(a, c);
  assert.equal(a!.length, 3 + HISTORY.limit);
  assert.equal(new Set([...replicas.values()].map(({ digest }) => digest)).size, 1);
  assert.equal(valueOf(replicas.get(A)!, "k2"), "03 2", "the last writer wins");
});

Deno.test("Replica says nothing more when digests are equal", () => {
  const replicas = new Map([A, B].map((id) => [id, replicaOf(id)]));
  replicas.get(A)!.connected(B);
  replicas.get(B)!.connected(A);
  exchange(replicas, NOON);
  const a = replicas.get(A)!;
  const types: string[] = [];
  for (let now = 0; now < 60_000; now += 50) {
    if (now < a.deadline()) continue;
    a.tick(now);
    for (const { message } of a.takeOutgoing()) {
      types.push(message.type);
      replicas.get(B)!.receive(now, NOON, A, message);
      types.push(...replicas.get(B)!.takeOutgoing().map(({ message }) => message.type));
    }
  }
  assert.ok(types.length >= 8 && types.length <= 24, `${types.length} in a minute`);
  assert.deepEqual(new Set(types), new Set(["digest"]));
});

Deno.test("Replica refuses a stamp too far ahead, both sides know, and it is taken when time has come", () => {
  // A was alone with a clock that is an hour fast; B and C are right.
  const replicas = new Map([A, B, C].map((id) => [id, replicaOf(id)]));
  const [a, b, c] = [A, B, C].map((id) => replicas.get(id)!) as [Replica, Replica, Replica];
  const [early] = a.put(0, NOON + 60 * MINUTE, [{
    collection: "register",
    key: "x",
    value: "early",
  }]);
  a.saved(a.version);
  for (const [id, replica] of replicas) {
    for (const peer of replicas.keys()) if (peer !== id) replica.connected(peer);
  }
  exchange(replicas, NOON);
  assert.equal(valueOf(b, "x"), undefined);
  assert.equal(valueOf(a, "x"), "early", "its own is never refused");
  assert.equal(a.isPending(early!), false, "a refusal ends the repeating");
  const [refusal] = b.refusals();
  assert.equal(refusal?.by, B);
  assert.equal(refusal?.aheadMs, 60 * MINUTE);
  assert.deepEqual(new Set(a.refusals().map(({ by }) => by)), new Set([B, C]));

  // Offered again by the digests, 56 minutes later, it is within bounds.
  a.disconnected(B);
  b.disconnected(A);
  a.connected(B);
  b.connected(A);
  exchange(replicas, NOON + 56 * MINUTE, 5_000);
  assert.equal(valueOf(b, "x"), "early");
  assert.equal(b.refusals().length, 0);
  assert.equal(c.refusals().length, 1, "C has not been offered it again yet");
});

Deno.test("a replica that is ahead follows what is set after it was found ahead, and nothing older", () => {
  const replicas = new Map([A, B, C].map((id) => [id, replicaOf(id)]));
  const [a, b] = [A, B].map((id) => replicas.get(id)!) as [Replica, Replica];
  b.put(0, NOON - 60 * MINUTE, [{ collection: "register", key: "x", value: "yesterday" }]);
  a.put(0, NOON + 60 * MINUTE, [{ collection: "register", key: "x", value: "ahead" }]);
  for (const replica of replicas.values()) replica.takeOutgoing();
  for (const [id, replica] of replicas) {
    for (const peer of replicas.keys()) if (peer !== id) replica.connected(peer);
  }
  exchange(replicas, NOON);
  assert.equal(valueOf(a, "x"), "ahead", "what was pressed here later stands");
  b.put(1, NOON + MINUTE, [{ collection: "register", key: "x", value: "pressed now" }]);
  exchange(replicas, NOON + MINUTE);
  for (const replica of replicas.values()) assert.equal(valueOf(replica, "x"), "pressed now");
});

Deno.test("a press where something ahead is held gets a stamp that all others take", () => {
  const replicas = new Map([A, B, C].map((id) => [id, replicaOf(id)]));
  const a = replicas.get(A)!;
  a.put(0, NOON + 60 * MINUTE, [{ collection: "register", key: "x", value: "ahead" }]);
  a.takeOutgoing();
  for (const [id, replica] of replicas) {
    for (const peer of replicas.keys()) if (peer !== id) replica.connected(peer);
  }
  exchange(replicas, NOON);
  a.put(1, NOON + MINUTE, [{ collection: "register", key: "x", value: "pressed now" }]);
  exchange(replicas, NOON + MINUTE);
  for (const replica of replicas.values()) assert.equal(valueOf(replica, "x"), "pressed now");
});

Deno.test("after a power cut, with all clocks behind, the saved state stands and presses work", () => {
  const saved = item("x", NOON, "before the cut", A);
  const replicas = new Map([A, B, C].map((id) => [id, replicaOf(id)]));
  // Two have their state; the third has a new SD card. All clocks say that it is half a day ago.
  const [a, b, c] = [A, B, C].map((id) => replicas.get(id)!) as [Replica, Replica, Replica];
  a.load([saved]);
  b.load([saved]);
  const halfADayAgo = NOON - 720 * MINUTE;
  for (const [id, replica] of replicas) {
    for (const peer of replicas.keys()) if (peer !== id) replica.connected(peer);
  }
  exchange(replicas, halfADayAgo);
  assert.equal(valueOf(c, "x"), "before the cut", "a majority holds it: it is no wrong clock");
  c.put(1, halfADayAgo + MINUTE, [{ collection: "register", key: "x", value: "pressed" }]);
  exchange(replicas, halfADayAgo + MINUTE);
  for (const replica of replicas.values()) assert.equal(valueOf(replica, "x"), "pressed");
  // Later the clocks are right again, and nothing falls back.
  a.put(2, NOON + MINUTE, [{ collection: "register", key: "x", value: "next day" }]);
  exchange(replicas, NOON + MINUTE);
  for (const replica of replicas.values()) assert.equal(valueOf(replica, "x"), "next day");
});

Deno.test("Replica ignores values and places that are not of its collections", () => {
  const replica = replicaOf(A, [B]);
  replica.receive(
    0,
    NOON,
    B,
    offer(
      { ...item("x", NOON, ""), value: 7 },
      { ...item("x", NOON, "v"), collection: "no such" },
      { ...item("any key", NOON, "v"), collection: "history" },
    ),
  );
  assert.deepEqual(replica.all(), []);
  assert.equal(replica.version, 0);
});

Deno.test("Replica keeps the newest keys when there are too many, in whatever order they come", () => {
  const names = Array.from({ length: REGISTER.limit + 3 }, (_, i) => `k${i}`);
  const items = names.map((name, i) => item(name, NOON + i, "v"));
  for (const order of [items, [...items].reverse()]) {
    const replica = replicaOf(A, [B]);
    for (const one of order) replica.receive(0, NOON + 100, B, offer(one));
    const kept = replica.items("register").map(({ key }) => key);
    assert.deepEqual(kept, names.slice(3));
    replica.put(0, NOON + 200, [{ collection: "register", key: "mine", value: "v" }]);
    assert.equal(valueOf(replica, "mine"), "v", "what is pressed here always finds room");
    assert.equal(replica.items("register").length, REGISTER.limit);
  }
});

Deno.test("Replica does not offer a full history what that has dropped", () => {
  const replicas = new Map([A, B].map((id) => [id, replicaOf(id)]));
  const [a, b] = [A, B].map((id) => replicas.get(id)!) as [Replica, Replica];
  a.put(0, NOON - MINUTE, [{ collection: "history", key: "", value: "old" }]);
  for (let i = 0; i < HISTORY.limit; i++) {
    b.put(0, NOON + i, [{ collection: "history", key: "", value: "new" }]);
  }
  a.takeOutgoing();
  b.takeOutgoing();
  a.connected(B);
  b.connected(A);
  exchange(replicas, NOON);
  assert.equal(a.digest, b.digest);
  assert.equal(a.items("history").length, HISTORY.limit);
});

Deno.test("a replica's file is read back, and any damage to it is noticed", () => {
  const items = [item("x", NOON, "one"), item("y", NOON + 1, 'quote " and \n newline', C, 3)];
  const bytes = encodeReplicaFile(items);
  assert.deepEqual(decodeReplicaFile(bytes), items);
  const random = new SeededRandom(8);
  for (let round = 0; round < 500; round++) {
    const damaged = bytes.slice();
    const at = between(random, 0, bytes.length - 2);
    damaged[at] = damaged[at]! ^ (1 << between(random, 0, 7));
    assert.throws(() => decodeReplicaFile(damaged), Error, `byte ${at}`);
    assert.throws(() => decodeReplicaFile(bytes.subarray(0, at)));
  }
  assert.throws(() => decodeReplicaFile(new Uint8Array()));
});

Deno.test("decodeReplicaMessage() answers random and mutated bytes with a message or a MalformedError", () => {
  const random = new SeededRandom(9);
  const good = encodeReplicaMessage(offer(item("x", NOON, "one")));
  for (let round = 0; round < 5_000; round++) {
    const bytes = round % 2 === 0
      ? good.slice()
      : Uint8Array.from({ length: between(random, 0, 80) }, () => random.u32() & 0xff);
    if (bytes.length > 0) bytes[between(random, 0, bytes.length - 1)] = random.u32() & 0xff;
    try {
      decodeReplicaMessage(bytes);
    } catch (error) {
      assert.ok(error instanceof MalformedError, String(error));
    }
  }
});
