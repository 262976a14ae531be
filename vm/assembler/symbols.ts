/** What names mean, once everything has its place. */

import type { ProgramSymbol } from "../debug_info.ts";
import type { Diagnostics } from "./diagnostics.ts";
import { type Layout, valueOfLabel } from "./layout.ts";
import { nearest } from "../../cluster/nearest.ts";
import type { Label, Sections } from "./sections.ts";
import type { Token } from "./tokens.ts";

/** Reports a name that nobody declared, and says undefined. */
export type Resolve = (symbol: Token) => ProgramSymbol | undefined;

/** The labels of a source, and names that are known from elsewhere, which labels win over. */
export class Symbols {
  readonly #labels: ReadonlyMap<string, Label>;
  readonly #layout: Layout;
  readonly #entry: number;
  readonly #known: ReadonlyMap<string, ProgramSymbol>;

  constructor(
    { labels }: Sections,
    layout: Layout,
    entry: number,
    known: ReadonlyMap<string, ProgramSymbol>,
  ) {
    this.#labels = labels;
    this.#layout = layout;
    this.#entry = entry;
    this.#known = known;
  }

  find(name: string): ProgramSymbol | undefined {
    const label = this.#labels.get(name);
    return label === undefined ? this.#known.get(name) : this.#symbolOf(label);
  }

  /** Those of the source, in its order. */
  declared(): ProgramSymbol[] {
    return Array.from(this.#labels.values(), (label) => this.#symbolOf(label));
  }

  names(): Set<string> {
    return new Set([...this.#known.keys(), ...this.#labels.keys()]);
  }

  #symbolOf(label: Label): ProgramSymbol {
    const { name, section } = label;
    return { name, section, value: valueOfLabel(label, this.#layout, this.#entry) };
  }
}

export function resolver(symbols: Symbols, diagnostics: Diagnostics): Resolve {
  return (token) => {
    const symbol = symbols.find(token.text);
    if (symbol === undefined) {
      const hint = diagnostics.didYouMean(() => nearest(token.text, symbols.names()));
      const shown = token.text.length > 40 ? `${token.text.slice(0, 40)}…` : token.text;
      diagnostics.error("UndefinedSymbol", token, `no label "${shown}"`, hint);
    }
    return symbol;
  };
}
