/** Instructions to bytes. The shape of the operands is checked against the instruction table (B10). */

import { assert } from "../../cluster/errors.ts";
import { MAX_ADDRESS } from "../image.ts";
import { ISA, type Mnemonic, type OperandKind, REGISTER_COUNT } from "../isa.ts";
import type { Diagnostics } from "./diagnostics.ts";
import { MAX_LOAD } from "./layout.ts";
import { reportMismatch } from "./mismatch.ts";
import { asImmediate, INT32 } from "./operands.ts";
import type { InstructionStatement } from "./parser.ts";
import type { Resolve } from "./symbols.ts";
import type { Token } from "./tokens.ts";

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
  const { mnemonic, operands } = instruction;
  const { number, operands: shape } = ISA[mnemonic];
  code[at] = number;
  if (!hasRightCount(instruction, shape, context)) return;
  let next = at + 1;
  for (let index = 0; index < operands.length; index++) {
    const operand = operands[index]!;
    const kind = shape[index]!;
    if (!accepts(mnemonic, kind, operand)) {
      reportMismatch(instruction, operand, context.diagnostics);
      continue;
    }
    switch (kind) {
      case "reg":
      case "freg":
        code[next++] = register(operand, context);
        break;
      case "count8":
        code[next++] = shiftCount(mnemonic, operand, context);
        break;
      case "imm16":
        if (mnemonic === "LOAD") encodeLoad(operand, code, at, context);
        else putUint16(code, at + 2, immediate(mnemonic, operand, context));
        break;
      case "count16":
        putUint16(code, at + 1, asImmediate(operand, UINT16, context.diagnostics));
        break;
      case "address":
      case "offset": {
        const address = addressOf(instruction, kind, operand, context);
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
  const { operands } = instruction;
  const least = shape.at(-1) === "count8" ? shape.length - 1 : shape.length;
  if (operands.length >= least && operands.length <= shape.length) return true;
  // An operand that could not be read was reported; what is counted may be its pieces.
  if (operands.some(({ kind }) => kind === "invalid")) return false;
  reportMismatch(instruction, operands[shape.length] ?? instruction, context.diagnostics);
  return false;
}

function accepts(mnemonic: Mnemonic, expected: OperandKind, { kind, value }: Token): boolean {
  switch (expected) {
    case "reg":
    case "freg":
      return kind === "register" || kind === "invalid";
    case "imm16":
      if (kind === "symbol") return mnemonic === "LOAD";
      if (kind === "float") return mnemonic === "LOADF64" && Number.isInteger(value);
      return kind === "integer" || kind === "invalid";
    case "count16":
    case "count8":
      return kind === "integer" || kind === "invalid";
    case "address":
    case "offset":
      return kind === "symbol" || kind === "integer" || kind === "invalid";
  }
}

function register(operand: Token, { diagnostics }: EncodeContext): number {
  const { kind, value } = operand;
  if (kind === "invalid" || value < REGISTER_COUNT) return value;
  const hint = `registers are $0 to $${REGISTER_COUNT - 1}`;
  diagnostics.error("RegisterOutOfRange", operand, `there is no register $${value}`, hint);
  return 0;
}

function shiftCount(mnemonic: Mnemonic, operand: Token, { diagnostics }: EncodeContext): number {
  const count = asImmediate(operand, COUNT, diagnostics);
  const name = mnemonic.toLowerCase();
  if (count > MAX_SHIFT) {
    const message = `${name} by ${count} is ${name} by ${count & MAX_SHIFT}`;
    diagnostics.warning("ShiftCount", operand, message);
  } else if (operand.kind === "integer" && operand.value === 0) {
    diagnostics.warning("ShiftCount", operand, `${name} by 0 is ${name} by 16`);
  }
  return count;
}

function immediate(mnemonic: Mnemonic, operand: Token, { diagnostics }: EncodeContext): number {
  const hint = mnemonic === "LOADF64"
    ? "put others into .data, as .float, and use loadrof64"
    : undefined;
  return asImmediate(operand, mnemonic === "LUI" ? BITS16 : UINT16, diagnostics, hint);
}

/** LOAD of 32 bits, or of an address that may have more than 16: the high half, then LUI with the low. */
function encodeLoad(operand: Token, code: Uint8Array, at: number, context: EncodeContext): void {
  const isLabel = operand.kind === "symbol";
  const value = isLabel
    ? context.resolve(operand)?.value ?? 0
    : asImmediate(operand, INT32, context.diagnostics);
  const isTwo = isLabel ? context.wide : !(operand.value >= 0 && operand.value <= MAX_LOAD);
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
  operand: Token,
  context: EncodeContext,
): number {
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
