/**
 * Scenarios that people know, each a function of a seed that throws if a promise is broken. The tests
 * run them with many seeds, and with planted bugs, which they have to find.
 */

import assert from "node:assert/strict";
import { type Item, itemId } from "../../cluster/consensus/lww.ts";
import { isLiving } from "../../cluster/membership/members.ts";
import { between, shuffle } from "../../cluster/random.ts";
import { SimulatedCluster } from "../../cluster/simulation/cluster.ts";
import type { SimulatedNode, SimulatedPart } from "../../cluster/simulation/node.ts";
import { ReplicaPart } from "../../cluster/simulation/replica_part.ts";
import { MS, SECOND } from "../../cluster/simulation/world.ts";
import { COLLECTIONS, DONE, HISTORY } from "../../reminder/state.ts";
import { partOf } from "./swarm.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const MAX_SKEW_MS = 5 * MINUTE_MS;
const NAME = "cat-litter";

/** A house of that many nodes with a reminder, formed and quiet. */
function house(seed: number, size = 5): SimulatedCluster {
  const cluster = new SimulatedCluster({
    seed,
    size,
    partsOf: () => [new ReplicaPart("reminder", COLLECTIONS, MAX_SKEW_MS)],
  });
  cluster.formed();
  cluster.world.pass(2 * SECOND);
  return cluster;
}

/** Presses the button of a node; gives the register's item. */
function press(node: SimulatedNode): Item {
  const at = node.core.clusterMs(node.world.nowMs);
  const [register] = partOf(node).put([
    {
      collection: DONE,
      key: NAME,
      value: { at, by: node.name, how: "button" },
    },
    {
      collection: HISTORY,
      key: "",
      value: { reminder: NAME, action: "done", at, by: node.name, how: "button", forMs: null },
    },
  ]);
  node.flush();
  return register!;
}

function shows(node: SimulatedNode, item: Item): boolean {
  const held = partOf(node).replica.get(DONE, NAME);
  return held !== undefined && itemId(held) === itemId(item);
}

function allShow(cluster: SimulatedCluster, item: Item): boolean {
  return cluster.running.every((node) => shows(node, item));
}

function within(cluster: SimulatedCluster, limitUs: number, what: string, is: () => boolean): void {
  const { world } = cluster;
  if (world.pass(limitUs, is)) return;
  throw new Error(
    `seed ${world.seed}: not within ${limitUs / MS} ms: ${what}\n` +
      world.trace.last(40).join("\n"),
  );
}

/** Counts verdicts against living nodes from now on. */
function verdicts(cluster: SimulatedCluster): () => number {
  let count = 0;
  for (const node of cluster.nodes) {
    node.onEvent = (event) => {
      if (event.type === "member" && !isLiving(event.state)) count++;
    };
  }
  return () => count;
}

/** Lets time pass and wants nobody to be called failed in it. */
function unharmed(cluster: SimulatedCluster, microseconds: number): void {
  const count = verdicts(cluster);
  cluster.world.pass(microseconds);
  assert.equal(count(), 0, `seed ${cluster.world.seed}: ${count()} wrong verdicts`);
  assert.ok(cluster.viewsAreEqual(), `seed ${cluster.world.seed}: the views differ`);
}

export const SCENARIOS = {
  "a crash is known everywhere within two seconds and a half"(seed: number): void {
    const cluster = house(seed, 7);
    const victim = cluster.nodes[seed % 7]!;
    victim.crash(seed % 2 === 0 ? "power" : "kill");
    within(cluster, 2_500 * MS, "all know of the crash", () => cluster.isKnownGone(victim));
  },

  "a killed node that starts again at once is a member again at once"(seed: number): void {
    const cluster = house(seed);
    const node = cluster.nodes[seed % 5]!;
    node.crash(seed % 2 === 0 ? "power" : "kill");
    cluster.world.pass(between(cluster.world.random, 5, 300) * MS);
    node.start();
    within(cluster, 4 * SECOND, "all are connected", () => cluster.isWhole());
    unharmed(cluster, 5 * SECOND);
  },

  "after a partition of ten seconds or ten minutes all is one again within three"(
    seed: number,
  ): void {
    const cluster = house(seed);
    const nodes = shuffle(cluster.world.random.fork("split"), [...cluster.nodes]);
    const [left, right] = [nodes.slice(0, 2), nodes.slice(2)];
    cluster.network.partition(left, right);
    cluster.world.pass(5 * SECOND);
    const early = press(left[0]!);
    cluster.world.pass(SECOND);
    const late = press(right[0]!);
    // The longer it lasts, the more rarely the lost ones are dialled.
    cluster.world.pass(seed % 2 === 0 ? 4 * SECOND : 600 * SECOND);
    for (const node of cluster.nodes) {
      assert.equal(node.core.membership.living, left.includes(node) ? 2 : 3);
      assert.ok(shows(node, left.includes(node) ? early : late));
    }
    cluster.network.heal();
    within(
      cluster,
      3 * SECOND,
      "one membership and one state",
      () =>
        cluster.isWhole() && cluster.viewsAreEqual() && allShow(cluster, late) &&
        cluster.nodes.every((node) => partOf(node).replica.items(HISTORY).length === 2),
    );
  },

  "a pair that is cut one way for a minute harms nobody"(seed: number): void {
    const cluster = house(seed);
    cluster.network.cutOneWay(cluster.nodes[seed % 5]!, cluster.nodes[(seed + 1) % 5]!);
    unharmed(cluster, 60 * SECOND);
  },

  "ten percent loss for a minute harms nobody"(seed: number): void {
    const cluster = house(seed);
    cluster.network.conditions = { ...cluster.network.conditions, lossPerMille: 100 };
    unharmed(cluster, 60 * SECOND);
  },

  "a process that stands still for 0.4 s is no event"(seed: number): void {
    const cluster = house(seed);
    const count = verdicts(cluster);
    for (let i = 0; i < 10; i++) {
      cluster.nodes[(seed + i) % 5]!.pause(400 * MS);
      cluster.world.pass(2 * SECOND);
    }
    assert.equal(count(), 0, `seed ${seed}`);
  },

  "a node that sleeps for ten seconds is back, and knows what it missed, at once"(
    seed: number,
  ): void {
    const cluster = house(seed);
    const sleeper = cluster.nodes[seed % 5]!;
    sleeper.pause(10 * SECOND);
    within(
      cluster,
      3 * SECOND,
      "it is called failed",
      () =>
        cluster.nodes.every((node) =>
          node === sleeper || !isLiving(cluster.stateSeenBy(node, sleeper))
        ),
    );
    const pressed = press(cluster.nodes[(seed + 1) % 5]!);
    cluster.world.run(cluster.world.now + 7 * SECOND);
    within(
      cluster,
      3 * SECOND,
      "it is back and up to date",
      () => cluster.isWhole() && allShow(cluster, pressed),
    );
  },

  "a press is everywhere within a second and a half, at ten percent loss"(seed: number): void {
    const cluster = house(seed);
    cluster.network.conditions = { ...cluster.network.conditions, lossPerMille: 100 };
    for (let i = 0; i < 10; i++) {
      const pressed = press(cluster.nodes[(seed + i) % 5]!);
      within(cluster, 1_500 * MS, "all show the press", () => allShow(cluster, pressed));
    }
  },

  "what another node has acknowledged survives a power cut of both"(seed: number): void {
    const cluster = house(seed, 3);
    const [presser, holder, third] = cluster.nodes as [SimulatedNode, SimulatedNode, SimulatedNode];
    third.crash("power");
    within(cluster, 5 * SECOND, "the third is gone", () => cluster.isKnownGone(third));
    presser.disk.full = true;
    const pressed = press(presser);
    within(
      cluster,
      2 * SECOND,
      "the other has it",
      () => partOf(presser).replica.holdersOf(pressed).has(holder.id),
    );
    for (const node of cluster.running) node.crash("power");
    presser.disk.full = false;
    for (const node of cluster.nodes) node.start();
    within(
      cluster,
      20 * SECOND,
      "all show the press again",
      () => cluster.isWhole() && allShow(cluster, pressed),
    );
  },

  "one wrong clock among others: every press shows everywhere at once"(seed: number): void {
    const cluster = house(seed);
    const wrong = cluster.nodes[seed % 5]!;
    wrong.clockErrorMs = (seed % 2 === 0 ? 1 : -1) * between(cluster.world.random, 1, 50 * 365) *
      24 * HOUR_MS / (seed % 3 === 0 ? 1_000 : 1);
    cluster.world.pass(3 * SECOND);
    for (let i = 0; i < 5; i++) {
      const pressed = press(cluster.nodes[(seed + i) % 5]!);
      within(cluster, SECOND, "all show the press", () => allShow(cluster, pressed));
    }
    unharmed(cluster, 5 * SECOND);
  },

  "who was alone with a fast clock is refused, told so, and follows the house"(seed: number): void {
    const cluster = house(seed);
    const alone = cluster.nodes[seed % 5]!;
    const others = cluster.nodes.filter((node) => node !== alone);
    cluster.network.partition([alone], others);
    cluster.world.pass(5 * SECOND);
    alone.clockErrorMs = 10 * 24 * HOUR_MS;
    const early = press(alone);
    cluster.world.pass(SECOND);
    cluster.network.heal();
    within(cluster, 5 * SECOND, "they are together", () => cluster.isWhole());
    within(
      cluster,
      10 * SECOND,
      "both sides know of the refusal",
      () =>
        others.every((node) => partOf(node).replica.refusals().length > 0) &&
        partOf(alone).replica.refusals().some(({ by }) => by !== alone.id),
    );
    assert.ok(shows(alone, early), "its own is kept");
    assert.ok(others.every((node) => !shows(node, early)));
    const pressed = press(others[0]!);
    within(cluster, SECOND, "all show the next press", () => allShow(cluster, pressed));
    // When the days have passed, what was pressed then is part of the history everywhere.
    for (const node of cluster.nodes) node.clockErrorMs = 10 * 24 * HOUR_MS;
    within(
      cluster,
      30 * SECOND,
      "all replicas are equal",
      () => new Set(cluster.nodes.map((node) => partOf(node).replica.digest)).size === 1,
    );
  },

  "ten nodes without a clock chip after a power cut: the house is not frozen"(seed: number): void {
    const cluster = house(seed, 10);
    const before = press(cluster.nodes[seed % 10]!);
    within(cluster, 5 * SECOND, "all have saved it", () =>
      cluster.nodes.every((node) => {
        const { version, savedVersion } = partOf(node).replica;
        return version > 0 && version === savedVersion;
      }));
    for (const node of cluster.nodes) node.crash("power");
    // One has a new card; the clocks say what they said hours or days ago, more or less the same.
    cluster.nodes[(seed + 3) % 10]!.disk.remove("replica");
    for (const node of cluster.nodes) {
      node.clockErrorMs = -12 * HOUR_MS - between(cluster.world.random, 0, 10) * MINUTE_MS;
      node.start();
    }
    within(
      cluster,
      20 * SECOND,
      "all show the state of before",
      () => cluster.isWhole() && allShow(cluster, before),
    );
    const pressed = press(cluster.nodes[(seed + 3) % 10]!);
    within(cluster, SECOND, "all show the press", () => allShow(cluster, pressed));
    for (const node of cluster.nodes) node.clockErrorMs = 0;
    cluster.world.pass(10 * SECOND);
    assert.ok(allShow(cluster, pressed), `seed ${seed}: it fell back when the clocks were set`);
  },

  "a clock that is set while the program runs changes nothing else"(seed: number): void {
    const cluster = house(seed);
    const count = verdicts(cluster);
    for (let i = 0; i < 10; i++) {
      const node = cluster.nodes[(seed + i) % 5]!;
      node.clockErrorMs = between(cluster.world.random, -48, 48) * HOUR_MS;
      cluster.world.pass(SECOND);
      node.clockErrorMs = 0;
      cluster.world.pass(500 * MS);
    }
    assert.equal(count(), 0);
    const pressed = press(cluster.nodes[seed % 5]!);
    within(cluster, SECOND, "all show the press", () => allShow(cluster, pressed));
  },

  "16 MiB on a bulk channel over a thin wire cause no suspicion"(seed: number): void {
    const cluster = new SimulatedCluster({ seed, size: 3, partsOf: () => [new BulkPart()] });
    cluster.formed();
    cluster.network.conditions = { ...cluster.network.conditions, bytesPerSecond: 2_500_000 };
    let suspicions = 0;
    for (const node of cluster.nodes) {
      node.onEvent = (event) => {
        if (event.type === "member" && event.state !== "alive") suspicions++;
      };
    }
    const [from, to] = cluster.nodes as [SimulatedNode, SimulatedNode];
    from.sendPart(to.id, "bulk/data", new Uint8Array(16 * 1024 * 1024));
    const { received } = to.parts[0] as BulkPart;
    within(cluster, 15 * SECOND, "it has come", () => received.length === 1);
    assert.equal(suspicions, 0);
  },
} as const;

/** Takes what comes on a bulk channel. */
class BulkPart implements SimulatedPart {
  readonly name = "bulk";
  readonly channels = [
    { name: "bulk/data", priority: "bulk", maxMessageBytes: 16 * 1024 * 1024 },
  ] as const;
  readonly received: number[] = [];
  start(): void {}
  event(): void {}
  receive(_from: string, _channel: string, bytes: Uint8Array): void {
    this.received.push(bytes.length);
  }
  tick(): void {}
  deadline(): number {
    return Infinity;
  }
}

export type Scenario = keyof typeof SCENARIOS;
