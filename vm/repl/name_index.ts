/**
 * The names of a program by their places, kept up to date while names come and go, so that a place is
 * told without looking at all names.
 */

import type { ProgramSymbol } from "../debug_info.ts";

type Section = ProgramSymbol["section"];

export class NameIndex {
  /** By value; of several at one place the one that was declared first. */
  readonly #sorted: Readonly<Record<Section, ProgramSymbol[]>> = { data: [], code: [] };

  /** In place of all that there were. */
  replace(symbols: Iterable<ProgramSymbol>): void {
    this.clear();
    for (const symbol of symbols) this.#sorted[symbol.section].push(symbol);
    for (const section of ["data", "code"] as const) {
      this.#sorted[section].sort((a, b) => a.value - b.value);
    }
  }

  add(symbol: ProgramSymbol): void {
    const symbols = this.#sorted[symbol.section];
    symbols.splice(after(symbols, symbol.value), 0, symbol);
  }

  remove(symbol: ProgramSymbol): void {
    const symbols = this.#sorted[symbol.section];
    const at = symbols.lastIndexOf(symbol, after(symbols, symbol.value) - 1);
    if (at >= 0) symbols.splice(at, 1);
  }

  clear(): void {
    this.#sorted.data.length = 0;
    this.#sorted.code.length = 0;
  }

  /** The names of a place, in the order of their declaration. */
  at(section: Section, value: number): readonly string[] {
    const symbols = this.#sorted[section];
    return symbols.slice(after(symbols, value - 1), after(symbols, value)).map(({ name }) => name);
  }

  /** The nearest label of the code; of several at one place the one that was declared last. */
  labelBefore(address: number): ProgramSymbol | undefined {
    return this.#sorted.code[after(this.#sorted.code, address) - 1];
  }
}

/** The index of the first symbol beyond a value. */
function after(symbols: readonly ProgramSymbol[], value: number): number {
  let [low, high] = [0, symbols.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (symbols[middle]!.value <= value) low = middle + 1;
    else high = middle;
  }
  return low;
}
