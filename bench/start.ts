/**
 * How soon a command answers: from source, without `deno task` around it, beside an empty program.
 *
 *     deno run -A --unstable-net bench/start.ts [runs]
 */

import { machine, percentile, report, reportTable } from "./support.ts";

const RUNS = 30;
const ROOT = new URL("..", import.meta.url).pathname;

async function timesOf(runs: number, args: readonly string[]): Promise<number[]> {
  const times: number[] = [];
  for (let i = 0; i < runs; i++) {
    const started = performance.now();
    const { code } = await new Deno.Command(Deno.execPath(), { args: [...args] }).output();
    times.push(performance.now() - started);
    if (code > 3) throw new Error(`${args.join(" ")} ended with ${code}`);
  }
  return times;
}

if (import.meta.main) {
  const runs = Number(Deno.args[0] ?? RUNS);
  report(machine(), "");
  const run = ["run", "-A", "--no-prompt", "--unstable-net"];
  const folder = await Deno.makeTempDir({ prefix: "toolkit-bench-" });
  const empty = `${folder}/empty.ts`;
  await Deno.writeTextFile(empty, "export {};\n");
  const main = `${ROOT}main.ts`;
  const cases: [string, string[]][] = [
    ["an empty program", [...run, empty]],
    ["main.ts --version", [...run, main, "--version"]],
    ["main.ts reminder --help", [...run, main, "reminder", "--help"]],
    ["main.ts cluster members, no node", [
      ...run,
      main,
      "cluster",
      "members",
      "--data-dir",
      folder,
    ]],
  ];
  const rows = [[`${runs} runs each`, "min", "p50", "p99"]];
  for (const [name, args] of cases) {
    const times = await timesOf(runs, args);
    const ms = (part: number) => `${Math.round(percentile(times, part))} ms`;
    rows.push([name, ms(0), ms(0.5), ms(0.99)]);
  }
  await Deno.remove(folder, { recursive: true });
  reportTable(rows);
}
