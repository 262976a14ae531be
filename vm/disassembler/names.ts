/** Names for places in an image. */

import { debugInfoIn, type ProgramSymbol } from "../debug_info.ts";
import { HEADER_BYTES, type Image } from "../image.ts";
import { INSTRUCTION_BYTES, ISA } from "../isa.ts";
import { addressAt, mnemonicAt } from "./instruction.ts";

type Section = ProgramSymbol["section"];

const NONE: readonly string[] = [];

/** No name twice, and none outside of its section. */
export class Names {
  readonly #image: Image;
  readonly #byValue: Readonly<Record<Section, Map<number, string[]>>> = {
    data: new Map(),
    code: new Map(),
  };
  readonly #taken = new Set<string>();

  /** Takes these names and those of the image's debug information, as far as they are usable. */
  constructor(image: Image, symbols: Iterable<ProgramSymbol> = []) {
    this.#image = image;
    this.#takeAll(symbols);
    this.#takeAll(debugInfoIn(image)?.symbols ?? []);
  }

  at(section: Section, value: number): readonly string[] {
    return this.#byValue[section].get(value) ?? NONE;
  }

  /** Gives a place a name from what it is and where, if it is inside and has none. */
  invent(section: Section, value: number, what: string): void {
    if (this.at(section, value).length > 0 || !isInside(this.#image, section, value)) return;
    let name = `${what}_${value}`;
    while (this.#taken.has(name)) name += "_";
    this.#add(name, section, value);
  }

  /** Offsets into the read-only data that have names, ascending. */
  dataOffsets(): number[] {
    return [...this.#byValue.data.keys()].sort((a, b) => a - b);
  }

  #takeAll(symbols: Iterable<ProgramSymbol>): void {
    for (const { name, section, value } of symbols) {
      if (!this.#taken.has(name) && isInside(this.#image, section, value)) {
        this.#add(name, section, value);
      }
    }
  }

  #add(name: string, section: Section, value: number): void {
    this.#taken.add(name);
    const names = this.#byValue[section].get(value);
    if (names === undefined) this.#byValue[section].set(value, [name]);
    else names.push(name);
  }
}

/** The place behind the last whole instruction counts as inside: a label can stand there. */
export function isInside({ entry, bytes }: Image, section: Section, value: number): boolean {
  if (section === "data") return value >= 0 && value < entry - HEADER_BYTES;
  return value >= entry && value <= bytes.length && value % INSTRUCTION_BYTES === 0;
}

/** Names whatever the code refers to. */
export function inventNames(image: Image, names: Names): void {
  for (let at = image.entry; at < image.bytes.length; at += INSTRUCTION_BYTES) {
    const mnemonic = mnemonicAt(image, at);
    if (mnemonic === undefined) continue;
    const kind = ISA[mnemonic].operands[0];
    const value = addressAt(image, at);
    if (kind === "address") names.invent("code", value, mnemonic === "CALL" ? "sub" : "label");
    else if (kind === "offset") names.invent("data", value, "text");
  }
}
