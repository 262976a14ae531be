import assert from "node:assert/strict";
import { type BootId, type NodeId, nodeIdOfBytes } from "../../cluster/ids.ts";
import { LAN } from "../../cluster/membership/config.ts";
import { Membership } from "../../cluster/membership/core.ts";
import { type LinkNumber, Mesh, type MeshEffect, type MeshEvent } from "../../cluster/mesh/core.ts";
import { MAX_TARGETS } from "../../cluster/mesh/dial_plan.ts";
import type { LinkMessage, NodeInfo, Talk } from "../../cluster/mesh/messages.ts";
import { SeededRandom } from "../../cluster/random.ts";

const LOW = nodeIdOfBytes(new Uint8Array(16).fill(1));
const HIGH = nodeIdOfBytes(new Uint8Array(16).fill(200));
const THIRD = nodeIdOfBytes(new Uint8Array(16).fill(99));
const TALK: Talk = {
  channels: ["mesh"],
  datagramChannels: ["membership"],
  datagramKeyId: new Uint8Array(8),
  datagramKey: new Uint8Array(32),
};

function bootOf(number: number): BootId {
  return number.toString(16).padStart(32, "0") as BootId;
}

function infoOf(id: NodeId, boot: number): NodeInfo {
  return {
    boot: bootOf(boot),
    alias: `alias-${id.slice(0, 2)}`,
    addresses: [`${id.slice(0, 2)}.example:2254`],
    port: 2254,
    parts: ["reminder"],
    versions: { lowest: 1, highest: 1 },
  };
}

/** One node's mesh, with what it wants done sorted by kind. */
class Subject {
  readonly membership: Membership;
  readonly mesh: Mesh;
  readonly forgotten: NodeId[] = [];
  readonly events: MeshEvent[] = [];
  banned: NodeId | undefined;
  now = 0;

  constructor(readonly id: NodeId = LOW, boot = 1) {
    const random = new SeededRandom(1);
    this.membership = new Membership({
      self: id,
      config: LAN,
      random,
      now: 0,
      wallMs: () => 0,
      isBanned: (other) => other === this.banned,
    });
    this.mesh = new Mesh({
      self: id,
      boot: bootOf(boot),
      random,
      membership: this.membership,
      startedAt: 0,
      info: () => infoOf(id, boot),
      talkTo: () => TALK,
      forgetKeys: (peer) => this.forgotten.push(peer),
      isBanned: (other) => other === this.banned,
    });
  }

  /** What it wants done by now; events are collected apart. */
  effects(): Exclude<MeshEffect, { kind: "event" }>[] {
    const effects: Exclude<MeshEffect, { kind: "event" }>[] = [];
    for (const effect of this.mesh.takeEffects()) {
      if (effect.kind === "event") this.events.push(effect.event);
      else effects.push(effect);
    }
    return effects;
  }

  /** The messages that it sends on a link by now, and how it closes it. */
  on(link: number): string[] {
    return this.effects().flatMap((effect) => {
      if (!("link" in effect) || effect.link !== link) return [];
      if (effect.kind === "send") {
        const { message } = effect;
        return [message.type === "refuse" ? `refuse ${message.reason}` : message.type];
      }
      return effect.kind === "close" ? [effect.drain ? "drain" : "close"] : [];
    });
  }

  passTo(now: number): void {
    this.now = now;
    this.mesh.tick(now);
  }

  accept(link: number, peer: NodeId): void {
    this.mesh.linkUp(this.now, link as LinkNumber, peer, "10.0.0.9:40000", undefined);
  }

  dialled(link: number, peer: NodeId, dial: number): void {
    this.mesh.linkUp(this.now, link as LinkNumber, peer, "10.0.0.9:2254", dial);
  }

  /** The dials that it wants by now, with their addresses. */
  dials(): { readonly dial: number; readonly addresses: readonly string[] }[] {
    return this.effects().flatMap((effect) => effect.kind === "dial" ? [effect] : []);
  }

  receive(link: number, message: LinkMessage): void {
    this.mesh.receive(this.now, link as LinkNumber, message);
  }

  down(link: number, died = true): void {
    this.mesh.linkDown(this.now, link as LinkNumber, died);
  }

  /** Lets a peer call and introduce itself up to `ready`. */
  connect(link: number, peer: NodeId, boot = 10, uptimeMs = 0): void {
    this.accept(link, peer);
    this.receive(link, hello(peer, boot, uptimeMs));
    this.receive(link, { type: "ready", incarnation: 0 });
    this.effects();
  }
}

function hello(id: NodeId, boot: number, uptimeMs = 0): LinkMessage {
  return {
    type: "hello",
    info: infoOf(id, boot),
    talk: TALK,
    incarnation: 0,
    uptimeMs,
    wantMembers: true,
  };
}

function welcome(id: NodeId, boot: number, extra: object = {}): LinkMessage {
  return {
    type: "welcome",
    info: infoOf(id, boot),
    talk: TALK,
    incarnation: 3,
    uptimeMs: 0,
    ...extra,
  };
}

Deno.test("Mesh dials its targets at once, and introduces itself", () => {
  const node = new Subject();
  node.mesh.addTarget(0, "10.0.0.9:2254", "hosts");
  node.passTo(0);
  const [dial] = node.dials();
  assert.deepEqual(dial?.addresses, ["10.0.0.9:2254"]);
  node.dialled(1, HIGH, dial.dial);
  assert.deepEqual(node.on(1), ["hello"]);
  node.receive(1, welcome(HIGH, 10));
  assert.deepEqual(node.on(1), ["ready"]);
  assert.deepEqual(node.events, [{ type: "connected", peer: HIGH, boot: bootOf(10) }]);
  assert.equal(node.membership.get(HIGH)?.incarnation, 3);
  assert.equal(node.mesh.peer(HIGH)?.foundBy, "hosts");
});

Deno.test("Mesh welcomes a caller, with the list if it wants it, and is connected when it is ready", () => {
  const node = new Subject();
  node.accept(1, HIGH);
  assert.deepEqual(node.on(1), [], "the caller speaks first");
  node.receive(1, hello(HIGH, 10));
  const [sent] = node.effects().filter((effect) => effect.kind === "send");
  assert.ok(sent?.message.type === "welcome" && sent.message.members?.length === 1);
  assert.equal(node.membership.get(HIGH), undefined);
  node.receive(1, { type: "ready", incarnation: 7 });
  node.effects();
  assert.equal(node.membership.get(HIGH)?.incarnation, 7);
  assert.deepEqual(node.mesh.addressesOf(HIGH), ["10.0.0.9:2254", "c8.example:2254"]);
});

Deno.test("Mesh goes on above what is known of its former run", () => {
  const node = new Subject();
  node.mesh.addTarget(0, "x:1", "hosts");
  node.passTo(0);
  node.dialled(1, HIGH, node.dials()[0]!.dial);
  const known = { boot: bootOf(99), incarnation: 5, state: "alive" };
  node.receive(1, welcome(HIGH, 10, { known }));
  const ready = node.effects().find((effect) =>
    effect.kind === "send" && effect.message.type === "ready"
  );
  assert.ok(ready?.kind === "send" && ready.message.type === "ready");
  assert.equal(ready.message.incarnation, 6);
});

Deno.test("Mesh dials all that it hears of, and asks them for no list", () => {
  const node = new Subject();
  node.mesh.addTarget(0, "x:1", "hosts");
  node.passTo(0);
  node.dialled(1, HIGH, node.dials()[0]!.dial);
  const members = [{
    id: THIRD,
    incarnation: 0,
    state: "alive",
    ageMs: 0,
    info: infoOf(THIRD, 20),
  }];
  node.receive(1, welcome(HIGH, 10, { members }));
  node.effects();
  node.passTo(1_000);
  const [dial] = node.dials();
  assert.deepEqual(dial?.addresses, ["63.example:2254"]);
  node.dialled(2, THIRD, dial.dial);
  const sent = node.effects().find((effect) => effect.kind === "send");
  assert.ok(sent?.kind === "send" && sent.message.type === "hello");
  assert.equal(sent.message.wantMembers, false);
});

Deno.test("Mesh backs off from what does not answer, and says so once", () => {
  const node = new Subject();
  node.mesh.addTarget(0, "x:1", "hosts");
  const times: number[] = [];
  for (let now = 0; now < 120_000; now += 10) {
    node.passTo(now);
    for (const { dial } of node.dials()) {
      times.push(now);
      node.mesh.dialFailed(now, dial, "x:1: connection refused");
    }
  }
  node.effects();
  const pauses = times.slice(1).map((time, i) => time - times[i]!);
  assert.ok(pauses[0]! >= 180 && pauses[0]! <= 330, `first pause ${pauses[0]}`);
  assert.ok(pauses.at(-1)! >= 22_000 && pauses.at(-1)! <= 38_000, `last pause ${pauses.at(-1)}`);
  assert.ok(times.length < 15, `${times.length} dials in two minutes`);
  assert.equal(node.events.filter(({ type }) => type === "dialFailed").length, 1);
});

Deno.test("Mesh dials a member that is back at once, however long it had waited", () => {
  const node = new Subject();
  node.connect(1, HIGH);
  node.down(1);
  for (let now = 0; now < 60_000; now += 10) {
    node.passTo(now);
    for (const { dial } of node.dials()) node.mesh.dialFailed(now, dial, "refused");
  }
  node.effects();
  node.mesh.memberAlive(60_000, HIGH);
  node.passTo(60_000);
  assert.equal(node.dials().length, 1);
});

Deno.test("Mesh does not dial a node that left on purpose, but goes on with configured hosts", () => {
  const node = new Subject();
  node.connect(1, HIGH);
  node.receive(1, { type: "leave", incarnation: 0 });
  node.mesh.memberLeft(HIGH);
  node.down(1, false);
  node.effects();
  node.passTo(100_000);
  assert.deepEqual(node.dials(), []);
  node.mesh.addTarget(100_000, "x:1", "hosts");
  node.passTo(100_000);
  assert.equal(node.dials().length, 1);
});

Deno.test("Mesh probes a member whose link dies without a word, and dials it again", () => {
  const node = new Subject();
  node.connect(1, HIGH);
  node.membership.takeOutgoing();
  node.down(1, true);
  assert.ok(
    node.membership.takeOutgoing().some(({ to, message }) =>
      to === HIGH && message.type === "ping"
    ),
  );
  node.effects();
  assert.deepEqual(node.events.map(({ type }) => type), ["connected", "disconnected"]);
  node.passTo(500);
  assert.equal(node.dials().length, 1);
});

Deno.test("two that dial each other at once end with the lower ID's call, on both sides", () => {
  const low = new Subject(LOW);
  const high = new Subject(HIGH, 10);
  for (const node of [low, high]) {
    node.mesh.addTarget(0, "other:1", "hosts");
    node.passTo(0);
  }
  // Link 1 was dialled by the lower, link 2 by the higher; both hellos are under way.
  low.dialled(1, HIGH, low.dials()[0]!.dial);
  high.accept(1, LOW);
  high.dialled(2, LOW, high.dials()[0]!.dial);
  low.accept(2, HIGH);
  low.effects();
  high.effects();
  low.receive(2, hello(HIGH, 10));
  assert.deepEqual(low.on(2), ["refuse duplicate-link", "drain"]);
  high.receive(1, hello(LOW, 1));
  const sent = high.effects();
  assert.ok(
    sent.some((effect) =>
      effect.kind === "send" && effect.link === 1 && effect.message.type === "welcome"
    ),
  );
  assert.ok(sent.some((effect) => effect.kind === "close" && effect.link === 2));
});

Deno.test("a second call of the same run is refused if the first link answers", () => {
  const node = new Subject();
  node.connect(1, HIGH, 10);
  node.accept(2, HIGH);
  node.receive(2, hello(HIGH, 10));
  assert.deepEqual(node.on(1), ["ask"]);
  node.receive(1, { type: "answer" });
  assert.deepEqual(node.on(2), ["refuse duplicate-link", "drain"]);
});

Deno.test("a new run takes the place of the old one when the old link is dead", () => {
  const closed = new Subject();
  closed.connect(1, HIGH, 10);
  closed.accept(2, HIGH);
  closed.receive(2, hello(HIGH, 11));
  closed.effects();
  closed.down(1); // its end comes while we wait
  assert.deepEqual(closed.on(2), ["welcome"]);
  assert.deepEqual(closed.forgotten, [], "a key was just issued to the new run");

  const silent = new Subject();
  silent.connect(1, HIGH, 10);
  silent.accept(2, HIGH);
  silent.receive(2, hello(HIGH, 11));
  silent.effects();
  silent.passTo(999);
  assert.deepEqual(silent.on(2), []);
  silent.passTo(1_000);
  assert.deepEqual(silent.on(2), ["welcome"]);
});

Deno.test("of two live nodes with one ID the newer is refused, and told where the other is", () => {
  const node = new Subject();
  node.now = 100_000;
  node.connect(1, HIGH, 10, 60_000);
  node.accept(2, HIGH);
  node.receive(2, hello(HIGH, 11, 1_000));
  node.effects();
  node.receive(1, { type: "answer" });
  assert.deepEqual(node.on(2), ["refuse duplicate-id", "drain"]);
  const refusing = node.events.find(({ type }) => type === "refusing");
  assert.ok(
    refusing?.type === "refusing" && refusing.text.includes("c8.example:2254 was there first"),
  );

  // The same when the newer one was there first: the older caller stays.
  const other = new Subject();
  other.now = 100_000;
  other.connect(1, HIGH, 11, 1_000);
  other.accept(2, HIGH);
  other.receive(2, hello(HIGH, 10, 60_000));
  other.effects();
  other.receive(1, { type: "answer" });
  const effects = other.effects();
  assert.ok(
    effects.some((effect) =>
      effect.kind === "send" && effect.link === 1 && effect.message.type === "refuse"
    ),
  );
  assert.ok(
    effects.some((effect) =>
      effect.kind === "send" && effect.link === 2 && effect.message.type === "welcome"
    ),
  );
});

Deno.test("a node that is told of an older one with its ID must stop", () => {
  const node = new Subject();
  node.mesh.addTarget(0, "x:1", "hosts");
  node.passTo(0);
  node.dialled(1, HIGH, node.dials()[0]!.dial);
  const refusal = { type: "refuse", reason: "duplicate-id", text: "it runs on attic" } as const;
  node.receive(1, { ...refusal, addresses: ["twin:1"] });
  node.passTo(100);
  // Others may say what they like; the twin itself, which has the same key, is believed.
  assert.ok(!node.events.some(({ type }) => type === "mustStop"));
  const [dial] = node.dials();
  assert.deepEqual(dial?.addresses, ["twin:1"]);
  node.dialled(2, LOW, dial!.dial);
  assert.deepEqual(node.on(2), ["hello"]);
  node.receive(2, refusal);
  node.effects();
  assert.ok(node.events.some(({ type }) => type === "mustStop"));
});

Deno.test("a node that reaches itself notices, and leaves that address alone", () => {
  const node = new Subject();
  node.mesh.addTarget(0, "x:1", "hosts");
  node.passTo(0);
  node.dialled(1, LOW, node.dials()[0]!.dial);
  node.accept(2, LOW);
  node.effects();
  node.receive(2, hello(LOW, 1));
  assert.deepEqual(node.on(2), ["refuse self", "drain"]);
  node.passTo(1_000_000);
  assert.deepEqual(node.dials(), []);
  assert.deepEqual(node.events, []);
});

Deno.test("a copy of this node's own key elsewhere: the newer of the two must stop", () => {
  const older = new Subject();
  older.now = 60_000;
  older.accept(1, LOW);
  older.receive(1, hello(LOW, 2, 1_000));
  assert.deepEqual(older.on(1), ["refuse duplicate-id", "drain"]);
  const newer = new Subject();
  newer.now = 1_000;
  newer.accept(1, LOW);
  newer.receive(1, hello(LOW, 2, 60_000));
  newer.effects();
  assert.ok(newer.events.some(({ type }) => type === "mustStop"));
});

Deno.test("a banned node is turned away, also when it is connected already", () => {
  const node = new Subject();
  node.banned = HIGH;
  node.accept(1, HIGH);
  assert.deepEqual(node.on(1), ["refuse banned", "drain"]);

  const later = new Subject();
  later.connect(1, HIGH);
  later.banned = HIGH;
  later.mesh.banned(HIGH);
  assert.deepEqual(later.on(1), ["refuse banned", "drain"]);
  later.passTo(100_000);
  assert.deepEqual(later.dials(), []);
});

Deno.test("a cluster that is full says so", () => {
  const node = new Subject();
  const limited = new Membership({
    self: LOW,
    config: { ...LAN, maxMembers: 1 },
    random: new SeededRandom(1),
    now: 0,
    wallMs: () => 0,
  });
  assert.equal(limited.join(0, HIGH, 0), false);
  for (let i = 0; i < LAN.maxMembers - 1; i++) {
    const bytes = new Uint8Array(16).fill(7);
    bytes[0] = i >> 8;
    bytes[1] = i & 0xff;
    node.membership.join(0, nodeIdOfBytes(bytes), 0);
  }
  node.accept(1, HIGH);
  node.receive(1, hello(HIGH, 10));
  node.effects();
  node.receive(1, { type: "ready", incarnation: 0 });
  assert.deepEqual(node.on(1), ["refuse full", "drain"]);
});

Deno.test("a link on which nobody introduces himself is closed", () => {
  const node = new Subject();
  node.accept(1, HIGH);
  node.passTo(4_999);
  assert.deepEqual(node.on(1), []);
  node.passTo(5_000);
  assert.deepEqual(node.on(1), ["close"]);
});

Deno.test("messages out of order close the link", () => {
  for (
    const [wrong, dialled] of [
      [welcome(HIGH, 10), false],
      [{ type: "ready", incarnation: 0 }, false],
      [hello(HIGH, 10), true],
    ] as const
  ) {
    const node = new Subject();
    node.mesh.addTarget(0, "x:1", "hosts");
    node.passTo(0);
    const { dial } = node.dials()[0]!;
    if (dialled) node.dialled(1, HIGH, dial);
    else node.accept(1, HIGH);
    node.effects();
    node.receive(1, wrong as LinkMessage);
    assert.deepEqual(node.on(1), ["close"], wrong.type);
  }
});

Deno.test("a node that stops says goodbye on all links and accepts no more", () => {
  const node = new Subject();
  node.connect(1, HIGH);
  node.mesh.stop();
  assert.deepEqual(node.on(1), ["leave", "drain"]);
  node.accept(2, THIRD);
  assert.deepEqual(node.on(2), ["close"]);
});

Deno.test("Mesh keeps a limited number of targets", () => {
  const node = new Subject();
  for (let i = 0; i < MAX_TARGETS + 50; i++) node.mesh.addTarget(0, `host${i}:1`, "mdns");
  let dials = 0;
  for (let round = 0; round < 2 * MAX_TARGETS; round++) {
    node.passTo(0);
    for (const { dial } of node.dials()) {
      dials++;
      node.mesh.dialFailed(0, dial, "refused");
    }
  }
  assert.equal(dials, MAX_TARGETS);
});

/** Dials that a node starts in ten seconds, each ending as `answer` has it. */
function dialsInTenSeconds(node: Subject, answer: (dial: number, link: number) => void): number {
  let count = 0;
  for (let now = node.now; now < 10_000; now = Math.max(now + 1, node.mesh.deadline())) {
    node.passTo(now);
    for (const { dial } of node.dials()) answer(dial, 1_000 + count++);
  }
  return count;
}

Deno.test("a node whose address another one has now is dialled ever more rarely", () => {
  const node = new Subject();
  node.connect(1, HIGH);
  node.mesh.addPeer(0, THIRD, ["10.0.0.9:2254"], "peers");
  const count = dialsInTenSeconds(node, (dial, link) => {
    node.dialled(link, HIGH, dial);
    assert.deepEqual(node.on(link), ["close"], "it is connected already");
    node.down(link, false);
  });
  assert.ok(count > 1 && count < 8, `${count} dials`);
});

Deno.test("of several addresses one that leads elsewhere is tried last", () => {
  const node = new Subject();
  node.connect(1, HIGH);
  node.mesh.addPeer(0, THIRD, ["10.0.0.9:2254", "10.0.0.7:2254"], "peers");
  node.passTo(300);
  node.dialled(2, HIGH, node.dials()[0]!.dial);
  assert.deepEqual(node.mesh.addressesOf(THIRD), ["10.0.0.7:2254", "10.0.0.9:2254"]);
});

Deno.test("a banned node among the hosts is dialled once, and not again", () => {
  const node = new Subject();
  node.banned = HIGH;
  node.mesh.addTarget(0, "10.0.0.9:2254", "hosts");
  const count = dialsInTenSeconds(node, (dial, link) => {
    node.dialled(link, HIGH, dial);
    assert.deepEqual(node.on(link), ["refuse banned", "drain"]);
    node.down(link, false);
  });
  assert.equal(count, 1);
});

Deno.test("a dialler that is refused comes back ever more rarely", () => {
  const node = new Subject();
  node.mesh.addTarget(0, "10.0.0.9:2254", "hosts");
  const count = dialsInTenSeconds(node, (dial, link) => {
    node.dialled(link, HIGH, dial);
    node.receive(link, { type: "refuse", reason: "banned", text: "" });
    node.down(link, false);
  });
  assert.ok(count > 1 && count < 8, `${count} dials`);
});

Deno.test("of members that are forgotten those are called on that were met and did not leave", () => {
  const node = new Subject();
  node.connect(1, HIGH);
  node.down(1);
  node.receive(1, { type: "leave", incarnation: 0 });
  node.mesh.memberForgotten(HIGH, "failed");
  assert.notEqual(node.mesh.peer(HIGH), undefined);
  node.mesh.memberForgotten(HIGH, "left");
  assert.equal(node.mesh.peer(HIGH), undefined);
  assert.deepEqual(node.forgotten, [HIGH, HIGH], "their keys are of no use");
});

Deno.test("what membership does not take is not kept", () => {
  const node = new Subject();
  node.connect(1, HIGH);
  for (let i = 0; i < 40; i++) {
    const members = Array.from({ length: 64 }, (_, j) => {
      const bytes = new Uint8Array(16).fill(7);
      bytes[0] = i;
      bytes[1] = j;
      const id = nodeIdOfBytes(bytes);
      return { id, incarnation: 0, state: "alive" as const, ageMs: 0, info: infoOf(id, 1) };
    });
    node.receive(1, { type: "members", members, answer: false });
  }
  assert.ok([...node.mesh.peers()].length < LAN.maxMembers);
});

Deno.test("a long list of members goes in pieces, the question for theirs with the last", () => {
  const node = new Subject();
  node.connect(1, HIGH);
  for (let i = 0; i < 200; i++) {
    const id = nodeIdOfBytes(new Uint8Array(16).fill(3).fill(i, 0, 1));
    const entry = { id, incarnation: 0, state: "alive" as const, ageMs: 0, info: infoOf(id, 1) };
    node.receive(1, { type: "members", members: [entry], answer: false });
  }
  node.effects();
  node.mesh.sendMembers(0, HIGH, true);
  const sent = node.effects().flatMap((effect) =>
    effect.kind === "send" && effect.message.type === "members" ? [effect.message] : []
  );
  assert.equal(sent.flatMap(({ members }) => members).length, 202);
  assert.ok(sent.every(({ members }) => members.length <= 64));
  assert.deepEqual(sent.map(({ answer }) => answer), [false, false, false, true]);
});
