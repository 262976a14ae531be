/** A profile as people and as programs read it. */

import { formatTable } from "../../cli/table.ts";
import type { Json } from "../../cluster/control.ts";
import type { CodeMap } from "../code_map.ts";
import type { Profiler } from "../profile.ts";

/** Rows of a table; what is left of the labels is one more row. */
const MAX_LABELS = 20;
const MAX_LINES = 10;

export function profileJson(profiler: Profiler, map: CodeMap): Json {
  const { total } = profiler;
  return profiler.byLabel(map).map(({ name, isKnown, address, line, instructions, calls }) => ({
    symbol: isKnown ? name! : null,
    address,
    line: line ?? null,
    instructions,
    share: instructions / total,
    calls,
  }));
}

/** The labels, and below them the lines, or single instructions if there are no lines. */
export function profileLines(profiler: Profiler, map: CodeMap): string[] {
  if (profiler.total === 0) return ["profile: no instruction was begun"];
  return [...labelTable(profiler, map), "", ...lineTable(profiler, map)];
}

function labelTable(profiler: Profiler, map: CodeMap): string[] {
  const { total } = profiler;
  const counts = profiler.byLabel(map);
  const rows = counts.slice(0, MAX_LABELS).map(({ name, address, line, instructions, calls }) => [
    name ?? "–",
    String(address),
    String(line ?? ""),
    ...countCells(instructions, total),
    calls === 0 ? "" : grouped(calls),
  ]);
  const rest = counts.slice(MAX_LABELS);
  if (rest.length > 0) {
    const sum = rest.reduce((sum, { instructions }) => sum + instructions, 0);
    rows.push([`${rest.length} more`, "", "", ...countCells(sum, total), ""]);
  }
  return table(["LABEL", "ADDRESS", "LINE", "INSTRUCTIONS", "SHARE", "CALLS"], rows, map);
}

function lineTable(profiler: Profiler, map: CodeMap): string[] {
  const { total } = profiler;
  const counts = profiler.byLine(map).slice(0, MAX_LINES);
  const rows = counts.map(({ line, address, instructions }) => [
    map.placeOf(address) || "–",
    String(address),
    String(line ?? ""),
    ...countCells(instructions, total),
    map.textOf(address),
  ]);
  return table(["HOTTEST", "ADDRESS", "LINE", "INSTRUCTIONS", "SHARE", "BEGINS WITH"], rows, map);
}

/** Numbers stand at the right; without lines there is no column for them. */
function table(
  heading: readonly string[],
  rows: readonly (readonly string[])[],
  { hasLines }: CodeMap,
): string[] {
  const all = [heading, ...rows];
  const widths = heading.map((_, column) => Math.max(...all.map((row) => row[column]!.length)));
  const isNumber = (column: number) => column > 0 && heading[column] !== "BEGINS WITH";
  const cells = all.map((row) =>
    row.map((cell, column) => isNumber(column) ? cell.padStart(widths[column]!) : cell)
  );
  return formatTable(hasLines ? cells : cells.map((row) => row.toSpliced(2, 1)));
}

function countCells(count: number, total: number): [string, string] {
  return [grouped(count), `${(100 * count / total).toFixed(1)} %`];
}

/** 1 234 567 */
function grouped(count: number): string {
  return String(count).replaceAll(/\B(?=(\d{3})+$)/g, " ");
}
