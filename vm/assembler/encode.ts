/** Instructions to bytes. The shape of the operands is checked against the instruction table (B10). */

import { assert } from "../../cluster/errors.ts";
import { MAX_ADDRESS } from "../image.ts";
import { ISA, type OperandKind, REGISTER_COUNT } from "../isa.ts";
import type { Diagnostics } from "./diagnostics.ts";
import { MAX_LOAD } from "./layout.ts";
import { reportMismatch } from "./mismatch.ts";
import { asImmediate, INT32, type Range } from "./operands.ts";
import type { InstructionStatement } from "./parser.ts";
import type { Resolve } from "./symbols.ts";

export interface EncodeContext {
  readonly diagnostics: Diagnostics;
  readonly resolve: Resolve;
  /** Whether labels are loaded by two instructions, and addresses may have 24 bits. */
  readonly wide: boolean;
}

const UINT16 = { min: 0, max: 0xffff } as const;
/** LUI's 16 bits are a pattern, which Iridium takes from negative numbers as well. */
const BITS16 = { min: -0x8000, max: 0xffff } as const;
const COUNT = { min: 0, max: 0xff } as const;
/** Longer shifts count modulo 32. */
const MAX_SHIFT = 31;

/** Puts an instruction (two, for a wide LOAD) into `code` from `at`, which is zero so far. */
export function encodeInstruction(
  instruction: InstructionStatement,
  code: Uint8Array,
  at: number,
  context: EncodeContext,
): void {
  const { mnemonic, operandCount } = instruction;
  const { number, operands: shape } = ISA[mnemonic];
  code[at] = number;
  if (!hasRightCount(instruction, shape, context)) return;
  let next = at + 1;
  for (let index = 0; index < operandCount; index++) {
    const kind = shape[index]!;
    if (!accepts(instruction, index, kind)) {
      reportMismatch(instruction, instruction.operand(index), context.diagnostics);
      continue;
    }
    switch (kind) {
      case "reg":
      case "freg":
        code[next++] = register(instruction, index, context);
        break;
      case "count8":
        code[next++] = shiftCount(instruction, index, context);
        break;
      case "imm16":
        if (mnemonic === "LOAD") encodeLoad(instruction, code, at, context);
        else putUint16(code, at + 2, immediate(instruction, index, context));
        break;
      case "count16":
        putUint16(code, at + 1, inRange(instruction, index, UINT16, context));
        break;
      case "address":
      case "offset": {
        const address = addressOf(instruction, kind, index, context);
        putUint16(code, at + 1, address & 0xffff);
        code[at + 3] = address >>> 16;
        break;
      }
    }
  }
}

function hasRightCount(
  instruction: InstructionStatement,
  shape: readonly OperandKind[],
  context: EncodeContext,
): boolean {
  const { operandCount } = instruction;
  const least = shape.at(-1) === "count8" ? shape.length - 1 : shape.length;
  if (operandCount >= least && operandCount <= shape.length) return true;
  const { operands } = instruction;
  // An operand that could not be read was reported; what is counted may be its pieces.
  if (operands.some(({ kind }) => kind === "invalid")) return false;
  reportMismatch(instruction, operands[shape.length] ?? instruction, context.diagnostics);
  return false;
}

function accepts(instruction: InstructionStatement, index: number, expected: OperandKind): boolean {
  const kind = instruction.kindOf(index);
  const { mnemonic } = instruction;
  switch (expected) {
    case "reg":
    case "freg":
      return kind === "register" || kind === "invalid";
    case "imm16":
      if (kind === "symbol") return mnemonic === "LOAD";
      if (kind === "float") {
        return mnemonic === "LOADF64" && Number.isInteger(instruction.valueOf(index));
      }
      return kind === "integer" || kind === "invalid";
    case "count16":
    case "count8":
      return kind === "integer" || kind === "invalid";
    case "address":
    case "offset":
      return kind === "symbol" || kind === "integer" || kind === "invalid";
  }
}

function register(
  instruction: InstructionStatement,
  index: number,
  { diagnostics }: EncodeContext,
): number {
  const value = instruction.valueOf(index);
  if (value < REGISTER_COUNT || instruction.kindOf(index) === "invalid") return value;
  const hint = `registers are $0 to $${REGISTER_COUNT - 1}`;
  const message = `there is no register $${value}`;
  diagnostics.error("RegisterOutOfRange", instruction.operand(index), message, hint);
  return 0;
}

/** As {@link asImmediate}, without making a token of what is right. */
function inRange(
  instruction: InstructionStatement,
  index: number,
  range: Range,
  { diagnostics }: EncodeContext,
  hint?: string,
): number {
  const value = instruction.valueOf(index);
  if (value >= range.min && value <= range.max) return value;
  return asImmediate(instruction.operand(index), range, diagnostics, hint);
}

function shiftCount(
  instruction: InstructionStatement,
  index: number,
  context: EncodeContext,
): number {
  const count = inRange(instruction, index, COUNT, context);
  const operand = instruction.operand(index);
  const name = instruction.mnemonic.toLowerCase();
  if (count > MAX_SHIFT) {
    const message = `${name} by ${count} is ${name} by ${count & MAX_SHIFT}`;
    context.diagnostics.warning("ShiftCount", operand, message);
  } else if (operand.kind === "integer" && operand.value === 0) {
    context.diagnostics.warning("ShiftCount", operand, `${name} by 0 is ${name} by 16`);
  }
  return count;
}

function immediate(
  instruction: InstructionStatement,
  index: number,
  context: EncodeContext,
): number {
  const { mnemonic } = instruction;
  const hint = mnemonic === "LOADF64"
    ? "put others into .data, as .float, and use loadrof64"
    : undefined;
  return inRange(instruction, index, mnemonic === "LUI" ? BITS16 : UINT16, context, hint);
}

/** LOAD of 32 bits, or of an address that may have more than 16: the high half, then LUI with the low. */
function encodeLoad(
  instruction: InstructionStatement,
  code: Uint8Array,
  at: number,
  context: EncodeContext,
): void {
  const given = instruction.valueOf(1);
  const isLabel = instruction.kindOf(1) === "symbol";
  const value = isLabel
    ? context.resolve(instruction.operand(1))?.value ?? 0
    : inRange(instruction, 1, INT32, context);
  const isTwo = isLabel ? context.wide : !(given >= 0 && given <= MAX_LOAD);
  if (!isTwo) {
    assert(value <= MAX_LOAD, "a label that needs two instructions has one");
    putUint16(code, at + 2, value);
    return;
  }
  putUint16(code, at + 2, value >>> 16);
  code[at + 4] = ISA.LUI.number;
  code[at + 5] = code[at + 1]!;
  putUint16(code, at + 6, value & 0xffff);
}

function addressOf(
  instruction: InstructionStatement,
  expected: "address" | "offset",
  index: number,
  context: EncodeContext,
): number {
  const operand = instruction.operand(index);
  const symbol = operand.kind === "symbol" ? context.resolve(operand) : undefined;
  const section = expected === "address" ? "code" : "data";
  if (symbol !== undefined && symbol.section !== section) {
    const name = instruction.mnemonic.toLowerCase();
    const message =
      `${name} takes a label in .${section}, "${symbol.name}" is in .${symbol.section}`;
    context.diagnostics.error("OperandMismatch", operand, message);
    return 0;
  }
  const address = operand.kind === "symbol" ? symbol?.value ?? 0 : operand.value;
  if (address >= 0 && address <= MAX_ADDRESS[1]!) return address;
  const message = `address ${address} is not within 0 to ${MAX_ADDRESS[1]}`;
  context.diagnostics.error("AddressOutOfRange", operand, message);
  return 0;
}

function putUint16(code: Uint8Array, at: number, value: number): void {
  code[at] = value >> 8;
  code[at + 1] = value;
}
