/**
 * From a press on one of five nodes on loopback to the light of each other one; beside it, the same
 * message through an MQTT broker, if mosquitto is installed. The broker keeps nothing on disk and
 * encrypts nothing; the nodes do both.
 *
 *     deno run -A --unstable-net bench/reminder/press.ts [presses]
 */

import { DemoNode } from "../../examples/demo/node.ts";
import { writeKeyFile } from "../../cluster/keys.ts";
import { pause, waitFor } from "../../tests/support/wait.ts";
import { isInstalled } from "../../tests/support/requirements.ts";
import { askNode, cpuMs, machine, percentile, report, reportTable } from "../support.ts";

const NODES = 5;
const PRESSES = 200;
/** A light that turns dark green soon, so that each press is seen as light green. */
const CONFIG = `[discovery]
mdns = false
[[reminder]]
name = "cat-litter"
thresholds = { dark_green = "250ms", orange = "10h", red = "20h", blink = "30h" }
night = "off"
`;

interface Result {
  /** Milliseconds from the press to each other light. */
  readonly each: number[];
  readonly cpuMsPerPress: number;
}

async function toolkitPresses(folder: string, presses: number): Promise<Result> {
  await Deno.writeTextFile(`${folder}/toolkit.toml`, CONFIG);
  await writeKeyFile(`${folder}/cluster.key`);
  const nodes: DemoNode[] = [];
  try {
    for (let i = 0; i < NODES; i++) {
      const join = nodes.slice(0, 1).map(({ address }) => address);
      const node = new DemoNode({ alias: `node${i}`, folder, join });
      nodes.push(node);
      await node.start();
    }
    for (const node of nodes) {
      await waitFor("the mesh", async () => {
        const status = await askNode(node.dataDir, "node.status") as { members_living: number };
        return status.members_living === NODES;
      });
    }
    const cpu = () => nodes.reduce((sum, { pid }) => sum + cpuMs(pid), 0);
    const each: number[] = [];
    const cpuBefore = cpu();
    for (let i = 0; i < presses; i++) {
      const presser = nodes[i % NODES]!;
      const others = nodes.filter((node) => node !== presser);
      const at = performance.now();
      const lit = others.map((node) => node.says(/cat-litter: light green/, at));
      await askNode(presser.dataDir, "reminder.done", { name: "cat-litter" });
      const turned = nodes.map((node) => node.says(/cat-litter: dark green/, at));
      for (const { at: seen } of await Promise.all(lit)) each.push(seen - at);
      await Promise.all(turned);
    }
    return { each, cpuMsPerPress: (cpu() - cpuBefore) / presses };
  } finally {
    for (const node of nodes) await node.stop();
  }
}

async function mosquittoPresses(folder: string, presses: number): Promise<Result> {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const port = String(listener.addr.port);
  listener.close();
  const conf = `${folder}/mosquitto.conf`;
  await Deno.writeTextFile(conf, `listener ${port} 127.0.0.1\nallow_anonymous true\nuser root\n`);
  const children: Deno.ChildProcess[] = [];
  const spawn = (program: string, ...args: string[]) => {
    const streams = { stdin: "piped", stdout: "piped", stderr: "null" } as const;
    const child = new Deno.Command(program, { args, ...streams }).spawn();
    children.push(child);
    return child;
  };
  try {
    spawn("mosquitto", "-c", conf);
    await pause(500);
    const common = ["-h", "127.0.0.1", "-p", port, "-t", "press", "-q", "1"];
    const lights = Array.from({ length: NODES - 1 }, () => spawn("mosquitto_sub", ...common));
    const button = spawn("mosquitto_pub", "-l", ...common).stdin.getWriter();
    await pause(500);
    const readers = lights.map(({ stdout }) => stdout.getReader());
    const cpu = () => children.reduce((sum, { pid }) => sum + cpuMs(pid), 0);
    const each: number[] = [];
    const cpuBefore = cpu();
    for (let i = 0; i < presses; i++) {
      await pause(50);
      const at = performance.now();
      const seen = readers.map((reader) => reader.read().then(() => performance.now() - at));
      await button.write(new TextEncoder().encode(`done ${i}\n`));
      each.push(...await Promise.all(seen));
    }
    return { each, cpuMsPerPress: (cpu() - cpuBefore) / presses };
  } finally {
    for (const child of children) child.kill("SIGKILL");
    await Promise.all(children.map(({ status }) => status));
  }
}

function row(what: string, { each, cpuMsPerPress }: Result): string[] {
  const ms = (part: number) => `${percentile(each, part).toFixed(1)} ms`;
  const cpu = `${cpuMsPerPress.toFixed(1)} ms`;
  return [what, String(each.length), ms(0.5), ms(0.99), ms(1), cpu];
}

if (import.meta.main) {
  const presses = Number(Deno.args[0] ?? PRESSES);
  report(machine(), "");
  const folder = await Deno.makeTempDir({ prefix: "toolkit-bench-" });
  try {
    const ours = await toolkitPresses(folder, presses);
    const rows = [["five nodes on loopback", "lights", "p50", "p99", "max", "CPU a press, all"]];
    rows.push(row("toolkit: kept on disk, encrypted", ours));
    if (isInstalled("mosquitto") && isInstalled("mosquitto_sub")) {
      const theirs = await mosquittoPresses(folder, presses);
      rows.push(row("mosquitto, QoS 1: neither", theirs));
      const ratio = (part: number) =>
        (percentile(ours.each, part) / percentile(theirs.each, part)).toFixed(1);
      rows.push(["toolkit / mosquitto", "", ratio(0.5), ratio(0.99), ratio(1), ""]);
    }
    reportTable(rows);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
