import assert from "node:assert/strict";
import type { NodeId } from "../../cluster/ids.ts";
import { nodeIdOfBytes } from "../../cluster/ids.ts";
import { LAN, type MembershipConfig, WIFI } from "../../cluster/membership/config.ts";
import { Membership, type Outgoing } from "../../cluster/membership/core.ts";
import type { MemberState, Message, Update } from "../../cluster/membership/messages.ts";
import { sourceOf } from "../../cluster/membership/view_hash.ts";
import { SeededRandom } from "../../cluster/random.ts";

function idOf(number: number): NodeId {
  return nodeIdOfBytes(new Uint8Array(16).fill(number));
}

const [SELF, A, B, C, D] = [1, 2, 3, 4, 5].map(idOf) as [NodeId, NodeId, NodeId, NodeId, NodeId];
const WALL_MS = 1_800_000_000_000;

interface Setup {
  readonly members?: readonly NodeId[];
  readonly config?: Partial<MembershipConfig>;
  readonly banned?: NodeId;
}

/** A membership that knows some members, all reachable both ways, with its news told already. */
function known({ members = [A, B, C, D], config = {}, banned }: Setup = {}): Membership {
  const membership = new Membership({
    self: SELF,
    config: { ...LAN, ...config },
    random: new SeededRandom(1),
    now: 0,
    wallMs: () => WALL_MS,
    isBanned: (id) => id === banned,
  });
  for (const id of members) {
    membership.join(0, id, 0);
    membership.reachable(0, id);
  }
  settle(membership, 0);
  return membership;
}

/** Lets a member hear all news, so that none is under way; no time passes. */
function settle(membership: Membership, now: number): void {
  for (let round = 0; round < 100; round++) {
    const ping: Message = {
      type: "ping",
      sequence: 1,
      view: membership.viewHash,
      clockMs: WALL_MS,
      updates: [],
    };
    membership.receive(now, A, ping, "datagram");
  }
  membership.takeOutgoing();
  membership.takeChanges();
}

type Sent = Outgoing & { readonly at: number };

/** Ticks at every deadline until `until`, letting `react` answer; gives what was sent. */
function runTo(
  membership: Membership,
  until: number,
  react: (sent: Sent) => void = () => {},
): Sent[] {
  const all: Sent[] = [];
  for (;;) {
    const at = membership.deadline();
    if (at > until) return all;
    membership.tick(at);
    for (const outgoing of membership.takeOutgoing()) {
      const sent = { ...outgoing, at };
      all.push(sent);
      react(sent);
    }
  }
}

/** Answers every ping as `membership` would be answered, but for those to `silent`. */
function answering(membership: Membership, ...silent: readonly NodeId[]): (sent: Sent) => void {
  return ({ to, message, via, at }) => {
    if (message.type !== "ping" || silent.includes(to)) return;
    membership.receive(at, to, { ...message, type: "ack", updates: [] }, via);
  };
}

function claim(id: NodeId, state: MemberState, incarnation = 0, source = A): Update {
  return { id, state, incarnation, source: sourceOf(source) };
}

function gossip(...updates: readonly Update[]): Message {
  return { type: "gossip", updates };
}

function pings(sent: readonly Outgoing[], to: NodeId): Outgoing[] {
  return sent.filter((outgoing) => outgoing.to === to && outgoing.message.type === "ping");
}

Deno.test("Membership pings one other each period, all of them in each round", () => {
  const membership = known();
  const sent = runTo(membership, 8 * LAN.probePeriodMs, answering(membership));
  const probed = sent.filter(({ message }) => message.type === "ping").map(({ to }) => to);
  assert.equal(probed.length, 8);
  assert.deepEqual(new Set(probed.slice(0, 4)), new Set([A, B, C, D]));
  assert.deepEqual(new Set(probed.slice(4)), new Set([A, B, C, D]));
});

Deno.test("Membership notes the round trip and the clock of who answers", () => {
  const membership = known({ members: [A] });
  runTo(membership, LAN.probePeriodMs, ({ message, at }) => {
    if (message.type !== "ping") return;
    const ack: Message = { ...message, type: "ack", clockMs: WALL_MS + 5_000 };
    membership.receive(at + 7, A, ack, "datagram");
    assert.equal(membership.get(A)!.rttMs, 7);
    assert.equal(membership.get(A)!.clockDeltaMs! + at + 7, WALL_MS + 5_000);
  });
  assert.ok(membership.get(A)?.rttMs !== undefined);
});

Deno.test("Membership resends, asks others and the link, suspects, asks for a last word, judges", () => {
  const membership = known();
  let target: NodeId | undefined;
  let begunAt = 0;
  const story: string[] = [];
  const note = (at: number, what: string) => story.push(`${Math.round(at - begunAt)} ${what}`);
  runTo(membership, 2_000, (sent) => {
    const { to, message, via, at } = sent;
    if (target === undefined && message.type === "ping") {
      target = to;
      begunAt = at;
    }
    for (const { id, state } of membership.takeChanges()) if (id === target) note(at, state);
    if (to === target && message.type === "ping") {
      note(at, via === "link" ? "ping over the link" : "ping");
    }
    if (message.type === "pingRequest" && message.target === target) note(at, "ask");
    if (target !== undefined) answering(membership, target)(sent);
  });
  assert.deepEqual(story.slice(0, story.findIndex((line) => line.endsWith("failed")) + 1), [
    "0 ping",
    "32 ping",
    "80 ping over the link",
    "80 ask",
    "80 ask",
    "80 ask",
    "250 suspect",
    "400 ping over the link",
    // Nobody else suspects it: 800 ms.
    "1050 failed",
  ]);
  assert.equal(membership.living, 4);
});

Deno.test("Membership judges sooner when others suspect independently", () => {
  for (const [sources, expectedMs] of [[[A], 800], [[A, B], 611], [[A, B, C], 500]] as const) {
    // A long period keeps its own probes, which would be one more source, out of this.
    const membership = known({ config: { probePeriodMs: 100_000 } });
    for (const source of sources) {
      membership.receive(10, source, gossip(claim(D, "suspect", 0, source)), "datagram");
      // Said again by somebody else it is no new source.
      membership.receive(10, B, gossip(claim(D, "suspect", 0, source)), "datagram");
    }
    const failedAt = runUntilFailed(membership, D);
    assert.equal(Math.round(failedAt - 10), expectedMs, `${sources.length} sources`);
  }
});

function runUntilFailed(membership: Membership, id: NodeId): number {
  for (;;) {
    const at = membership.deadline();
    assert.ok(at < 10_000, "it never fails");
    membership.tick(at);
    membership.takeOutgoing();
    if (membership.get(id)?.state === "failed") return at;
  }
}

Deno.test("Membership refutes what is said against itself, and says so", () => {
  const membership = known();
  membership.receive(5, A, gossip(claim(SELF, "suspect", 0)), "datagram");
  assert.equal(membership.incarnation, 1);
  const told = runTo(membership, 60).flatMap(({ message }) =>
    message.type === "nack" ? [] : message.updates
  );
  assert.ok(
    told.some(({ id, state, incarnation }) =>
      id === SELF && state === "alive" && incarnation === 1
    ),
  );
  // Old news about itself is nothing to answer.
  membership.receive(70, A, gossip(claim(SELF, "suspect", 0)), "datagram");
  assert.equal(membership.incarnation, 1);
  // Being called failed or left is answered too.
  membership.receive(80, A, gossip(claim(SELF, "failed", 1)), "datagram");
  membership.receive(90, A, gossip(claim(SELF, "left", 2)), "datagram");
  assert.equal(membership.incarnation, 3);
});

Deno.test("Membership believes the higher incarnation, then the graver state", () => {
  const order: readonly (readonly [MemberState, number])[] = [
    ["alive", 0],
    ["suspect", 0],
    ["failed", 0],
    ["left", 0],
    ["alive", 1],
    ["suspect", 1],
    ["failed", 1],
    ["left", 1],
  ];
  order.forEach(([state, incarnation], believed) => {
    order.forEach(([claimed, claimedIncarnation], said) => {
      const membership = known();
      membership.receive(1, B, gossip(claim(A, state, incarnation, B)), "datagram");
      membership.receive(2, B, gossip(claim(A, claimed, claimedIncarnation, B)), "datagram");
      const expected = order[Math.max(believed, said)]!;
      const { state: now, incarnation: nowIncarnation } = membership.get(A)!;
      assert.deepEqual([now, nowIncarnation], expected, `${state} ${incarnation} then ${claimed}`);
    });
  });
});

Deno.test("Membership passes news on a limited number of times, newest about each member only", () => {
  const membership = known();
  membership.receive(1, A, gossip(claim(D, "suspect")), "datagram");
  membership.receive(1, A, gossip(claim(D, "alive", 1)), "datagram");
  let told = 0;
  for (const { message } of runTo(membership, 200)) {
    if (message.type === "nack") continue;
    for (const { id, state } of message.updates) {
      if (id !== D) continue;
      assert.equal(state, "alive");
      told++;
    }
  }
  // Five times the digits of five members.
  assert.equal(told, LAN.gossipRepeat);
});

Deno.test("Membership tells a member that it holds for failed, and takes it back when it refutes", () => {
  const membership = known();
  membership.receive(1, A, gossip(claim(D, "failed", 0)), "datagram");
  membership.takeOutgoing();
  membership.receive(2, D, {
    type: "ping",
    sequence: 9,
    view: { high: 0, low: 0 },
    clockMs: 0,
    updates: [],
  }, "datagram");
  const [ack] = membership.takeOutgoing();
  assert.ok(ack?.message.type === "ack");
  assert.deepEqual(ack.message.updates[0], claim(D, "failed", 0, SELF));
  membership.takeChanges();
  membership.receive(3, D, gossip(claim(D, "alive", 1, D)), "datagram");
  assert.deepEqual(membership.takeChanges(), [
    { id: D, before: "failed", state: "alive", incarnation: 1 },
  ]);
});

Deno.test("Membership pings a failed member every two seconds or so", () => {
  const membership = known({ members: [A] });
  membership.receive(1, A, gossip(claim(A, "failed", 0)), "datagram");
  const sent = pings(runTo(membership, 60_000), A);
  assert.ok(sent.length > 20 && sent.length < 45, `${sent.length} in a minute`);
});

Deno.test("Membership takes a list's word that somebody left, but only suspects who failed", () => {
  const membership = known();
  membership.merge(1, [
    { id: A, incarnation: 0, state: "failed", ageMs: 5 },
    { id: B, incarnation: 0, state: "left", ageMs: 5 },
    { id: idOf(9), incarnation: 4, state: "failed", ageMs: 5_000 },
  ]);
  assert.equal(membership.get(A)?.state, "suspect");
  assert.equal(membership.get(B)?.state, "left");
  assert.equal(membership.get(idOf(9))?.state, "failed");
  assert.equal(membership.get(idOf(9))?.changedAt, 1 - 5_000);
});

Deno.test("Membership asks for a list when it hears of a stranger, and when views stay different", () => {
  const membership = known();
  membership.receive(2_000, A, gossip(claim(idOf(9), "alive")), "datagram");
  assert.deepEqual(membership.takeListWanted(), [A]);
  settle(membership, 2_000);

  const other: Message = {
    type: "ping",
    sequence: 1,
    view: { high: 1, low: 2 },
    clockMs: 0,
    updates: [],
  };
  membership.receive(4_000, B, other, "datagram");
  assert.deepEqual(membership.takeListWanted(), [], "once may be news under way");
  membership.receive(4_001, C, other, "datagram");
  assert.deepEqual(membership.takeListWanted(), [C]);
  membership.receive(4_002, B, other, "datagram");
  membership.receive(4_003, B, other, "datagram");
  assert.deepEqual(membership.takeListWanted(), [], "not again within a second");
});

Deno.test("Membership has equal view hashes for equal views, however they came about", () => {
  const one = known({ members: [A, B, C] });
  const other = known({ members: [C, B] });
  assert.notDeepEqual(one.viewHash, other.viewHash);
  other.join(1, A, 0);
  assert.deepEqual(one.viewHash, other.viewHash);
  one.receive(2, A, gossip(claim(B, "failed")), "datagram");
  assert.notDeepEqual(one.viewHash, other.viewHash);
  other.receive(3, A, gossip(claim(B, "failed")), "datagram");
  assert.deepEqual(one.viewHash, other.viewHash);
  one.continueAbove(4, 6);
  assert.equal(one.incarnation, 7);
  assert.notDeepEqual(one.viewHash, other.viewHash);
});

Deno.test("Membership blames itself after standing still, not the others", () => {
  const membership = known();
  membership.receive(10, A, gossip(claim(D, "suspect")), "datagram");
  membership.deadline();
  membership.tick(4_000); // the process was stopped for four seconds
  assert.equal(membership.get(D)?.state, "suspect", "the suspicion begins anew");
  assert.equal(membership.health, 1);
  for (const id of [A, B, C]) assert.equal(membership.get(id)?.state, "alive");
});

Deno.test("Membership asks members without datagram keys over the link and through others at once", () => {
  const membership = known({ members: [A, B, C] });
  membership.unreachable(A, "datagrams");
  membership.doubt(5, A);
  const sent = membership.takeOutgoing();
  assert.deepEqual(pings(sent, A).map(({ via }) => via), ["link"]);
  assert.equal(sent.filter(({ message }) => message.type === "pingRequest").length, 2);
});

Deno.test("Membership probes at once whom something speaks against, once at a time", () => {
  const membership = known();
  membership.doubt(5, A);
  membership.doubt(6, A);
  assert.equal(pings(membership.takeOutgoing(), A).length, 1);
});

Deno.test("Membership pings for others and says when there is no answer yet", () => {
  const membership = known();
  membership.receive(
    100,
    A,
    { type: "pingRequest", sequence: 77, target: B, updates: [] },
    "datagram",
  );
  const [ping] = membership.takeOutgoing();
  assert.ok(ping?.to === B && ping.message.type === "ping");
  const nack = runTo(membership, 100 + LAN.indirectTimeoutMs).find(({ message }) =>
    message.type === "nack"
  );
  assert.deepEqual([nack?.to, nack?.message], [A, { type: "nack", sequence: 77 }]);
  membership.receive(271, B, { ...ping.message, type: "ack" }, "datagram");
  const ack = membership.takeOutgoing().find(({ message }) => message.type === "ack");
  assert.ok(ack?.to === A && ack.message.type === "ack" && ack.message.sequence === 77);
});

Deno.test("who helps says in time that it has no answer, whatever the profile and the latency", () => {
  for (const config of [LAN, WIFI]) {
    const latencyMs = 20;
    const dead = known({ config });
    dead.doubt(0, D);
    // The helpers are there, D is not.
    const asked = runTo(dead, config.directTimeoutMs + 1).filter(({ message }) =>
      message.type === "pingRequest"
    );
    assert.equal(asked.length, 3);
    const helper = known({ config, members: [SELF, B, C, D].filter((id) => id !== SELF) });
    const askedAt = config.directTimeoutMs + latencyMs;
    helper.receive(askedAt, B, asked[0]!.message, "datagram");
    helper.takeOutgoing();
    const nack = runTo(helper, askedAt + config.indirectTimeoutMs - 3 * latencyMs)
      .find(({ message }) => message.type === "nack");
    assert.ok(nack !== undefined, "before the probe ends, there and back included");
  }
});

/** How often it wants to be woken up to then. */
function ticksUntil(membership: Membership, until: number): number {
  let ticks = 0;
  for (let now = 11; now < until; now = Math.max(now + 1, membership.deadline())) {
    membership.tick(now);
    ticks++;
  }
  return ticks;
}

Deno.test("Membership sleeps when there is news but nobody to tell, and tells it when there is", () => {
  const membership = known({ members: [A] });
  membership.unreachable(A, "datagrams");
  membership.receive(10, A, gossip(claim(SELF, "suspect", 0)), "link");
  membership.takeOutgoing();
  const withNews = ticksUntil(membership, 400);
  const without = known({ members: [A] });
  without.unreachable(A, "datagrams");
  assert.ok(withNews <= ticksUntil(without, 400) + 1, `${withNews} wake-ups`);
  membership.takeOutgoing();
  membership.reachable(400, A);
  const told = runTo(membership, 450).filter(({ message }) => message.type === "gossip");
  assert.ok(told.length > 0);
});

Deno.test("Membership tells everybody when it leaves, and does not refute that", () => {
  const membership = known();
  membership.leave(5);
  const told = membership.takeOutgoing();
  assert.deepEqual(new Set(told.map(({ to }) => to)), new Set([A, B, C, D]));
  membership.receive(6, A, gossip(claim(SELF, "left", 0)), "datagram");
  assert.equal(membership.incarnation, 0);
  assert.equal(membership.list(7)[0]?.state, "left");
});

Deno.test("Membership forgets failed and left members after their time", () => {
  const membership = known({ config: { forgetFailedMs: 60_000, forgetLeftMs: 30_000 } });
  membership.receive(0, A, gossip(claim(B, "failed"), claim(C, "left")), "datagram");
  const keepAlive = (until: number) => runTo(membership, until, answering(membership, B, C));
  keepAlive(29_000);
  assert.equal(membership.get(C)?.state, "left");
  keepAlive(41_000);
  assert.equal(membership.get(C), undefined);
  assert.equal(membership.get(B)?.state, "failed");
  keepAlive(71_000);
  assert.equal(membership.get(B), undefined);
  // What is said of them later by somebody slower revives nobody.
  membership.receive(72_000, A, gossip(claim(B, "failed")), "datagram");
  membership.merge(72_000, [{ id: B, incarnation: 0, state: "failed", ageMs: 61_000 }]);
  assert.equal(membership.get(B), undefined);
});

Deno.test("Membership holds at most as many members as it may, dropping the longest gone first", () => {
  const membership = known({ config: { maxMembers: 6 } });
  assert.equal(membership.join(1, idOf(20), 0), true);
  assert.equal(membership.join(1, idOf(21), 0), false, "six, this node included");
  membership.receive(2, B, gossip(claim(A, "failed")), "datagram");
  membership.receive(3, B, gossip(claim(C, "left")), "datagram");
  assert.equal(membership.join(4, idOf(21), 0), true);
  assert.equal(membership.get(A), undefined);
  assert.equal(membership.get(C)?.state, "left");
});

Deno.test("Membership takes no banned node in, whoever speaks for it", () => {
  const membership = known({ banned: D, members: [A, B] });
  assert.equal(membership.join(1, D, 0), false);
  membership.merge(1, [{ id: D, incarnation: 0, state: "alive", ageMs: 0 }]);
  assert.equal(membership.get(D), undefined);

  const banned = new Set<NodeId>();
  const later = new Membership({
    self: SELF,
    config: LAN,
    random: new SeededRandom(1),
    now: 0,
    wallMs: () => WALL_MS,
    isBanned: (id) => banned.has(id),
  });
  later.join(0, D, 3);
  banned.add(D);
  later.expel(1, D);
  assert.equal(later.get(D)?.state, "left");
  later.receive(2, A, gossip(claim(D, "alive", 9)), "datagram");
  assert.equal(later.get(D)?.state, "left");
});

Deno.test("Membership probes everybody in turn, also with a clock that stands still", () => {
  const many = Array.from({ length: 60 }, (_, i) => nodeIdOfBytes(new Uint8Array(16).fill(i + 20)));
  // WALL_MS never changes: the clock of this node stands still.
  const membership = known({ members: many });
  const probed = new Set<string>();
  for (let now = 1; now < 2 * many.length * LAN.probePeriodMs; now += 10) {
    membership.tick(now);
    for (const { to, message } of membership.takeOutgoing()) {
      if (message.type !== "ping") continue;
      probed.add(to);
      membership.receive(now, to, { ...message, type: "ack", clockMs: WALL_MS }, "datagram");
    }
  }
  assert.equal(probed.size, many.length);
});

Deno.test("a claim that is implausibly far above what is known shuts nobody out", () => {
  const membership = known();
  membership.receive(
    5,
    A,
    gossip(claim(B, "failed", 1_000_000), claim(SELF, "failed", 1_000_000)),
    "datagram",
  );
  assert.equal(membership.get(B)?.state, "alive");
  assert.equal(membership.incarnation, 0);
  membership.receive(6, A, gossip(claim(B, "failed", 1)), "datagram");
  assert.equal(membership.get(B)?.state, "failed");
  // What a member says of itself over its own link beats a table that cannot be true.
  const fooled = known({ members: [A] });
  fooled.merge(5, [{ id: B, incarnation: 2_000_000_000, state: "failed", ageMs: 0 }]);
  fooled.join(6, B, 3);
  assert.deepEqual([fooled.get(B)?.state, fooled.get(B)?.incarnation], ["alive", 3]);
});

Deno.test("who was alone does not spread its verdicts when it is back", () => {
  const membership = known({ members: [A, B] });
  for (const id of [A, B]) membership.expel(5, id);
  runTo(membership, 500);
  membership.join(501, C, 0);
  membership.reachable(501, C);
  const told = runTo(membership, 900).flatMap(({ message }) =>
    message.type === "gossip" ? message.updates : []
  );
  assert.ok(told.every(({ id }) => id === C || id === SELF), "nothing of A and B");
});
