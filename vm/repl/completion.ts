/** What a word that has been begun may become: a command, a mnemonic or a label. */

import type { ProgramSymbol } from "../debug_info.ts";
import { MNEMONICS } from "../isa.ts";
import { COMMANDS } from "./commands.ts";

/** A name that the program has. */
export type Label = Pick<ProgramSymbol, "name" | "section">;

export interface Completion {
  /** What is in front of the cursor and will be replaced. */
  readonly word: string;
  /** All that the word may become, sorted. */
  readonly candidates: readonly string[];
}

/** Completes what stands in front of the cursor. */
export function complete(before: string, labels: readonly Label[]): Completion {
  const line = before.trimStart();
  const word = /\S*$/.exec(before)![0];
  return {
    word,
    candidates: namesFor(line, word, labels).filter((name) => name.startsWith(word)).sort(),
  };
}

function namesFor(line: string, word: string, labels: readonly Label[]): string[] {
  if (line.startsWith("!")) {
    if (line === word) return [...COMMANDS.keys()];
    const command = COMMANDS.get(line.split(/\s/, 1)[0]!);
    if (command?.takesLabel !== true) return [];
    const code = labels.filter(({ section }) => section === "code");
    return code.map(({ name }) => word.startsWith("@") ? `@${name}` : name);
  }
  if (word.startsWith("@")) return labels.map(({ name }) => `@${name}`);
  // Nothing begun: everything would be possible, which helps nobody.
  if (!/^[a-z]/i.test(word)) return [];
  const isUpper = word === word.toUpperCase();
  return MNEMONICS.map((name) => isUpper ? name : name.toLowerCase());
}

/** The longest text that all of them begin with. */
export function commonStart(names: readonly string[]): string {
  const [first = "", ...others] = names;
  let length = first.length;
  for (const name of others) {
    while (!name.startsWith(first.slice(0, length))) length--;
  }
  return first.slice(0, length);
}
