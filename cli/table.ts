/** Columns that line up. */

import { visibleLength } from "./ansi.ts";

/** Rows of cells as lines; the last column is not padded. Widths count characters, not colour codes. */
export function formatTable(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, column) => {
      widths[column] = Math.max(widths[column] ?? 0, visibleLength(cell));
    });
  }
  return rows.map((row) =>
    row.map((cell, column) =>
      column === row.length - 1 ? cell : cell + " ".repeat(widths[column]! - visibleLength(cell))
    ).join("  ").trimEnd()
  );
}
