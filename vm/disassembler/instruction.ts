/** Four bytes as a line of source. */

import type { ProgramSymbol } from "../debug_info.ts";
import type { Image } from "../image.ts";
import { BY_NUMBER, ISA, type Mnemonic, type OperandKind, REGISTER_COUNT } from "../isa.ts";

/** What places are called. */
export interface PlaceNames {
  at(section: ProgramSymbol["section"], value: number): readonly string[];
}

/** The instruction at an address, if the assembler would give it exactly these four bytes. */
export function mnemonicAt({ bytes, version }: Image, at: number): Mnemonic | undefined {
  const mnemonic = BY_NUMBER[bytes[at]!];
  if (mnemonic === undefined || ISA[mnemonic].version > version) return undefined;
  const used = [false, false, false];
  let next = 1;
  for (const kind of ISA[mnemonic].operands) {
    const [from, count] = placeOf(kind, next, version);
    if ((kind === "reg" || kind === "freg") && bytes[at + from]! >= REGISTER_COUNT) {
      return undefined;
    }
    used.fill(true, from - 1, from - 1 + count);
    next = from + count;
  }
  const isClean = used.every((isUsed, index) => isUsed || bytes[at + 1 + index] === 0);
  return isClean ? mnemonic : undefined;
}

/** First byte of an operand, the next free one being `next`, and how many bytes it has. */
function placeOf(kind: OperandKind, next: number, version: number): readonly [number, number] {
  switch (kind) {
    case "reg":
    case "freg":
    case "count8":
      return [next, 1];
    case "imm16":
      return [2, 2];
    case "count16":
      return [1, 2];
    case "address":
    case "offset":
      return [1, version > 0 ? 3 : 2];
  }
}

/** The address in the operand bytes of a jump. */
export function addressAt({ bytes, version }: Image, at: number): number {
  const low = bytes[at + 1]! << 8 | bytes[at + 2]!;
  return version > 0 ? bytes[at + 3]! << 16 | low : low;
}

export function instructionText(image: Image, at: number, names: PlaceNames): string {
  const { bytes } = image;
  const mnemonic = mnemonicAt(image, at);
  if (mnemonic === undefined) return `.word #0x${bytes.subarray(at, at + 4).toHex()}`;
  const words = [mnemonic.toLowerCase()];
  let next = at + 1;
  for (const kind of ISA[mnemonic].operands) {
    switch (kind) {
      case "reg":
      case "freg":
        words.push(`$${bytes[next++]!}`);
        break;
      case "imm16":
        words.push(`#${bytes[at + 2]! << 8 | bytes[at + 3]!}`);
        break;
      case "count16":
        words.push(`#${bytes[at + 1]! << 8 | bytes[at + 2]!}`);
        break;
      case "count8":
        // 0 and nothing mean the same.
        if (bytes[next]! !== 0) words.push(`#${bytes[next]!}`);
        break;
      case "address":
      case "offset": {
        const address = addressAt(image, at);
        const name = names.at(kind === "address" ? "code" : "data", address)[0];
        words.push(name === undefined ? `#${address}` : `@${name}`);
        break;
      }
    }
  }
  return words.join(" ");
}
