/** Addresses of a program as people read them. */

import type { ProgramSymbol } from "../debug_info.ts";
import { instructionText, type PlaceNames } from "../disassembler/instruction.ts";
import { isInside, Names } from "../disassembler/names.ts";
import type { Image } from "../image.ts";
import { INSTRUCTION_BYTES } from "../isa.ts";
import type { NameIndex } from "./name_index.ts";

/** Whether an instruction begins there. */
export function isInstruction({ entry, bytes }: Image, address: number): boolean {
  return address >= entry && address < bytes.length && address % INSTRUCTION_BYTES === 0;
}

/** The instructions at these addresses as source. */
export function textsAt(
  image: Image,
  symbols: Iterable<ProgramSymbol>,
  addresses: readonly number[],
): (string | undefined)[] {
  const names = new Names(image, symbols);
  return addresses.map((address) =>
    isInstruction(image, address) ? instructionText(image, address, names) : undefined
  );
}

/** "76 (again + 8): inc $0" as far as there is something to tell. */
export function placeText(image: Image, names: NameIndex, address: number): string {
  if (!isInstruction(image, address)) return String(address);
  const near = names.labelBefore(address);
  const offset = address - (near?.value ?? 0);
  const name = near === undefined ? "" : ` (${near.name}${offset === 0 ? "" : ` + ${offset}`})`;
  const inside: PlaceNames = {
    at: (section, value) => isInside(image, section, value) ? names.at(section, value) : [],
  };
  return `${address}${name}: ${instructionText(image, address, inside)}`;
}
