/** What all benchmarks share: percentiles, tables, and a line about the machine. */

import { formatTable } from "../cli/table.ts";

/** The value below which `part` (0 to 1) of the values lie. */
export function percentile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? NaN;
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
