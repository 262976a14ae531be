/** Which label and which line of source each instruction of an image belongs to. */

import { type DebugInfo, debugInfoIn } from "./debug_info.ts";
import { instructionText } from "./disassembler/instruction.ts";
import { inventNames, Names } from "./disassembler/names.ts";
import type { Image } from "./image.ts";
import { INSTRUCTION_BYTES } from "./isa.ts";

export interface CodeLabel {
  readonly name: string;
  readonly address: number;
  /** Whether the image names it; else the name is the one that `vm disasm` gives. */
  readonly isKnown: boolean;
}

export class CodeMap {
  /** By address, one at each. */
  readonly labels: readonly CodeLabel[];
  /** Undefined if the image does not tell its lines. */
  readonly #debug: DebugInfo | undefined;
  readonly #image: Image;
  readonly #names: Names;

  constructor(image: Image) {
    this.#image = image;
    this.#debug = debugInfoIn(image);
    this.#names = new Names(image);
    const { entry, bytes: { length } } = image;
    const known = new Set<number>();
    for (let at = entry; at < length; at += INSTRUCTION_BYTES) {
      if (this.#names.at("code", at).length > 0) known.add(at);
    }
    // Where names are known they say what their author found worth it; blocks would only split them.
    if (known.size === 0) inventNames(image, this.#names);
    const labels: CodeLabel[] = [];
    for (let address = entry; address < length; address += INSTRUCTION_BYTES) {
      const [name] = this.#names.at("code", address);
      if (name !== undefined) labels.push({ name, address, isKnown: known.has(address) });
    }
    this.labels = labels;
  }

  get hasLines(): boolean {
    return this.#debug !== undefined;
  }

  lineOf(address: number): number | undefined {
    return this.#debug?.lineOf(address);
  }

  /** The instruction there as source. */
  textOf(address: number): string {
    return instructionText(this.#image, address, this.#names);
  }

  /** The index of the nearest label at or before an address; -1 if there is none. */
  labelBefore(address: number): number {
    let [low, high] = [0, this.labels.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.labels[middle]!.address <= address) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  /** "again + 8"; empty if there is no label before it, or no instruction there. */
  placeOf(address: number): string {
    if (address >= this.#image.bytes.length) return "";
    const label = this.labels[this.labelBefore(address)];
    if (label === undefined) return "";
    const offset = address - label.address;
    return offset === 0 ? label.name : `${label.name} + ${offset}`;
  }
}
