/**
 * Where everything stands. Addresses depend on the length of what is in front of them, which depends
 * on one question only: does an address need more than 16 bits? So everything is placed as if none
 * did, and, if that fails, once more with each `load $n @label` as LOAD and LUI (B17). An image of
 * version 1 whose addresses are short keeps the short form.
 */

import { MAX_ADDRESS } from "../image.ts";
import { INSTRUCTION_BYTES, ISA } from "../isa.ts";
import { sizeOfData } from "./data.ts";
import type { Diagnostics } from "./diagnostics.ts";
import { asImmediate, describe, INT32 } from "./operands.ts";
import type { DirectiveStatement, InstructionStatement } from "./parser.ts";
import type { Label, Sections } from "./sections.ts";

/** LOAD alone holds 0 to this; what is larger or negative takes a LUI besides (B8). */
export const MAX_LOAD = 0xffff;

export interface Layout {
  /** Offset of each item of .data, and at last their end. Sums of hostile lengths are still exact. */
  readonly data: Float64Array;
  /** Offset of each item of .code from the first one, and at last their end. */
  readonly code: Float64Array;
  /** Whether labels are loaded by two instructions. */
  readonly wide: boolean;
}

/** Reports what is wrong with the operands of directives on the way. */
export function place(sections: Sections, diagnostics: Diagnostics): Layout {
  const data = new Float64Array(sections.data.length + 1);
  sections.data.forEach((directive, item) => {
    data[item + 1] = data[item]! + sizeOfData(directive, diagnostics);
  });
  sections.code.forEach((item, index) => {
    if (item.kind !== "directive") return;
    checkRawCode(item, index === sections.code.length - 1, diagnostics);
  });
  return { data, code: placeCode(sections, false), wide: false };
}

export function widen(layout: Layout, sections: Sections): Layout {
  return { ...layout, code: placeCode(sections, true), wide: true };
}

/**
 * Whether an operand needs more than 16 bits: a label that is used, or an address given as a number.
 * `labelsFit` spares looking the labels up.
 */
export function needsWide(
  { code }: Sections,
  labelsFit: boolean,
  valueOf: (name: string) => number | undefined,
): boolean {
  const limit = MAX_ADDRESS[0]!;
  // From the end: what stands there uses labels that are far away, as a rule.
  for (let last = code.length - 1; last >= 0; last--) {
    const item = code[last]!;
    if (item.kind !== "instruction") continue;
    const shape = ISA[item.mnemonic].operands;
    for (let index = 0; index < item.operandCount; index++) {
      const kind = item.kindOf(index);
      if (kind === "symbol") {
        if (!labelsFit && (valueOf(item.operand(index).text) ?? 0) > limit) return true;
      } else if (kind === "integer" && item.valueOf(index) > limit) {
        if (shape[index] === "address" || shape[index] === "offset") return true;
      }
    }
  }
  return false;
}

/** Offset into the read-only data, or address in an image whose first instruction is at `entry`. */
export function valueOfLabel({ section, item }: Label, layout: Layout, entry: number): number {
  return section === "data" ? layout.data[item]! : entry + layout.code[item]!;
}

function placeCode({ code }: Sections, wide: boolean): Float64Array {
  const offsets = new Float64Array(code.length + 1);
  let offset = 0;
  for (let index = 0; index < code.length; index++) {
    offset += sizeOfCode(code[index]!, wide);
    offsets[index + 1] = offset;
  }
  return offsets;
}

function sizeOfCode(item: InstructionStatement | DirectiveStatement, wide: boolean): number {
  if (item.kind === "directive") {
    return item.operands.length * (item.name === ".byte" ? 1 : INSTRUCTION_BYTES);
  }
  if (item.mnemonic !== "LOAD") return INSTRUCTION_BYTES;
  if (item.operandCount < 2) return INSTRUCTION_BYTES;
  const [kind, value] = [item.kindOf(1), item.valueOf(1)];
  const isTwo = kind === "symbol" && wide ||
    kind === "integer" && !(value >= 0 && value <= MAX_LOAD);
  return isTwo ? 2 * INSTRUCTION_BYTES : INSTRUCTION_BYTES;
}

/** `.word` is any instruction; `.byte` is what is there of a last one that is cut off. */
function checkRawCode(
  directive: DirectiveStatement,
  isLast: boolean,
  diagnostics: Diagnostics,
): void {
  const { name, operands } = directive;
  if (operands.length === 0) {
    diagnostics.error("OperandMismatch", directive, `${name} needs integers`);
  }
  if (name === ".byte" && (!isLast || operands.length >= INSTRUCTION_BYTES)) {
    const message = ".byte in .code is for up to three bytes at its end";
    diagnostics.error("WrongSection", directive, message, ".word #0x10000000 is any instruction");
  }
  const range = name === ".byte" ? { min: 0, max: 0xff } : INT32;
  for (const operand of operands) {
    if (operand.kind === "integer") asImmediate(operand, range, diagnostics);
    else if (operand.kind !== "invalid") {
      const message = `${name} in .code takes integers, got ${describe(operand)}`;
      diagnostics.error("OperandMismatch", operand, message);
    }
  }
}
