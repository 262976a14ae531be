/** What all benchmarks share: percentiles, tables, processes' CPU time, and a line about the machine. */

import { formatTable } from "../cli/table.ts";
import type { Json, Params } from "../cluster/control.ts";

/** The value below which `part` (0 to 1) of the values lie. */
export function percentile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? NaN;
}

/** So that a mean of ratios does not depend on which way round they are. */
export function geometricMean(values: readonly number[]): number {
  return Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
}

/** Milliseconds of commands from source, one of each in every round, so that noise meets all of them. */
export async function timeCommands(
  rounds: number,
  commands: readonly (readonly string[])[],
): Promise<number[][]> {
  const times: number[][] = commands.map(() => []);
  for (let round = 0; round < rounds; round++) {
    for (const [index, args] of commands.entries()) {
      const started = performance.now();
      const { code } = await new Deno.Command(Deno.execPath(), { args: [...args] }).output();
      times[index]!.push(performance.now() - started);
      if (code > 3) throw new Error(`${args.join(" ")} ended with ${code}`);
    }
  }
  return times;
}

export function report(...lines: readonly string[]): void {
  // deno-lint-ignore no-console -- a benchmark reports
  for (const line of lines) console.log(line);
}

export function reportTable(rows: readonly (readonly string[])[]): void {
  report(...formatTable(rows));
}

export function machine(): string {
  const { total } = Deno.systemMemoryInfo();
  return `${Deno.build.target}, ${navigator.hardwareConcurrency} cores, ` +
    `${Math.round(total / 2 ** 30)} GiB, Deno ${Deno.version.deno}, load ${
      Deno.loadavg().map((load) => load.toFixed(1)).join(" ")
    }`;
}

/** The kernel counts CPU time in hundredths of a second (USER_HZ). */
const TICK_MS = 10;

/** Milliseconds of CPU that a process has used so far, from /proc/PID/stat (proc(5), 14 and 15). */
export function cpuMs(pid: number): number {
  const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

/** Resident memory of a process in bytes, from /proc/PID/status. */
export function residentBytes(pid: number): number {
  const status = Deno.readTextFileSync(`/proc/${pid}/status`);
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)![1]) * 1024;
}

/** A running node's answer over its control socket. */
export async function askNode(dataDir: string, method: string, params: Params = {}): Promise<Json> {
  using connection = await Deno.connect({ transport: "unix", path: `${dataDir}/control.sock` });
  const request = new TextEncoder().encode(`${JSON.stringify({ method, params })}\n`);
  await connection.write(request);
  let text = "";
  for await (const part of connection.readable.pipeThrough(new TextDecoderStream() as never)) {
    text += part;
    if (text.endsWith("\n")) break;
  }
  const answer = JSON.parse(text);
  if (answer.error !== undefined) throw new Error(answer.error.message);
  return answer.result;
}
