/**
 * Five hosts in network namespaces, the real program on each: how long until `kill -9` is known
 * everywhere, and until a healed partition is one again. Beside it, serf on the same hosts if it is
 * installed. Needs root, iproute2 and nftables.
 *
 *     deno run -A --unstable-net bench/cluster/house.ts [tries]
 */

import { House } from "../../tests/lab/house.ts";
import { Lab } from "../../tests/lab/lab.ts";
import type { TestProcess } from "../../tests/support/process.ts";
import type { TestNode } from "../../tests/support/toolkit.ts";
import { pause, waitFor } from "../../tests/support/wait.ts";
import { isInstalled } from "../../tests/support/requirements.ts";
import { machine, percentile, report, reportTable } from "../support.ts";

const HOSTS = 5;
const TRIES = 20;
const PARTITION_TRIES = 5;
const PARTITION_MS = 10_000;
const LIMIT_MS = 60_000;

/** Milliseconds until `count` lines that match have come from each process since `before`. */
async function untilAllSay(
  processes: readonly TestProcess[],
  pattern: RegExp,
  counts: readonly number[],
): Promise<number> {
  const started = performance.now();
  const isDone = () =>
    processes.every((process, index) => countOf(process, pattern) > counts[index]!);
  await waitFor(`all say ${pattern}`, isDone, LIMIT_MS).catch((error) => {
    const said = processes.map(({ name, stdout, stderr }) => `${name}:\n${stdout}${stderr}`);
    throw new Error([error.message, ...said].join("\n"));
  });
  return performance.now() - started;
}

function countOf({ stdout, stderr }: TestProcess, pattern: RegExp): number {
  return (stdout + stderr).match(new RegExp(pattern, "g"))?.length ?? 0;
}

/** Kills one host's process after another, each back before the next; how long each was unnoticed. */
async function kills(tries: number): Promise<number[]> {
  const took: number[] = [];
  await using house = await House.make(HOSTS);
  for (let i = 0; i < tries; i++) {
    const victim = 1 + i % (HOSTS - 1);
    const others = house.nodes.filter((_, host) => host !== victim).map(({ process }) => process);
    const pattern = new RegExp(`${house.aliases[victim]} .*has failed`);
    const counts = others.map((process) => countOf(process, pattern));
    // At any moment of the others' periods.
    await pause(i * 37 % 250);
    const killed = house.nodes[victim]!.kill();
    took.push(await untilAllSay(others, pattern, counts));
    await killed;
    await house.start(victim);
    await house.isWhole(20_000);
  }
  return took;
}

async function serfKills(tries: number): Promise<number[]> {
  const took: number[] = [];
  await using lab = await Lab.make(HOSTS);
  await using stack = new AsyncDisposableStack();
  const start = (host: number) =>
    stack.use(lab.start(host, `serf ${host}`, ...[
      ...["serf", "agent", `-node=host${host}`, `-bind=${lab.address(host)}:7946`],
      ...["-profile=lan", `-retry-join=${lab.address(0)}:7946`, "-retry-interval=1s"],
    ]));
  const agents = Array.from({ length: HOSTS }, (_, host) => start(host));
  const whole = async () => {
    for (let host = 0; host < HOSTS; host++) {
      const alive = async () =>
        (await lab.exec(host, "serf", "members", "-status=alive")).trim().split("\n").length;
      await waitFor("serf is whole", async () => await alive() === HOSTS, LIMIT_MS);
    }
  };
  await whole();
  for (let i = 0; i < tries; i++) {
    const victim = 1 + i % (HOSTS - 1);
    const others = agents.filter((_, host) => host !== victim);
    const pattern = new RegExp(`EventMemberFailed: host${victim}`);
    const counts = others.map((process) => countOf(process, pattern));
    await pause(i * 137 % 1_000);
    agents[victim]!.signal("SIGKILL");
    took.push(await untilAllSay(others, pattern, counts));
    agents[victim] = start(victim);
    await whole();
  }
  return took;
}

/** Cuts two hosts from three, lets both press, heals; how long until all is one again. */
async function heals(tries: number): Promise<number[]> {
  const took: number[] = [];
  await using house = await House.make(HOSTS);
  const { lab, nodes } = house;
  for (let i = 0; i < tries; i++) {
    await lab.partition([0, 1], [2, 3, 4]);
    await pause(PARTITION_MS / 2);
    await nodes[0]!.run("reminder", "done", "cat-litter");
    await nodes[4]!.run("reminder", "done", "cat-litter");
    await pause(PARTITION_MS / 2);
    await lab.heal();
    const healed = performance.now();
    await Promise.all([
      ...nodes.map((node) => untilDoneBy(node, "garden", 2 * (i + 1))),
      house.isWhole(LIMIT_MS),
    ]);
    took.push(performance.now() - healed);
  }
  return took;
}

/** Until this node shows the last press and has all presses in its history. */
async function untilDoneBy(node: TestNode, alias: string, presses: number): Promise<void> {
  await waitFor("one state", async () => {
    const { reminders } = await node.json("reminder", "status") as {
      reminders: { done_by: string }[];
    };
    const { stdout } = await node.run("reminder", "history", "--json");
    return reminders[0]?.done_by === alias && stdout.trim().split("\n").length === presses;
  }, LIMIT_MS);
}

function row(what: string, values: readonly number[]): string[] {
  const ms = (part: number) => `${Math.round(percentile(values, part))} ms`;
  return [what, String(values.length), ms(0.5), ms(1)];
}

if (import.meta.main) {
  const tries = Number(Deno.args[0] ?? TRIES);
  report(machine(), "");
  const rows = [["five hosts", "tries", "p50", "max"]];
  const ours = await kills(tries);
  rows.push(row("kill -9 known everywhere", ours));
  if (isInstalled("serf")) {
    const serf = await serfKills(tries);
    rows.push(row("the same, serf agent -profile=lan", serf));
    const ratio = percentile(serf, 0.5) / percentile(ours, 0.5);
    rows.push(["serf / toolkit, p50", "", ratio.toFixed(1), ""]);
  }
  rows.push(row("partition 3|2 of 10 s healed: one state", await heals(PARTITION_TRIES)));
  reportTable(rows);
}
