/** Addresses of a program as people read them. */

import type { ProgramSymbol } from "../debug_info.ts";
import { instructionText } from "../disassembler/instruction.ts";
import { Names } from "../disassembler/names.ts";
import type { Image } from "../image.ts";
import { INSTRUCTION_BYTES } from "../isa.ts";

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
export function placeText(
  image: Image,
  symbols: readonly ProgramSymbol[],
  address: number,
): string {
  if (!isInstruction(image, address)) return String(address);
  const near = labelBefore(symbols, address);
  const offset = address - (near?.value ?? 0);
  const name = near === undefined ? "" : ` (${near.name}${offset === 0 ? "" : ` + ${offset}`})`;
  return `${address}${name}: ${textsAt(image, symbols, [address])[0]}`;
}

/** The nearest; of several at one place the one that was declared last. */
function labelBefore(symbols: Iterable<ProgramSymbol>, address: number): ProgramSymbol | undefined {
  let best: ProgramSymbol | undefined;
  for (const symbol of symbols) {
    if (symbol.section !== "code" || symbol.value > address) continue;
    if (best === undefined || symbol.value >= best.value) best = symbol;
  }
  return best;
}
