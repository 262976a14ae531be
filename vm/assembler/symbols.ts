/** What names mean, once everything has its place. */

import type { ProgramSymbol } from "../debug_info.ts";
import type { Diagnostics } from "./diagnostics.ts";
import { type Layout, valueOfLabel } from "./layout.ts";
import { nearest } from "../../cluster/nearest.ts";
import type { Sections } from "./sections.ts";
import type { Token } from "./tokens.ts";

/** Reports a name that nobody declared, and says undefined. */
export type Resolve = (symbol: Token) => ProgramSymbol | undefined;

export function symbolsOf(
  { labels }: Sections,
  layout: Layout,
  entry: number,
): Map<string, ProgramSymbol> {
  const symbols = new Map<string, ProgramSymbol>();
  for (const label of labels.values()) {
    const { name, section } = label;
    symbols.set(name, { name, section, value: valueOfLabel(label, layout, entry) });
  }
  return symbols;
}

/** `known` are names from elsewhere; those of the source go before. */
export function resolver(
  symbols: ReadonlyMap<string, ProgramSymbol>,
  diagnostics: Diagnostics,
  known: ReadonlyMap<string, ProgramSymbol> = new Map(),
): Resolve {
  return (token) => {
    const symbol = symbols.get(token.text) ?? known.get(token.text);
    if (symbol === undefined) {
      const names = () => [...symbols.keys(), ...known.keys()];
      const hint = diagnostics.didYouMean(() => nearest(token.text, names()));
      const shown = token.text.length > 40 ? `${token.text.slice(0, 40)}…` : token.text;
      diagnostics.error("UndefinedSymbol", token, `no label "${shown}"`, hint);
    }
    return symbol;
  };
}
