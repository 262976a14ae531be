/**
 * How soon a command answers: from source, without `deno task` around it, beside an empty program; all of them
 * in turn, so that what else the machine does meets them alike.
 *
 *     deno run -A --unstable-net bench/start.ts [rounds]
 */

import { machine, percentile, report, reportTable, timeCommands } from "./support.ts";

const ROUNDS = 30;
const ROOT = new URL("..", import.meta.url).pathname;

/** A program of one line beside --version, in milliseconds. */
const MAX_FIRST_PROGRAM_MS = 40;

if (import.meta.main) {
  const rounds = Number(Deno.args[0] ?? ROUNDS);
  report(machine(), "");
  const run = ["run", "-A", "--no-prompt", "--unstable-net"];
  const main = [...run, `${ROOT}main.ts`];
  const folder = await Deno.makeTempDir({ prefix: "toolkit-bench-" });
  const empty = `${folder}/empty.ts`;
  await Deno.writeTextFile(empty, "export {};\n");
  const program = `${folder}/one_line.iasm`;
  await Deno.writeTextFile(program, ".data .code load $0 #6 mul $0 $0 $0 prti $0 hlt\n");
  const cases: [string, string[]][] = [
    ["an empty program", [...run, empty]],
    ["main.ts --version", [...main, "--version"]],
    ["main.ts reminder --help", [...main, "reminder", "--help"]],
    ["main.ts cluster members, no node", [...main, "cluster", "members", "--data-dir", folder]],
    ["main.ts vm run, one line", [...main, "vm", "run", program]],
  ];
  const times = await timeCommands(rounds, cases.map(([, args]) => args));
  await Deno.remove(folder, { recursive: true });
  const ms = (times: readonly number[], part: number) =>
    `${Math.round(percentile(times, part))} ms`;
  reportTable([
    [`${rounds} rounds`, "min", "p50", "p99"],
    ...cases.map((
      [name],
      index,
    ) => [name, ...[0, 0.5, 0.99].map((part) => ms(times[index]!, part))]),
  ]);
  const above = (part: number) => percentile(times[4]!, part) - percentile(times[1]!, part);
  report(
    "",
    `vm run of one line takes ${above(0.5).toFixed(1)} ms more than --version at the median, ` +
      `${above(0).toFixed(1)} ms at the minimum (at most ${MAX_FIRST_PROGRAM_MS} ms)`,
  );
}
