/** Completes the path behind `!load_file` and `!spawn`, from the files of this host. */

import { COMMANDS } from "../repl/commands.ts";
import type { Completion } from "../repl/completion.ts";

/** Undefined if no path stands in front of the cursor. */
export function completePath(before: string): Completion | undefined {
  const match = /^\s*(!\w+)\s+(\S*)$/.exec(before);
  if (match === null || COMMANDS.get(match[1]!)?.takesPath !== true) return undefined;
  const word = match[2]!;
  const slash = word.lastIndexOf("/") + 1;
  const [folder, start] = [word.slice(0, slash), word.slice(slash)];
  return { word, candidates: namesIn(folder, start).map((name) => folder + name) };
}

/** Folders with a slash behind; what cannot be read has no names. */
function namesIn(folder: string, start: string): string[] {
  try {
    const entries = [...Deno.readDirSync(folder === "" ? "." : folder)];
    return entries
      .filter(({ name }) => name.startsWith(start) && (start !== "" || !name.startsWith(".")))
      .map(({ name, isDirectory }) => isDirectory ? `${name}/` : name)
      .sort();
  } catch {
    return [];
  }
}
