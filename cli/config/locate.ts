/** Finds the line of a setting in a TOML file, for error messages; the parser does not tell it. */

/** The line, counted from 1, where `path` is set or its table begins; undefined if it is not found. */
export function lineOf(toml: string, path: readonly (string | number)[]): number | undefined {
  const wanted = path.join(".");
  const arrayCounts = new Map<string, number>();
  let table: string[] = [];
  let best: { readonly line: number; readonly length: number } | undefined;
  toml.split("\n").forEach((text, index) => {
    const arrayHeader = /^\s*\[\[([^\]]+)\]\]/.exec(text);
    const header = arrayHeader ?? /^\s*\[([^\]]+)\]/.exec(text);
    let here: string[] | undefined;
    if (header !== null) {
      const name = keysOf(header[1]!).join(".");
      if (arrayHeader !== null) arrayCounts.set(name, (arrayCounts.get(name) ?? -1) + 1);
      const count = arrayCounts.get(name);
      table = [...keysOf(header[1]!), ...(count === undefined ? [] : [String(count)])];
      here = table;
    } else {
      const key = /^\s*([A-Za-z0-9_\-."' ]+?)\s*=/.exec(text);
      if (key !== null) here = [...table, ...keysOf(key[1]!)];
    }
    if (here === undefined) return;
    const found = here.join(".");
    // The setting itself, or the nearest table around it that stands in the file.
    if (found !== wanted && !wanted.startsWith(`${found}.`)) return;
    if (best === undefined || found.length > best.length) {
      best = { line: index + 1, length: found.length };
    }
  });
  return best?.line;
}

function keysOf(dotted: string): string[] {
  return dotted.split(".").map((key) => key.trim().replace(/^(["'])(.*)\1$/, "$2"));
}
