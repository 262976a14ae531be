/**
 * Failure detection in the simulator: how long until every survivor knows of a crash, how often a
 * living node is called failed, and what it costs. Virtual time: the machine's load changes nothing.
 *
 *     deno run -A bench/cluster/membership.ts [crash|quiet|all] [scale]
 */

import { BANS } from "../../cluster/bans.ts";
import { LAN, type MembershipConfig, WIFI } from "../../cluster/membership/config.ts";
import { SimulatedCluster } from "../../cluster/simulation/cluster.ts";
import { type Conditions, GOOD_NETWORK } from "../../cluster/simulation/network.ts";
import { ReplicaPart } from "../../cluster/simulation/replica_part.ts";
import { MS, SECOND } from "../../cluster/simulation/world.ts";
import { COLLECTIONS, DONE } from "../../reminder/state.ts";
import { machine, percentile, report, reportTable } from "../support.ts";

const CRASH_SEEDS = 200;
const CRASH_SIZE = 50;
/** Node-seconds watched for each size and network. */
const QUIET_NODE_SECONDS = 400_000;
/** The bound of the program's default. */
const MAX_SKEW_MS = 5 * 60_000;

interface NetworkCase {
  readonly name: string;
  readonly conditions: Conditions;
  readonly config: MembershipConfig;
}

const GOOD: NetworkCase = { name: "no loss", conditions: GOOD_NETWORK, config: LAN };
const LOSS_10: NetworkCase = {
  name: "10 % loss",
  conditions: { ...GOOD_NETWORK, lossPerMille: 100 },
  config: LAN,
};
const LOSS_20: NetworkCase = {
  name: "20 % loss",
  conditions: { ...GOOD_NETWORK, lossPerMille: 200 },
  config: LAN,
};
const LATE_PACKETS: Conditions = {
  ...GOOD_NETWORK,
  latePerMille: 300,
  lateUs: [80 * MS, 250 * MS],
};
const WIFI_LAN: NetworkCase = {
  name: "Wi-Fi (30 % late), profile lan",
  conditions: LATE_PACKETS,
  config: LAN,
};
const WIFI_WIFI: NetworkCase = {
  name: "Wi-Fi (30 % late), profile wifi",
  conditions: LATE_PACKETS,
  config: WIFI,
};

/** One crash per seed: when the last survivor knows, and when each does, in milliseconds. */
function crash(how: "kill" | "power", network: NetworkCase, seeds: number): void {
  const last: number[] = [];
  const each: number[] = [];
  let unnoticed = 0;
  for (let seed = 1; seed <= seeds; seed++) {
    const cluster = new SimulatedCluster({ seed, size: CRASH_SIZE, config: network.config })
      .formed();
    cluster.network.conditions = network.conditions;
    cluster.world.pass(2 * SECOND + seed * 37 % 500 * MS);
    const victim = cluster.nodes[seed % CRASH_SIZE]!;
    const crashedAt = cluster.world.now;
    const knowing = new Set<string>();
    for (const node of cluster.nodes) {
      node.onEvent = (event) => {
        if (event.type !== "member" || event.id !== victim.id || event.state !== "failed") return;
        if (knowing.has(node.name)) return;
        knowing.add(node.name);
        each.push((cluster.world.now - crashedAt) / MS);
      };
    }
    victim.crash(how);
    if (cluster.world.pass(10 * SECOND, () => knowing.size === CRASH_SIZE - 1)) {
      last.push((cluster.world.now - crashedAt) / MS);
    } else {
      unnoticed++;
    }
  }
  const ms = (values: number[], part: number) => `${Math.round(percentile(values, part))} ms`;
  rows.push([
    how === "power" ? "power cut" : "kill -9",
    network.name,
    ms(each, 0.5),
    ms(each, 0.99),
    ms(last, 0.5),
    ms(last, 0.99),
    ms(last, 1),
    String(unnoticed),
  ]);
}

let rows: string[][] = [];

function crashes(scale: number): void {
  const seeds = Math.max(1, Math.round(CRASH_SEEDS * scale));
  report("", `A crash among ${CRASH_SIZE}, ${seeds} seeds: time until it is known`);
  rows = [[
    ...["crash", "network", "each p50", "each p99", "last p50", "last p99", "last max"],
    "unnoticed",
  ]];
  for (const network of [GOOD, LOSS_10, LOSS_20, WIFI_LAN, WIFI_WIFI]) {
    crash("power", network, seeds);
  }
  crash("kill", GOOD, seeds);
  reportTable(rows);
}

/** Nobody crashes: every verdict is false. */
function quiet(size: number, network: NetworkCase, nodeSeconds: number): void {
  // With the replicas that every node of the program has, so that all its traffic is counted.
  const cluster = new SimulatedCluster({
    seed: size,
    size,
    config: network.config,
    partsOf: () => [
      new ReplicaPart("reminder", COLLECTIONS, MAX_SKEW_MS),
      new ReplicaPart("bans", [BANS], MAX_SKEW_MS),
    ],
  }).formed();
  const [reminder] = cluster.nodes[0]!.parts as readonly ReplicaPart[];
  reminder!.put([{
    collection: DONE,
    key: "cat-litter",
    value: { at: 0, by: "bench", how: "button" },
  }]);
  cluster.network.conditions = network.conditions;
  cluster.world.pass(5 * SECOND);
  let verdicts = 0;
  let suspicions = 0;
  const wronged = new Set<string>();
  for (const node of cluster.nodes) {
    node.bytesSent = 0;
    node.onEvent = (event) => {
      if (event.type !== "member") return;
      if (event.state === "suspect") suspicions++;
      if (event.state !== "failed") return;
      verdicts++;
      // One mistake is seen by all: counted once per member and second.
      wronged.add(`${event.id} ${Math.floor(cluster.world.now / SECOND)}`);
    };
  }
  const seconds = Math.round(nodeSeconds / size);
  cluster.world.pass(seconds * SECOND);
  const bytes = cluster.nodes.reduce((sum, node) => sum + node.bytesSent, 0) / size / seconds;
  rows.push([
    String(size),
    network.name,
    String(seconds * size),
    String(wronged.size),
    String(verdicts),
    String(suspicions),
    `${Math.round(bytes)} B/s`,
  ]);
}

function quietRuns(scale: number): void {
  report("", "Nobody crashes: members wrongly called failed, and bytes sent per node, headers too");
  rows = [["nodes", "network", "node-seconds", "wronged", "verdicts", "suspicions", "sent"]];
  for (const size of [3, 5, 50]) {
    for (const network of [GOOD, LOSS_10, LOSS_20, WIFI_LAN, WIFI_WIFI]) {
      quiet(size, network, QUIET_NODE_SECONDS * scale);
    }
  }
  reportTable(rows);
}

if (import.meta.main) {
  const [what = "all", scale = "1"] = Deno.args;
  report(machine());
  const started = performance.now();
  if (what === "crash" || what === "all") crashes(Number(scale));
  if (what === "quiet" || what === "all") quietRuns(Number(scale));
  report("", `took ${Math.round((performance.now() - started) / 1000)} s`);
}
