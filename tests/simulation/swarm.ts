/**
 * Swarm runs: a seed makes a cluster with reminders on it, a workload and a random choice of faults,
 * lets them loose for a while, then ends all faults and asks whether everything has come right.
 *
 *     deno task simulate SEED        repeats one run and prints its trace
 */

import type { Item } from "../../cluster/consensus/lww.ts";
import { itemId } from "../../cluster/consensus/lww.ts";
import { isLiving } from "../../cluster/membership/members.ts";
import { between, chance, type Random } from "../../cluster/random.ts";
import { SimulatedCluster } from "../../cluster/simulation/cluster.ts";
import { GOOD_NETWORK } from "../../cluster/simulation/network.ts";
import type { SimulatedNode } from "../../cluster/simulation/node.ts";
import { ReplicaPart } from "../../cluster/simulation/replica_part.ts";
import { MS, SECOND } from "../../cluster/simulation/world.ts";
import { COLLECTIONS, DONE, HISTORY } from "../../reminder/state.ts";

/** How long faults go on, in virtual time. */
const FAULTS_US = 60 * SECOND;
/** Everybody has to be connected and equal this long after the last fault. */
const RECOVERY_US = 60 * SECOND;
/** The last answers and acknowledgements of the recovery are not counted as idle traffic. */
const SETTLE_US = 2 * SECOND;
/** And while nothing is wrong, nobody may be called failed. */
const QUIET_US = 20 * SECOND;
/** An idle node sends at most this, headers included. */
const IDLE_BYTES_PER_SECOND = 1_000;
const MAX_SKEW_MS = 5 * 60_000;
const HOUR_MS = 3_600_000;
const REMINDERS = ["cat-litter", "plants", "bins"];

/** Fault kinds; each seed switches some of them on. */
const FAULTS = [
  "loss",
  "duplicates",
  "late",
  "partition",
  "one-way",
  "kill",
  "power",
  "pause",
  "clock",
  "disk-full",
  "damage",
  "leave",
] as const;
type Fault = (typeof FAULTS)[number];

export interface SwarmResult {
  readonly traceHash: string;
  readonly events: number;
  readonly faults: readonly Fault[];
}

/** A promise of the program that was broken. */
export class Violation extends Error {
  override readonly name = "Violation";

  constructor(seed: number, what: string, readonly trace: readonly string[]) {
    super(`seed ${seed}: ${what}\n  repeat it: deno task simulate ${seed}`);
  }
}

export class Swarm {
  readonly cluster: SimulatedCluster;
  readonly #random: Random;
  readonly #faults: readonly Fault[];
  /** Presses that some replica has said, to itself or to others, to hold on its disk. */
  readonly #durable = new Map<string, Item>();
  readonly #pressed = new Map<string, Item>();
  #pressing = true;

  constructor(readonly seed: number) {
    this.cluster = new SimulatedCluster({
      seed,
      size: 3 + seed % 5,
      partsOf: () => [new ReplicaPart("reminder", COLLECTIONS, MAX_SKEW_MS)],
    });
    this.#random = this.cluster.world.random.fork("swarm");
    this.#faults = FAULTS.filter(() => chance(this.#random, 400));
  }

  /** Runs all of it; throws a {@link Violation}. */
  run(): SwarmResult {
    const { cluster } = this;
    const { world } = cluster;
    world.note(
      "swarm",
      `${cluster.nodes.length} nodes, faults: ${this.#faults.join(" ") || "none"}`,
    );
    cluster.formed();
    this.#schedule();
    world.pass(FAULTS_US);
    this.#pressing = false;
    this.#heal();
    this.#expect(
      "everybody is connected and all views are equal",
      RECOVERY_US,
      () => cluster.isWhole() && cluster.viewsAreEqual(),
    );
    this.#checkReminders();
    this.#checkNothingLost();
    this.#expect(
      "nobody has anybody left to call",
      RECOVERY_US,
      () => cluster.running.every(({ core }) => core.mesh.hasCalledAll),
    );
    this.#checkQuiet();
    return { traceHash: world.trace.hash, events: world.trace.count, faults: this.#faults };
  }

  // -- workload and faults ------------------------------------------------------------------------

  #schedule(): void {
    const { world } = this.cluster;
    const every = (low: number, high: number, happen: () => void) => {
      const again = () => {
        if (!this.#pressing) return;
        happen();
        world.after(between(this.#random, low, high), again);
      };
      world.after(between(this.#random, 0, high), again);
    };
    every(200 * MS, 3 * SECOND, () => this.#press());
    for (const fault of this.#faults) {
      every(3 * SECOND, 20 * SECOND, () => this.#inflict(fault));
    }
  }

  #press(): void {
    this.#pressNow(REMINDERS[between(this.#random, 0, REMINDERS.length - 1)]!);
  }

  /** Somebody presses that button somewhere. */
  #pressNow(name: string): void {
    const node = this.#anyone(({ running }) => running);
    if (node === undefined) return;
    node.whenRunning(() => {
      const at = node.core.clusterMs(this.cluster.world.nowMs);
      const part = partOf(node);
      const items = part.put([
        {
          collection: DONE,
          key: name,
          value: { at, by: node.name, how: "button" },
        },
        {
          collection: HISTORY,
          key: "",
          value: { reminder: name, action: "done", at, by: node.name, how: "button", forMs: null },
        },
      ]);
      const press = items[1]!;
      this.cluster.world.note(node.name, `${name} is done`);
      this.#pressed.set(itemId(press), press);
      node.flush();
    });
  }

  #inflict(fault: Fault): void {
    const { cluster } = this;
    const { world, network } = cluster;
    const random = this.#random;
    const later = (low: number, high: number, happen: () => void) =>
      world.after(between(random, low, high), happen);
    switch (fault) {
      case "loss":
        network.conditions = { ...network.conditions, lossPerMille: between(random, 0, 200) };
        break;
      case "duplicates":
        network.conditions = { ...network.conditions, duplicatePerMille: between(random, 0, 100) };
        break;
      case "late":
        network.conditions = {
          ...network.conditions,
          latePerMille: between(random, 0, 300),
          lateUs: [80 * MS, 250 * MS],
        };
        break;
      case "partition": {
        const left = cluster.nodes.filter(() => chance(random, 500));
        const right = cluster.nodes.filter((node) => !left.includes(node));
        network.partition(left, right);
        world.note(
          "swarm",
          `partition ${left.map(({ name }) => name)} | ${right.map(({ name }) => name)}`,
        );
        later(SECOND, 15 * SECOND, () => network.heal());
        break;
      }
      case "one-way": {
        const from = this.#anyone(() => true)!;
        const to = this.#anyone((node) => node !== from)!;
        network.cutOneWay(from, to);
        later(SECOND, 15 * SECOND, () => network.heal());
        break;
      }
      case "kill":
      case "power": {
        const node = this.#anyone(({ running }) => running);
        if (node === undefined) return;
        this.#noteDurable(node);
        node.crash(fault);
        later(10 * MS, 15 * SECOND, () => node.running || node.start());
        break;
      }
      case "pause": {
        const node = this.#anyone(({ running }) => running);
        node?.pause(between(random, 50 * MS, 6 * SECOND));
        break;
      }
      case "clock": {
        const node = this.#anyone(() => true)!;
        node.clockErrorMs = between(random, -24 * HOUR_MS, 24 * HOUR_MS);
        world.note(node.name, `its clock is off by ${node.clockErrorMs} ms`);
        break;
      }
      case "disk-full": {
        const node = this.#anyone(() => true)!;
        node.disk.full = true;
        later(SECOND, 10 * SECOND, () => (node.disk.full = false));
        break;
      }
      case "damage": {
        // Only where somebody else holds everything: one copy lost is what replication is for.
        const node = this.#anyone(({ running }) => !running);
        if (node === undefined) return;
        node.disk.damage("replica");
        break;
      }
      case "leave": {
        const node = this.#anyone(({ running }) => running);
        if (node === undefined) return;
        this.#noteDurable(node);
        node.leave();
        later(SECOND, 15 * SECOND, () => node.running || node.start());
        break;
      }
    }
  }

  #heal(): void {
    const { world, network, nodes } = this.cluster;
    world.note("swarm", "all faults end");
    network.heal();
    network.conditions = GOOD_NETWORK;
    for (const node of nodes) {
      node.clockErrorMs = 0;
      node.disk.full = false;
      if (!node.running) node.start();
    }
    // Whoever is on its way out or standing still comes back.
    world.pass(20 * SECOND);
    for (const node of nodes) if (!node.running) node.start();
  }

  // -- promises -----------------------------------------------------------------------------------

  #replicas() {
    return this.cluster.running.map((node) => partOf(node).replica);
  }

  /** What this node has saved is durable, unless its disk is damaged later. */
  #noteDurable(node: SimulatedNode): void {
    if (this.#faults.includes("damage")) return;
    const { replica } = partOf(node);
    if (replica.version > replica.savedVersion) return;
    for (const item of replica.items(HISTORY)) this.#durable.set(itemId(item), item);
  }

  /**
   * Wherever clocks were wrong, stamps may be ahead of time still, and are refused. All the same the
   * house works: what is pressed now shows everywhere. And when time has caught up, all is equal.
   */
  #checkReminders(): void {
    const { world, nodes } = this.cluster;
    if (!this.#faults.includes("clock")) {
      this.#expect("all replicas hold the same", RECOVERY_US, () => this.#digests().size === 1);
      return;
    }
    for (const name of REMINDERS) this.#pressNow(name);
    this.#expect(
      "what is pressed now shows everywhere",
      RECOVERY_US,
      () => this.#shown().size === 1,
    );
    for (const node of nodes) node.clockErrorMs = 48 * HOUR_MS;
    world.note("swarm", "two days later");
    this.#expect("all replicas hold the same", RECOVERY_US, () => this.#digests().size === 1);
  }

  #digests(): Set<string> {
    return new Set(this.#replicas().map(({ digest }) => digest));
  }

  /** What the registers say, as one text a node. */
  #shown(): Set<string> {
    return new Set(
      this.#replicas().map((replica) => replica.items(DONE).map(itemId).sort().join()),
    );
  }

  #checkNothingLost(): void {
    for (const node of this.cluster.running) this.#noteDurable(node);
    for (const replica of this.#replicas()) {
      const held = new Set(replica.items(HISTORY).map(itemId));
      for (const id of this.#durable.keys()) {
        if (!held.has(id)) this.#fail(`a saved press is lost: ${id}`);
      }
      for (const id of held) if (!this.#pressed.has(id)) this.#fail(`nobody pressed ${id}`);
    }
  }

  #checkQuiet(): void {
    const { cluster } = this;
    cluster.world.pass(SETTLE_US);
    let wronged = 0;
    for (const node of cluster.nodes) {
      node.bytesSent = node.datagramsDropped = node.dialsStarted = 0;
      node.onEvent = (event) => {
        if (event.type === "member" && !isLiving(event.state)) wronged++;
      };
    }
    cluster.world.pass(QUIET_US);
    if (wronged > 0) this.#fail(`${wronged} verdicts while nothing was wrong`);
    for (const { name, bytesSent, datagramsDropped, dialsStarted } of cluster.nodes) {
      if (datagramsDropped > 0) this.#fail(`${name} cannot open ${datagramsDropped} datagrams`);
      if (dialsStarted > 0) {
        this.#fail(`${name} dials ${dialsStarted} times while all are connected`);
      }
      const rate = Math.round(bytesSent / (QUIET_US / SECOND));
      if (rate > IDLE_BYTES_PER_SECOND) this.#fail(`${name} sends ${rate} B/s while idle`);
    }
    if (!cluster.viewsAreEqual()) this.#fail("the views differ again");
  }

  #expect(what: string, limitUs: number, condition: () => boolean): void {
    if (!this.cluster.world.pass(limitUs, condition)) this.#fail(`not after a while: ${what}`);
  }

  #fail(what: string): never {
    throw new Violation(this.seed, what, this.cluster.world.trace.last(60));
  }

  #anyone(fits: (node: SimulatedNode) => boolean): SimulatedNode | undefined {
    const nodes = this.cluster.nodes.filter(fits);
    return nodes[between(this.#random, 0, nodes.length - 1)];
  }
}

export function partOf(node: SimulatedNode): ReplicaPart {
  const part = node.parts[0];
  if (!(part instanceof ReplicaPart)) throw new Error("bug: no replica on this node");
  return part;
}
