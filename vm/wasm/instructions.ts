/**
 * What each instruction becomes. Whatever is rare or wrong is not translated: the code leaves before the
 * instruction, as if it had not begun, and the interpreter does it. That is where all traps come from,
 * and where stack and heap are grown.
 */

import { unreachable } from "../../cluster/errors.ts";
import type { Opcode } from "../isa.ts";
import { Layout } from "../state.ts";
import { ALIGN_WORD, I32, Op, TRUNC_SAT } from "./bytes.ts";
import { type FunctionWriter, Local } from "./function.ts";

/** One instruction, and what is known around it. */
export interface Site {
  readonly opcode: Opcode;
  readonly operands: readonly [number, number, number];
  /** Its number, and that of instructions in the whole program. */
  readonly index: number;
  readonly instructions: number;
  /** Address of instruction 0. */
  readonly entry: number;
  readonly readOnlyBytes: number;
  /** What its block has taken for it and what comes behind it in the block. */
  readonly fuelBack: number;
}

const WORD_BYTES = 4;
const DOUBLE_BYTES = 8;
/** Programs address their heap and read-only data at any alignment. */
const UNALIGNED = 0;
const CANONICAL_NAN = NaN;

/** Leaves before the instruction. */
export function leaveBefore(writer: FunctionWriter, { index, fuelBack }: Site): void {
  writer.i32(index).set(Local.at);
  writer.get(Local.fuel).i32(fuelBack).op(Op.i32Add).set(Local.fuel);
  writer.branch("leave");
}

/**
 * The instruction itself. Branches only: what they compute is left to the caller; jumps by register and
 * RET set {@link Local.at}.
 */
export function translate(w: FunctionWriter, site: Site): void {
  const { opcode, operands: [a, b] } = site;
  switch (opcode) {
    case 0: // LOAD
      w.i32(b).setRegister(a);
      break;
    case 1: // ADD
      return binary(w, site, Op.i32Add);
    case 2: // SUB
      return binary(w, site, Op.i32Sub);
    case 3: // MUL
      return binary(w, site, Op.i32Mul);
    case 4: // DIV
      return divide(w, site);
    case 6: // JMP
      w.register(a).i32(site.entry).op(Op.i32Sub);
      return jumpTo(w, site);
    case 7: // JMPF
      w.i32(WORD_BYTES * site.index + 2).register(a).op(Op.i32Add);
      return jumpTo(w, site);
    case 8: // JMPB
      w.i32(WORD_BYTES * site.index + 2).register(a).op(Op.i32Sub);
      return jumpTo(w, site);
    case 9: // EQ
      return compare(w, site, Op.i32Eq);
    case 10: // NEQ
      return compare(w, site, Op.i32Ne);
    case 11: // GTE
      return compare(w, site, Op.i32GeS);
    case 12: // LTE
      return compare(w, site, Op.i32LeS);
    case 13: // LT
      return compare(w, site, Op.i32LtS);
    case 14: // GT
      return compare(w, site, Op.i32GtS);
    case 15: // JMPE, taken
      w.register(a).i32(site.entry).op(Op.i32Sub);
      return jumpTo(w, site);
    case 16: // NOP
    case 20: // DJMPE
    case 41: // LOOP
      break;
    case 18: // INC
      w.register(a).i32(1).op(Op.i32Add).setRegister(a);
      break;
    case 19: // DEC
      w.register(a).i32(1).op(Op.i32Sub).setRegister(a);
      break;
    case 22: // LOADF64
      w.f64(b).setFloat(a);
      break;
    case 23: // ADDF64
      return floatBinary(w, site, Op.f64Add);
    case 24: // SUBF64
      return floatBinary(w, site, Op.f64Sub);
    case 25: // MULF64
      return floatBinary(w, site, Op.f64Mul);
    case 26: // DIVF64
      return floatBinary(w, site, Op.f64Div);
    case 27: // EQF64
    case 28: // NEQF64
      w.float(a).float(b).op(Op.f64Sub, Op.f64Abs).f64(Number.EPSILON);
      w.op(opcode === 27 ? Op.f64Lt : Op.f64Gt).store(Layout.flag);
      break;
    case 29: // GTF64
      return floatCompare(w, site, Op.f64Gt);
    case 30: // GTEF64
      return floatCompare(w, site, Op.f64Ge);
    case 31: // LTF64
      return floatCompare(w, site, Op.f64Lt);
    case 32: // LTEF64
      return floatCompare(w, site, Op.f64Le);
    case 33: // SHL
      w.register(a).i32(b).op(Op.i32Shl).setRegister(a);
      break;
    case 34: // SHR
      w.register(a).i32(b).op(Op.i32ShrS).setRegister(a);
      break;
    case 35: // AND
      return binary(w, site, Op.i32And);
    case 36: // OR
      return binary(w, site, Op.i32Or);
    case 37: // XOR
      return binary(w, site, Op.i32Xor);
    case 38: // NOT
      w.register(a).i32(-1).op(Op.i32Xor).setRegister(b);
      break;
    case 39: // LUI
      w.register(a).i32(16).op(Op.i32Shl).i32(b).op(Op.i32Or).setRegister(a);
      break;
    case 40: // CLOOP
      w.i32(a).store(Layout.loopCounter);
      break;
    case 42: // LOADM
      heapAddress(w, site, WORD_BYTES);
      w.memory(Op.i32Load, UNALIGNED).setRegister(b);
      break;
    case 43: // SETM
      heapAddress(w, site, WORD_BYTES);
      w.register(b).memory(Op.i32Store, UNALIGNED);
      break;
    case 44: // PUSH
      w.load(Layout.sp).load(Layout.stackRoom).op(Op.i32GeU);
      leaveIf(w, site);
      stackAddress(w);
      w.register(a).memory(Op.i32Store, ALIGN_WORD);
      w.load(Layout.sp).i32(1).op(Op.i32Add).store(Layout.sp);
      break;
    case 45: // POP
      w.load(Layout.sp).op(Op.i32Eqz);
      leaveIf(w, site);
      w.load(Layout.sp).i32(1).op(Op.i32Sub).store(Layout.sp);
      stackAddress(w);
      w.memory(Op.i32Load, ALIGN_WORD).setRegister(a);
      break;
    case 46: // CALL
      return pushFrame(w, site);
    case 47: // RET
      return popFrame(w, site);
    case 52: // LOADB
      heapAddress(w, site, 1);
      w.memory(Op.i32Load8U, UNALIGNED).setRegister(b);
      break;
    case 53: // SETB
      heapAddress(w, site, 1);
      w.register(b).memory(Op.i32Store8, UNALIGNED);
      break;
    case 54: // LOADMF64
      heapAddress(w, site, DOUBLE_BYTES);
      w.memory(Op.f64Load, UNALIGNED).setFloat(b);
      break;
    case 55: // SETMF64
      heapAddress(w, site, DOUBLE_BYTES);
      w.float(b).f64(CANONICAL_NAN).float(b).float(b).op(Op.f64Eq, Op.select);
      w.memory(Op.f64Store, UNALIGNED);
      break;
    case 56: // LOADRO
      readOnlyAddress(w, site, WORD_BYTES);
      w.memory(Op.i32Load, UNALIGNED).setRegister(b);
      break;
    case 57: // LOADROB
      readOnlyAddress(w, site, 1);
      w.memory(Op.i32Load8U, UNALIGNED).setRegister(b);
      break;
    case 58: // LOADROF64
      readOnlyAddress(w, site, DOUBLE_BYTES);
      w.memory(Op.f64Load, UNALIGNED).setFloat(b);
      break;
    case 59: // ITOF
      w.register(a).op(Op.f64ConvertI32S).setFloat(b);
      break;
    case 60: // FTOI
      w.float(a).op(Op.extended, TRUNC_SAT).setRegister(b);
      break;
    case 61: // REM
      return remainder(w, site, Op.i32RemS);
    case 62: // DIVU
      return remainder(w, site, Op.i32DivU);
    case 63: // REMU
      return remainder(w, site, Op.i32RemU);
    case 64: // LTU
      return compare(w, site, Op.i32LtU);
    case 65: // LTEU
      return compare(w, site, Op.i32LeU);
    case 66: // GTU
      return compare(w, site, Op.i32GtU);
    case 67: // GTEU
      return compare(w, site, Op.i32GeU);
    case 68: // SHLR
      return binary(w, site, Op.i32Shl);
    case 69: // SHRR
      return binary(w, site, Op.i32ShrS);
    case 70: // SHRU
      return binary(w, site, Op.i32ShrU);
    case 71: // CALLR
      w.register(a).i32(site.entry).op(Op.i32Sub);
      jumpTo(w, site);
      return pushFrame(w, site);
    case 72: // LOADS
      wordBelowTop(w, site, b);
      w.memory(Op.i32Load, ALIGN_WORD).setRegister(a);
      break;
    case 73: // SETS
      wordBelowTop(w, site, b);
      w.register(a).memory(Op.i32Store, ALIGN_WORD);
      break;
    case 74: // HEAP
      w.load(Layout.heapLength).setRegister(a);
      break;
    case 5: // HLT
    case 17: // ALOC
    case 21: // PRTS
    case 48: // PRTI
    case 49: // PRTF
    case 50: // PRTB
    case 51: // GETL
    case 75: // CLOCK
    case 76: // RAND
    case 100: // IGL
      return leaveBefore(w, site);
    default:
      unreachable(opcode);
  }
}

// -- numbers --------------------------------------------------------------------------------------

function binary(w: FunctionWriter, { operands: [a, b, c] }: Site, op: number): void {
  w.register(a).register(b).op(op).setRegister(c);
}

function compare(w: FunctionWriter, { operands: [a, b] }: Site, op: number): void {
  w.register(a).register(b).op(op).store(Layout.flag);
}

function floatBinary(w: FunctionWriter, { operands: [a, b, c] }: Site, op: number): void {
  w.float(a).float(b).op(op).setFloat(c);
}

function floatCompare(w: FunctionWriter, { operands: [a, b] }: Site, op: number): void {
  w.float(a).float(b).op(op).store(Layout.flag);
}

/** MIN / −1 would be a trap in WebAssembly; dividing by −1 is the same as taking from 0. */
function divide(w: FunctionWriter, site: Site): void {
  const { operands: [a, b, c] } = site;
  w.register(b).op(Op.i32Eqz);
  leaveIf(w, site);
  w.register(a).register(b).op(Op.i32RemS).store(Layout.remainder);
  w.register(b).i32(-1).op(Op.i32Eq);
  w.op(Op.if, I32);
  w.i32(0).register(a).op(Op.i32Sub);
  w.op(Op.else);
  w.register(a).register(b).op(Op.i32DivS);
  w.op(Op.end).setRegister(c);
}

/** Divisions that cannot overflow; MIN % −1 is 0 in WebAssembly. */
function remainder(w: FunctionWriter, site: Site, op: number): void {
  w.register(site.operands[1]).op(Op.i32Eqz);
  leaveIf(w, site);
  binary(w, site, op);
}

// -- memory ---------------------------------------------------------------------------------------

/** Leaves before the instruction if what is on top of the stack is not 0. */
function leaveIf(w: FunctionWriter, site: Site): void {
  w.if();
  leaveBefore(w, site);
  w.end();
}

/** Pushes the address of heap[ra], so many bytes of which have to be there. A heap has 64 at least. */
function heapAddress(w: FunctionWriter, site: Site, bytes: number): void {
  const [a] = site.operands;
  w.register(a).load(Layout.heapLength).i32(bytes).op(Op.i32Sub, Op.i32GtU);
  leaveIf(w, site);
  w.load(Layout.heapBase).register(a).op(Op.i32Add);
}

function readOnlyAddress(w: FunctionWriter, site: Site, bytes: number): void {
  const [a] = site.operands;
  if (site.readOnlyBytes < bytes) w.i32(1);
  else w.register(a).i32(site.readOnlyBytes - bytes).op(Op.i32GtU);
  leaveIf(w, site);
  w.load(Layout.readOnlyBase).register(a).op(Op.i32Add);
}

/** Pushes the address of the first word above the stack. */
function stackAddress(w: FunctionWriter): void {
  w.load(Layout.stackBase).load(Layout.sp).i32(2).op(Op.i32Shl, Op.i32Add);
}

function wordBelowTop(w: FunctionWriter, site: Site, depth: number): void {
  w.load(Layout.sp).i32(depth).op(Op.i32LeU);
  leaveIf(w, site);
  stackAddress(w);
  w.i32(WORD_BYTES * (depth + 1)).op(Op.i32Sub);
}

// -- jumps ----------------------------------------------------------------------------------------

/** Pops an offset from instruction 0: at := its instruction. To nowhere: leaves. */
function jumpTo(w: FunctionWriter, site: Site): void {
  // Rotating brings the two bits that have to be 0 to the top, where they make it too large.
  w.i32(2).op(Op.i32Rotr).tee(Local.at);
  w.i32(site.instructions).op(Op.i32GeU);
  leaveIf(w, site);
}

function pushFrame(w: FunctionWriter, site: Site): void {
  w.load(Layout.sp).i32(2).op(Op.i32Add).load(Layout.stackRoom).op(Op.i32GtU);
  leaveIf(w, site);
  stackAddress(w);
  w.tee(Local.scratch).i32(site.entry + WORD_BYTES * (site.index + 1));
  w.memory(Op.i32Store, ALIGN_WORD);
  w.get(Local.scratch).load(Layout.bp).memory(Op.i32Store, ALIGN_WORD, WORD_BYTES);
  w.load(Layout.sp).i32(2).op(Op.i32Add).store(Layout.sp);
  w.load(Layout.sp).store(Layout.bp);
}

/** bp comes from the stack, so a program can forge it. */
function popFrame(w: FunctionWriter, site: Site): void {
  w.load(Layout.bp).i32(2).op(Op.i32LtS);
  w.load(Layout.bp).load(Layout.sp).op(Op.i32GtS, Op.i32Or);
  leaveIf(w, site);
  w.load(Layout.stackBase).load(Layout.bp).i32(2).op(Op.i32Shl, Op.i32Add);
  w.i32(2 * WORD_BYTES).op(Op.i32Sub).tee(Local.scratch);
  w.memory(Op.i32Load, ALIGN_WORD).i32(site.entry).op(Op.i32Sub);
  jumpTo(w, site);
  w.load(Layout.bp).i32(2).op(Op.i32Sub).store(Layout.sp);
  w.get(Local.scratch).memory(Op.i32Load, ALIGN_WORD, WORD_BYTES).store(Layout.bp);
}
