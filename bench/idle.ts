/**
 * What a node costs while nothing happens: five nodes on loopback, watched for a minute. Beside it, a
 * serf agent each, if it is installed: membership only.
 *
 *     deno run -A --unstable-net bench/idle.ts [seconds]
 */

import { TempDir, TestNode } from "../tests/support/toolkit.ts";
import { TestProcess } from "../tests/support/process.ts";
import { isInstalled } from "../tests/support/requirements.ts";
import { pause } from "../tests/support/wait.ts";
import { askNode, cpuMs, machine, report, reportTable, residentBytes } from "./support.ts";

const NODES = 5;
const SECONDS = 60;
/** Started and settled: the JIT and the first exchanges are not idling. */
const SETTLE_MS = 5_000;

interface Usage {
  /** Percent of one core. */
  readonly cpu: number;
  readonly bytes: number;
}

async function usageOf(pids: readonly number[], seconds: number): Promise<Usage[]> {
  await pause(SETTLE_MS);
  const before = pids.map(cpuMs);
  await pause(seconds * 1_000);
  return pids.map((pid, index) => ({
    cpu: (cpuMs(pid) - before[index]!) / (seconds * 10),
    bytes: residentBytes(pid),
  }));
}

function row(what: string, usages: readonly Usage[], rest: readonly string[]): string[] {
  const mean = usages.reduce((sum, { cpu }) => sum + cpu, 0) / usages.length;
  const worst = Math.max(...usages.map(({ cpu }) => cpu));
  const bytes = Math.max(...usages.map(({ bytes }) => bytes));
  const percent = (value: number) => `${value.toFixed(2)} %`;
  return [what, percent(mean), percent(worst), `${Math.round(bytes / 1e6)} MB`, ...rest];
}

async function toolkitRow(seconds: number): Promise<string[]> {
  await using dir = await TempDir.make();
  await using stack = new AsyncDisposableStack();
  const nodes: TestNode[] = [];
  for (let i = 0; i < NODES; i++) {
    const args = nodes.slice(0, 1).flatMap(({ address }) => ["--join", address]);
    const options = { alias: `node${i}`, dataDir: dir.file(`node${i}`), command: ["up"], args };
    nodes.push(stack.use(await TestNode.start(options)));
  }
  const usages = await usageOf(nodes.map(({ process }) => process.pid), seconds);
  const statuses = await Promise.all(
    nodes.map(({ options }) => askNode(options.dataDir, "node.status")),
  ) as { loop_delay_max_ms: number; bytes_sent: number; uptime_ms: number }[];
  const delay = Math.max(...statuses.map(({ loop_delay_max_ms }) => loop_delay_max_ms));
  return row("toolkit up", usages, [`${delay} ms`]);
}

async function serfRow(seconds: number): Promise<string[]> {
  await using stack = new AsyncDisposableStack();
  const agents = Array.from({ length: NODES }, (_, index) =>
    stack.use(
      new TestProcess(`serf ${index}`, [
        ...["serf", "agent", `-node=n${index}`, `-bind=127.0.0.1:${7900 + index}`],
        ...[`-rpc-addr=127.0.0.1:${7800 + index}`, "-retry-join=127.0.0.1:7900"],
        "-retry-interval=1s",
      ]),
    ));
  return row("serf agent", await usageOf(agents.map(({ pid }) => pid), seconds), ["–"]);
}

if (import.meta.main) {
  const seconds = Number(Deno.args[0] ?? SECONDS);
  report(machine(), "");
  const rows = [["five idle nodes", "CPU mean", "CPU worst", "resident", "loop delay, worst"]];
  rows.push(await toolkitRow(seconds));
  if (isInstalled("serf")) rows.push(await serfRow(seconds));
  reportTable(rows);
}
