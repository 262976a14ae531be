/**
 * The reference engine: one switch over decoded code. What it does is the meaning of a program; the
 * engine that translates leaves to it whatever is rare or goes wrong.
 */

import { unreachable } from "../cluster/errors.ts";
import { type Decoded, type DecodedOpcode, isInCode, STRIDE } from "./decode.ts";
import {
  type Engine,
  type Exit,
  fuelForBytes,
  type HostCall,
  type Machine,
  Trap,
  type TrapCode,
} from "./machine.ts";
import { type Process, processOf, wordOf } from "./state.ts";

const FLAG = wordOf("flag");
const LOOP_COUNTER = wordOf("loopCounter");
const REMAINDER = wordOf("remainder");
const SP = wordOf("sp");
const BP = wordOf("bp");
const PC = wordOf("pc");

const CANONICAL_NAN = 0x7ff8000000000000n;
const MIN_INT = -0x8000_0000;
const MAX_INT = 0x7fff_ffff;

const OUT_OF_FUEL: Exit = { kind: "outOfFuel" };
const HOST = {
  PRTS: hostExit("PRTS"),
  PRTI: hostExit("PRTI"),
  PRTF: hostExit("PRTF"),
  PRTB: hostExit("PRTB"),
  GETL: hostExit("GETL"),
  CLOCK: hostExit("CLOCK"),
  RAND: hostExit("RAND"),
} as const;
/** Counting in small integers is faster; longer runs are cut into pieces of this. */
const MAX_QUOTA = 1_000_000_000;

export class Interpreter implements Engine {
  readonly name = "interpreter";
  readonly #program: Decoded;

  constructor(program: Decoded) {
    this.#program = program;
  }

  run(machine: Machine, fuel: number): Exit {
    const process = processOf(machine);
    process.fuel(fuel);
    for (;;) {
      const exit = interpret(process, this.#program, process.fuelLeft);
      if (exit.kind !== "outOfFuel" || process.fuelLeft === 0) return exit;
    }
  }

  /** One instruction, whatever is owed; "outOfFuel" when the next one can be run. */
  step(machine: Machine): Exit {
    const process = processOf(machine);
    process.fuel(process.fuelOwed + 1);
    return interpret(process, this.#program, 1);
  }
}

/**
 * Runs at most so many units and spends what was used; ALOC may use more than there are. Within, `pc`
 * and `to` are indexes into the code, as static targets in it are. The `| 0` tell V8 that a number stays
 * a small integer; without them all this takes twice as long.
 */
export function interpret(process: Process, program: Decoded, units: number): Exit {
  const { code, entry, bytes } = program;
  const quota = Math.min(units, MAX_QUOTA) | 0;
  let left = quota;
  const start = process.views().words;
  let pc = start[PC]! - entry | 0;
  let sp = start[SP]!;
  let bp = start[BP]!;
  let flag = start[FLAG] !== 0;
  let loopCounter = start[LOOP_COUNTER]!;
  let remainder = start[REMAINDER]!;
  let exit: Exit | undefined = isInCode(program, pc) || pc === bytes
    ? undefined
    : nowhere(program, pc, pc);

  // Once more around after growing, which moves what the views show; the instruction begins again.
  grown:
  while (exit === undefined) {
    const { words: r, floats: f, stack, heap, readOnly } = process.views();
    const readOnlyBytes = readOnly.byteLength;
    const heapBytes = heap.byteLength;
    for (;;) {
      let to: number;
      jump: {
        if (left <= 0 && pc !== bytes) {
          exit = OUT_OF_FUEL;
          break grown;
        }
        left = left - 1 | 0;
        const a = code[pc + 1]!;
        const b = code[pc + 2]!;
        const c = code[pc + 3]!;
        const opcode = code[pc] as DecodedOpcode;
        switch (opcode) {
          case 0: // LOAD
            r[a] = b;
            break;
          case 1: // ADD
            r[c] = r[a]! + r[b]!;
            break;
          case 2: // SUB
            r[c] = r[a]! - r[b]!;
            break;
          case 3: // MUL
            r[c] = Math.imul(r[a]!, r[b]!);
            break;
          case 4: { // DIV
            const by = r[b]!;
            if (by === 0) {
              exit = trapAt(Trap.divisionByZero, pc + entry);
              break grown;
            }
            remainder = r[a]! % by | 0;
            r[c] = r[a]! / by;
            break;
          }
          case 5: // HLT
            exit = { kind: "stopped", code: 0, pc: pc + entry };
            break grown;
          case 6: // JMP
            to = r[a]! - entry | 0;
            break jump;
          case 7: // JMPF
            to = pc + 2 + r[a]! | 0;
            break jump;
          case 8: // JMPB
            to = pc + 2 - r[a]! | 0;
            break jump;
          case 9: // EQ
            flag = r[a] === r[b];
            break;
          case 10: // NEQ
            flag = r[a] !== r[b];
            break;
          case 11: // GTE
            flag = r[a]! >= r[b]!;
            break;
          case 12: // LTE
            flag = r[a]! <= r[b]!;
            break;
          case 13: // LT
            flag = r[a]! < r[b]!;
            break;
          case 14: // GT
            flag = r[a]! > r[b]!;
            break;
          case 15: // JMPE
            if (!flag) break;
            to = r[a]! - entry | 0;
            break jump;
          case 16: // NOP
            break;
          case 17: { // ALOC
            const more = r[a]!;
            if (more < 0) {
              exit = trapAt(Trap.heapRange, pc + entry);
              break grown;
            }
            if (!process.growHeap(more)) {
              exit = trapAt(Trap.memoryLimit, pc + entry);
              break grown;
            }
            left = left - fuelForBytes(more) | 0;
            pc = pc + STRIDE | 0;
            continue grown;
          }
          case 18: // INC
            r[a] = r[a]! + 1;
            break;
          case 19: // DEC
            r[a] = r[a]! - 1;
            break;
          case 20: // DJMPE
            if (!flag) break;
            to = a;
            break jump;
          case 21: // PRTS
            exit = HOST.PRTS;
            break grown;
          case 22: // LOADF64
            f[a] = b;
            break;
          case 23: // ADDF64
            f[c] = f[a]! + f[b]!;
            break;
          case 24: // SUBF64
            f[c] = f[a]! - f[b]!;
            break;
          case 25: // MULF64
            f[c] = f[a]! * f[b]!;
            break;
          case 26: // DIVF64
            f[c] = f[a]! / f[b]!;
            break;
          case 27: // EQF64
            flag = Math.abs(f[a]! - f[b]!) < Number.EPSILON;
            break;
          case 28: // NEQF64
            flag = Math.abs(f[a]! - f[b]!) > Number.EPSILON;
            break;
          case 29: // GTF64
            flag = f[a]! > f[b]!;
            break;
          case 30: // GTEF64
            flag = f[a]! >= f[b]!;
            break;
          case 31: // LTF64
            flag = f[a]! < f[b]!;
            break;
          case 32: // LTEF64
            flag = f[a]! <= f[b]!;
            break;
          case 33: // SHL
            r[a] = r[a]! << b;
            break;
          case 34: // SHR
            r[a] = r[a]! >> b;
            break;
          case 35: // AND
            r[c] = r[a]! & r[b]!;
            break;
          case 36: // OR
            r[c] = r[a]! | r[b]!;
            break;
          case 37: // XOR
            r[c] = r[a]! ^ r[b]!;
            break;
          case 38: // NOT
            r[b] = ~r[a]!;
            break;
          case 39: // LUI
            r[a] = r[a]! << 16 | b;
            break;
          case 40: // CLOOP
            loopCounter = a;
            break;
          case 41: // LOOP
            if (loopCounter === 0) break;
            loopCounter = loopCounter - 1 | 0;
            to = a;
            break jump;
          case 42: { // LOADM
            const at = r[a]! >>> 0;
            if (at > heapBytes - 4) {
              exit = trapAt(Trap.heapRange, pc + entry);
              break grown;
            }
            r[b] = heap.getInt32(at, true);
            break;
          }
          case 43: { // SETM
            const at = r[a]! >>> 0;
            if (at > heapBytes - 4) {
              exit = trapAt(Trap.heapRange, pc + entry);
              break grown;
            }
            heap.setInt32(at, r[b]!, true);
            break;
          }
          case 44: // PUSH
            if (sp >= stack.length) {
              if (process.growStack(sp + 1)) {
                left = left + 1 | 0;
                continue grown;
              }
              exit = trapAt(Trap.stack, pc + entry);
              break grown;
            }
            stack[sp] = r[a]!;
            sp = sp + 1 | 0;
            break;
          case 45: // POP
            if (sp === 0) {
              exit = trapAt(Trap.stack, pc + entry);
              break grown;
            }
            sp = sp - 1 | 0;
            r[a] = stack[sp]!;
            break;
          case 46: // CALL
          case 71: // CALLR
            if (sp + 2 > stack.length) {
              if (process.growStack(sp + 2)) {
                left = left + 1 | 0;
                continue grown;
              }
              exit = trapAt(Trap.stack, pc + entry);
              break grown;
            }
            stack[sp] = pc + entry + STRIDE;
            stack[sp + 1] = bp;
            sp = sp + 2 | 0;
            bp = sp;
            to = opcode === 46 ? a : r[a]! - entry | 0;
            break jump;
          case 47: // RET
            // bp comes from the stack, so a program can forge it.
            if (bp < 2 || bp > sp) {
              exit = trapAt(Trap.stack, pc + entry);
              break grown;
            }
            sp = bp - 2 | 0;
            bp = stack[sp + 1]!;
            to = stack[sp]! - entry | 0;
            break jump;
          case 48: // PRTI
            exit = HOST.PRTI;
            break grown;
          case 49: // PRTF
            exit = HOST.PRTF;
            break grown;
          case 50: // PRTB
            exit = HOST.PRTB;
            break grown;
          case 51: // GETL
            exit = HOST.GETL;
            break grown;
          case 52: { // LOADB
            const at = r[a]! >>> 0;
            if (at >= heapBytes) {
              exit = trapAt(Trap.heapRange, pc + entry);
              break grown;
            }
            r[b] = heap.getUint8(at);
            break;
          }
          case 53: { // SETB
            const at = r[a]! >>> 0;
            if (at >= heapBytes) {
              exit = trapAt(Trap.heapRange, pc + entry);
              break grown;
            }
            heap.setUint8(at, r[b]!);
            break;
          }
          case 54: { // LOADMF64
            const at = r[a]! >>> 0;
            if (at > heapBytes - 8) {
              exit = trapAt(Trap.heapRange, pc + entry);
              break grown;
            }
            f[b] = heap.getFloat64(at, true);
            break;
          }
          case 55: { // SETMF64
            const at = r[a]! >>> 0;
            if (at > heapBytes - 8) {
              exit = trapAt(Trap.heapRange, pc + entry);
              break grown;
            }
            storeDouble(heap, at, f[b]!);
            break;
          }
          case 56: { // LOADRO
            const at = r[a]! >>> 0;
            if (at > readOnlyBytes - 4) {
              exit = trapAt(Trap.readOnlyRange, pc + entry);
              break grown;
            }
            r[b] = readOnly.getInt32(at, true);
            break;
          }
          case 57: { // LOADROB
            const at = r[a]! >>> 0;
            if (at >= readOnlyBytes) {
              exit = trapAt(Trap.readOnlyRange, pc + entry);
              break grown;
            }
            r[b] = readOnly.getUint8(at);
            break;
          }
          case 58: { // LOADROF64
            const at = r[a]! >>> 0;
            if (at > readOnlyBytes - 8) {
              exit = trapAt(Trap.readOnlyRange, pc + entry);
              break grown;
            }
            f[b] = readOnly.getFloat64(at, true);
            break;
          }
          case 59: // ITOF
            f[b] = r[a]!;
            break;
          case 60: // FTOI
            r[b] = saturate(f[a]!);
            break;
          case 61: // REM
            if (r[b] === 0) {
              exit = trapAt(Trap.divisionByZero, pc + entry);
              break grown;
            }
            r[c] = r[a]! % r[b]!;
            break;
          case 62: // DIVU
            if (r[b] === 0) {
              exit = trapAt(Trap.divisionByZero, pc + entry);
              break grown;
            }
            r[c] = (r[a]! >>> 0) / (r[b]! >>> 0);
            break;
          case 63: // REMU
            if (r[b] === 0) {
              exit = trapAt(Trap.divisionByZero, pc + entry);
              break grown;
            }
            r[c] = (r[a]! >>> 0) % (r[b]! >>> 0);
            break;
          case 64: // LTU
            flag = r[a]! >>> 0 < r[b]! >>> 0;
            break;
          case 65: // LTEU
            flag = r[a]! >>> 0 <= r[b]! >>> 0;
            break;
          case 66: // GTU
            flag = r[a]! >>> 0 > r[b]! >>> 0;
            break;
          case 67: // GTEU
            flag = r[a]! >>> 0 >= r[b]! >>> 0;
            break;
          case 68: // SHLR
            r[c] = r[a]! << r[b]!;
            break;
          case 69: // SHRR
            r[c] = r[a]! >> r[b]!;
            break;
          case 70: // SHRU
            r[c] = r[a]! >>> r[b]!;
            break;
          case 72: // LOADS
            if (b >= sp) {
              exit = trapAt(Trap.stack, pc + entry);
              break grown;
            }
            r[a] = stack[sp - 1 - b]!;
            break;
          case 73: // SETS
            if (b >= sp) {
              exit = trapAt(Trap.stack, pc + entry);
              break grown;
            }
            stack[sp - 1 - b] = r[a]!;
            break;
          case 74: // HEAP
            r[a] = heapBytes;
            break;
          case 75: // CLOCK
            exit = HOST.CLOCK;
            break grown;
          case 76: // RAND
            exit = HOST.RAND;
            break grown;
          case 100: // IGL
            exit = { kind: "stopped", code: 1, pc: pc + entry };
            break grown;
          case 101: // what may not run
            exit = trapAt(Trap.illegal, pc + entry);
            break grown;
          case 102: // the end: no instruction, no fuel
            left = left + 1 | 0;
            exit = { kind: "stopped", code: 1, pc: pc + entry };
            break grown;
          default:
            unreachable(opcode);
        }
        pc = pc + STRIDE | 0;
        continue;
      }
      if (to >>> 0 >= bytes || (to & 3) !== 0) {
        exit = nowhere(program, pc, to);
        break grown;
      }
      pc = to;
    }
  }

  const { words } = process.views();
  words[PC] = exit.kind === "stopped" || exit.kind === "trap" ? exit.pc : pc + entry;
  words[SP] = sp;
  words[BP] = bp;
  words[FLAG] = flag ? 1 : 0;
  words[LOOP_COUNTER] = loopCounter;
  words[REMAINDER] = remainder;
  process.spend(quota - left);
  return exit;
}

/** How a jump ends that leads to where no instruction is; `from` and `to` are indexes. */
function nowhere({ entry, bytes }: Decoded, from: number, to: number): Exit {
  const target = to + entry >>> 0;
  if (target >= entry + bytes) return { kind: "stopped", code: 1, pc: target };
  return trapAt(Trap.badJump, from + entry >>> 0);
}

function hostExit(call: HostCall): Exit {
  return { kind: "host", call };
}

function trapAt(code: TrapCode, pc: number): Exit {
  return { kind: "trap", code, pc };
}

/** The bits of a NaN differ between machines, so that a program must not see them. */
function storeDouble(heap: DataView, at: number, value: number): void {
  if (Number.isNaN(value)) heap.setBigUint64(at, CANONICAL_NAN, true);
  else heap.setFloat64(at, value, true);
}

/** Toward zero, the nearest that fits; 0 for NaN. */
function saturate(value: number): number {
  return Number.isNaN(value) ? 0 : Math.trunc(Math.max(MIN_INT, Math.min(MAX_INT, value)));
}
