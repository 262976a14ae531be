/**
 * Where control can come from elsewhere: the first instructions of basic blocks, and those among them that a
 * jump by register, a return, or the interpreter may lead to.
 */

import { type Decoded, isInCode, mnemonicAt, STRIDE } from "../decode.ts";
import { type Flow, ISA, type Mnemonic } from "../isa.ts";

export interface Targets {
  /** 1 for each instruction that begins a basic block. */
  readonly leaders: Uint8Array;
  /** 1 for each leader that can be reached other than by a static jump within its region. */
  readonly entries: Uint8Array;
}

/** How an instruction ends its block; what cannot run stops. */
export function flowAt(program: Decoded, index: number): Flow {
  const mnemonic = mnemonicAt(program, index * STRIDE);
  return mnemonic === undefined ? "stop" : ISA[mnemonic].flow;
}

/** The instruction that a static jump leads to; undefined if there is none. */
export function staticTarget(program: Decoded, index: number): number | undefined {
  const to = program.code[index * STRIDE + 1]!;
  return isInCode(program, to) ? to / STRIDE : undefined;
}

/** `more` are entries that are known from elsewhere. */
export function findTargets(program: Decoded, more: Iterable<number>): Targets {
  const { instructions } = program;
  const leaders = new Uint8Array(instructions + 1);
  const entries = new Uint8Array(instructions + 1);
  const enter = (index: number) => leaders[index] = entries[index] = 1;
  enter(0);
  for (const index of more) enter(index);
  let jumpsByRegister = false;
  for (let index = 0; index < instructions; index++) {
    const flow = flowAt(program, index);
    if (flow === "next") continue;
    leaders[index + 1] = 1;
    if (flow === "branch" || flow === "call") {
      const to = staticTarget(program, index);
      if (to !== undefined) leaders[to] = 1;
    }
    if (flow === "call" || flow === "dynamicCall" || flow === "host") enter(index + 1);
    jumpsByRegister ||= flow === "dynamic" || flow === "dynamicBranch" || flow === "dynamicCall";
  }
  if (jumpsByRegister) {
    for (const index of loadedAddresses(program)) enter(index);
    for (const index of storedAddresses(program)) enter(index);
  }
  return { leaders, entries };
}

/**
 * Instructions whose addresses are loaded as numbers: a program that jumps by register has got its
 * targets from there, as a rule. A wrong guess costs a block boundary, a missed one some interpreting.
 */
function* loadedAddresses(program: Decoded): Generator<number> {
  const { code, entry, instructions } = program;
  for (let index = 0; index < instructions; index++) {
    const at = index * STRIDE;
    if (mnemonicAt(program, at) !== "LOAD") continue;
    const [, register, low] = code.subarray(at, at + STRIDE);
    const next = mnemonicAt(program, at + STRIDE);
    const sameRegister = code[at + STRIDE + 1] === register;
    const wide = next === "LUI" && sameRegister;
    const value = wide ? low! << 16 | code[at + STRIDE + 2]! : low!;
    const user = wide ? index + 2 : index + 1;
    for (const to of [value - entry, relativeTarget(program, user, register!, value)]) {
      if (to !== undefined && isInCode(program, to)) yield to / STRIDE;
    }
  }
}

/** Instructions whose addresses stand in the read-only data: tables of where to jump. */
function* storedAddresses(program: Decoded): Generator<number> {
  const { readOnly } = program.image;
  const view = new DataView(readOnly.buffer, readOnly.byteOffset, readOnly.byteLength);
  for (let offset = 0; offset + 4 <= readOnly.length; offset++) {
    const to = view.getInt32(offset, true) - program.entry;
    if (isInCode(program, to)) yield to / STRIDE;
  }
}

/** Where JMPF or JMPB leads if it comes right behind the LOAD of its register. */
function relativeTarget(
  program: Decoded,
  index: number,
  register: number,
  value: number,
): number | undefined {
  const at = index * STRIDE;
  const mnemonic: Mnemonic | undefined = mnemonicAt(program, at);
  if (program.code[at + 1] !== register) return undefined;
  if (mnemonic === "JMPF") return at + 2 + value;
  if (mnemonic === "JMPB") return at + 2 - value;
  return undefined;
}
