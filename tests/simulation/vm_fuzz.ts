/**
 * Random programs on the interpreter, plain and observed, and on translated code, whole and cut into the
 * smallest regions, in the same random slices of fuel: everything that can be seen of them has to be equal
 * after each slice.
 *
 *     deno run -A tests/simulation/vm_fuzz.ts SEED [COUNT]
 */

import { below, between, chance, SeededRandom } from "../../cluster/random.ts";
import { Arena } from "../../vm/arena.ts";
import { decode, isInCode, mnemonicAt, STRIDE } from "../../vm/decode.ts";
import { HostCalls } from "../../vm/host.ts";
import { entryOf, type Image, loadImage, makeImage } from "../../vm/image.ts";
import { ISA, type Mnemonic, MNEMONICS, type OperandKind } from "../../vm/isa.ts";
import { Interpreter } from "../../vm/interpreter.ts";
import type { Engine, Exit, MachineLimits } from "../../vm/machine.ts";
import { ObservedInterpreter } from "../../vm/observed.ts";
import { createMachine, type Process } from "../../vm/state.ts";
import { WasmEngine } from "../../vm/wasm/engine.ts";
import { GRANULE } from "../../vm/wasm/regions.ts";
import { instruction } from "../support/vm_image.ts";
import { TestHost } from "../support/vm_machines.ts";

/** Units for one program, most of which end before. */
const MAX_FUEL = 4_000;
/** Slices from one comparison of stack, heap and output to the next; there is one at the end anyway. */
const FULL_EVERY = 8;
/** Registers that most operands name, so that instructions have to do with one another. */
const FEW_REGISTERS = 6;

/** Mnemonics beside those of the whole table, by what keeps a program going. */
const COMMON: readonly Mnemonic[] = [
  ...["DJMPE", "DJMPE", "DJMPE", "LOOP", "CLOOP", "CALL", "JMPE", "SETM", "LOADM", "NOP"] as const,
  ...["EQ", "NEQ", "LT", "GT", "LTU", "GTF64", "LOAD", "INC", "DEC", "ADD", "SUB", "AND"] as const,
];
/** These end programs, so they are rare. */
const RARE: ReadonlySet<Mnemonic> = new Set(["HLT", "IGL", "JMP"]);
const RARE_PER_MILLE = 100;
/** As they stand these trap, as a rule: their first register gets a small number before. */
const ADDRESSING: ReadonlySet<Mnemonic> = new Set([
  ...["LOADM", "SETM", "LOADB", "SETB", "LOADMF64", "SETMF64", "ALOC"] as const,
  ...["LOADRO", "LOADROB", "LOADROF64"] as const,
]);
const DIVIDING: ReadonlySet<Mnemonic> = new Set(["DIV", "REM", "DIVU", "REMU"]);
const POPPING: ReadonlySet<Mnemonic> = new Set(["POP", "LOADS", "SETS"]);
const JUMPING: ReadonlySet<Mnemonic> = new Set(["JMP", "JMPE", "CALLR"]);
/** From where they are. */
const SKIPPING: ReadonlySet<Mnemonic> = new Set(["JMPF", "JMPB"]);
/** How many of them do stand as they are. */
const CARELESS_PER_MILLE = 50;

export interface Generated {
  readonly image: Image;
  readonly limits: MachineLimits;
  readonly registers: readonly number[];
  readonly floatBits: readonly bigint[];
  readonly input: readonly (string | "wait")[];
  /** The slices that it runs in. */
  readonly slices: readonly number[];
}

export function generate(seed: number): Generated {
  const random = new SeededRandom(seed);
  const readOnly = Uint8Array.from(
    { length: chance(random, 800) ? between(random, 60, 90) : 0 },
    () => chance(random, 300) ? 0 : below(random, 256),
  );
  const version: 0 | 1 = chance(random, 850) ? 1 : 0;
  const length = chance(random, 100) ? between(random, 60, 400) : between(random, 3, 60);
  const entry = entryOf(readOnly.length);
  const context = { random, entry, length, version, here: entry };
  const code: number[] = [];
  while (code.length < 4 * (length - 2)) {
    code.push(...randomInstructions({ ...context, here: entry + code.length }));
  }
  // Over the end only sometimes: most programs are loops of loops.
  code.push(...instruction("EQ", 0, 0), ...instruction("DJMPE", entry + 4 * below(random, length)));
  const scale = [4, 30, 200, 1_000][below(random, 4)]!;
  return {
    image: loadImage(makeImage({ version, readOnly, code: Uint8Array.from(code) })),
    limits: {
      memoryBytes: between(random, 64, 2_000),
      stackWords: between(random, 1, chance(random, 500) ? 20 : 300),
    },
    registers: Array.from({ length: 32 }, () => randomInteger(context)),
    floatBits: Array.from({ length: 32 }, () => randomDouble(random)),
    input: Array.from({ length: 5 }, () => "x".repeat(below(random, 100))),
    slices: Array.from({ length: 400 }, () => between(random, 1, scale)),
  };
}

interface Context {
  readonly random: SeededRandom;
  readonly entry: number;
  /** Instructions, at least. */
  readonly length: number;
  readonly version: 0 | 1;
  /** Address of the next instruction. */
  readonly here: number;
}

function randomInstructions(context: Context): number[] {
  const { random, version } = context;
  if (chance(random, 2)) return Array.from({ length: 4 }, () => below(random, 256));
  for (;;) {
    const table = chance(random, 600) ? COMMON : MNEMONICS;
    const mnemonic = table[below(random, table.length)]!;
    if (RARE.has(mnemonic) && !chance(random, RARE_PER_MILLE)) continue;
    if (ISA[mnemonic].version > version && !chance(random, 5)) continue;
    const operands = ISA[mnemonic].operands.map((kind) => randomOperand(kind, context));
    const careful = chance(random, CARELESS_PER_MILLE)
      ? []
      : preparation(mnemonic, operands, context);
    return [...careful, ...instruction(mnemonic, ...operands)];
  }
}

/** What makes it likely that an instruction does not trap. */
function preparation(
  mnemonic: Mnemonic,
  [a = 0, b = 0]: readonly number[],
  context: Context,
): number[] {
  const { random } = context;
  if (ADDRESSING.has(mnemonic)) return instruction("LOAD", a, below(random, 57));
  if (DIVIDING.has(mnemonic)) return instruction("LOAD", b, between(random, 1, 5));
  if (JUMPING.has(mnemonic)) return instruction("LOAD", a, randomAddress(context));
  // At most so many bytes to the beginning of the heap.
  if (mnemonic === "GETL") {
    const at = instruction("LOAD", a, below(random, 40));
    return [...at, ...instruction("LOAD", b, below(random, 25))];
  }
  // To the instruction behind it, or one, two … further, or back.
  if (SKIPPING.has(mnemonic)) return instruction("LOAD", a, 2 + 4 * below(random, 4));
  if (POPPING.has(mnemonic)) {
    return [...instruction("PUSH", a), ...instruction("PUSH", below(random, FEW_REGISTERS))];
  }
  if (mnemonic === "RET") {
    if (chance(random, 500)) return subroutine(context);
    return chance(random, 300) ? forgery(context) : someCall(context);
  }
  return [];
}

/** A call of what stands behind it and ends with the RET that follows, and the way around that. */
function subroutine({ random, here }: Context): number[] {
  const sub = here + 12;
  const register = below(random, FEW_REGISTERS);
  const body = chance(random, 500) ? instruction("PUSH", register) : [];
  return [
    ...instruction("CALL", sub),
    ...instruction("EQ", register, register),
    ...instruction("DJMPE", sub + body.length + 4),
    ...body,
  ];
}

function someCall(context: Context): number[] {
  const at = randomAddress(context);
  return [...instruction("DJMPE", at), ...instruction("CALL", at)];
}

/**
 * A call of the next instruction, and another bp or return address on the stack for the RET behind it,
 * which comes back here.
 */
function forgery(context: Context): number[] {
  const { random, here } = context;
  const register = below(random, FEW_REGISTERS);
  const value = chance(random, 700) ? below(random, 20) : randomInteger(context);
  return [
    ...instruction("CALL", here + 4),
    ...instruction("LOAD", register, value >>> 16),
    ...instruction("LUI", register, value & 0xffff),
    ...instruction("SETS", register, chance(random, 800) ? 0 : 1),
  ];
}

function randomOperand(kind: OperandKind, context: Context): number {
  const { random } = context;
  switch (kind) {
    case "reg":
    case "freg":
      if (chance(random, 1)) return between(random, 32, 255);
      return below(random, chance(random, 900) ? FEW_REGISTERS : 32);
    case "imm16":
      return chance(random, 400) ? randomAddress(context) : smallNumber(random);
    case "count16":
      return chance(random, 900) ? below(random, 8) : below(random, 0x1_0000);
    case "address":
      return randomAddress(context);
    case "offset":
      return below(random, 12);
    case "count8":
      return below(random, chance(random, 900) ? 32 : 256);
  }
}

function smallNumber(random: SeededRandom): number {
  return below(random, [4, 70, 300, 0x1_0000][below(random, 4)]!);
}

/** Of an instruction, as a rule. */
function randomAddress({ random, entry, length }: Context): number {
  if (chance(random, 15)) return below(random, entry + 4 * length + 40);
  return entry + 4 * below(random, length + (chance(random, 50) ? 1 : 0));
}

function randomInteger(context: Context): number {
  const { random } = context;
  const kinds = [
    () => smallNumber(random),
    () => -smallNumber(random),
    () => randomAddress(context),
    () => random.u32() | 0,
    () => [0, 1, -1, 0x7fff_ffff, -0x8000_0000][below(random, 5)]!,
  ];
  return kinds[below(random, kinds.length)]!();
}

function randomDouble(random: SeededRandom): bigint {
  const kinds = [
    () => bitsOf(below(random, 100)),
    () => bitsOf(-below(random, 1_000) / 8),
    () => bitsOf([0, -0, NaN, Infinity, -Infinity, 2 ** -52, 2 ** 31, 1e300][below(random, 8)]!),
    () => BigInt(random.u32()) << 32n | BigInt(random.u32()),
  ];
  return kinds[below(random, kinds.length)]!();
}

const CONVERTER = new DataView(new ArrayBuffer(8));

/** All NaNs are one: their bits differ between machines, and no program can see them. */
function bitsOf(value: number): bigint {
  CONVERTER.setFloat64(0, Number.isNaN(value) ? NaN : value);
  return CONVERTER.getBigUint64(0);
}

// -- running --------------------------------------------------------------------------------------

/** One engine with its own machine and world. */
class Run {
  readonly name: string;
  readonly process: Process;
  readonly host = new TestHost();
  readonly #engine: Engine;
  readonly #calls: HostCalls;

  constructor(name: string, engine: Engine, { image, limits, ...start }: Generated, arena: Arena) {
    this.name = name;
    this.#engine = engine;
    this.process = createMachine(image, limits, arena);
    this.process.registers.set(start.registers);
    const { floats } = this.process;
    new BigUint64Array(floats.buffer, floats.byteOffset, 32).set(start.floatBits);
    this.host.input.push(...start.input);
    this.#calls = new HostCalls(image, this.host);
  }

  /** Text that is equal if what happened is. */
  slice(fuel: number): { readonly over: boolean; readonly exit: string } {
    const exit: Exit = this.#engine.run(this.process, fuel);
    const text = JSON.stringify(exit);
    if (exit.kind !== "host") return { over: exit.kind !== "outOfFuel", exit: text };
    const outcome = this.#calls.perform(exit.call, this.process);
    return { over: outcome !== "done", exit: `${text} ${outcome}` };
  }

  /** Everything that can be seen of the machine; what is long only if told so. */
  seen(all: boolean): Readonly<Record<string, unknown>> {
    const { process } = this;
    return {
      pc: process.pc,
      fuelUsed: process.fuelUsed,
      fuelOwed: process.fuelOwed,
      registers: process.registers.join(),
      floats: Array.from(process.floats, bitsOf).join(),
      flag: process.flag,
      loopCounter: process.loopCounter,
      remainder: process.remainder,
      sp: process.sp,
      bp: process.bp,
      ...(all ? this.#long() : {}),
    };
  }

  #long(): Readonly<Record<string, string>> {
    return {
      stack: this.process.stack().join(),
      heap: this.process.heap().join(),
      output: this.host.output.join(),
    };
  }
}

export interface Fuzzed {
  readonly fuelUsed: number;
  readonly exit: string;
}

/** Machines come and go in one memory, so that they are not at its beginning. */
const ARENA = new Arena();

/** Runs the program of a seed on all engines. Throws if they differ. */
export function fuzz(seed: number): Fuzzed {
  const generated = generate(seed);
  const program = decode(generated.image);
  const runs = [
    new Run("interpreter", new Interpreter(program), generated, ARENA),
    new Run("observed", new ObservedInterpreter(program, { begin() {} }), generated, ARENA),
    new Run("wasm", new WasmEngine(program), generated, ARENA),
    new Run(
      "wasm in regions, translated again",
      new WasmEngine(program, { maxRegion: GRANULE, maxMisses: 5 }),
      generated,
      ARENA,
    ),
  ];
  const [reference, ...others] = runs;
  let last = "";
  for (const [index, fuel] of generated.slices.entries()) {
    const { over, exit } = reference!.slice(fuel);
    last = exit;
    const isLast = over || reference!.process.fuelUsed > MAX_FUEL;
    const all = isLast || index % FULL_EVERY === 0;
    const expected = { exit, ...reference!.seen(all) };
    for (const run of others) {
      const actual = { exit: run.slice(fuel).exit, ...run.seen(all) };
      compare(seed, generated, `${run.name}, slice ${index} of ${fuel}`, expected, actual);
    }
    if (isLast) break;
  }
  const { fuelUsed } = reference!.process;
  for (const { process } of runs) process.release();
  return { fuelUsed, exit: last };
}

/** Counts what a seed's program does: each instruction that it begins, and how it ends. */
export function count(seed: number, counts: Map<string, number>): void {
  const generated = generate(seed);
  const program = decode(generated.image);
  const run = new Run("interpreter", new Interpreter(program), generated, ARENA);
  const note = (what: string) => counts.set(what, (counts.get(what) ?? 0) + 1);
  for (let steps = 0; steps < MAX_FUEL; steps++) {
    const at = run.process.pc - program.entry;
    const mnemonic = isInCode(program, at) ? mnemonicAt(program, at) : undefined;
    const { fuelOwed, fuelUsed } = run.process;
    const { over, exit } = run.slice(fuelOwed + 1);
    if (mnemonic !== undefined && run.process.fuelUsed > fuelUsed) note(mnemonic);
    if (over) {
      note(exit.replace(/"pc":\d+/, ""));
      break;
    }
  }
  run.process.release();
}

function compare(
  seed: number,
  { image }: Generated,
  where: string,
  expected: Readonly<Record<string, unknown>>,
  actual: Readonly<Record<string, unknown>>,
): void {
  const different = Object.keys(expected).filter((key) => expected[key] !== actual[key]);
  if (different.length === 0) return;
  const lines = different.map((key) => `${key}: ${actual[key]}, interpreter: ${expected[key]}`);
  throw new Error(
    [...listing(image), `seed ${seed}, ${where}`, ...lines].join("\n") +
      `\nrepeat: deno run -A tests/simulation/vm_fuzz.ts ${seed}`,
  );
}

function listing(image: Image): string[] {
  const program = decode(image);
  return Array.from({ length: program.instructions }, (_, index) => {
    const at = index * STRIDE;
    const mnemonic = mnemonicAt(program, at) ?? "–";
    const bytes = image.bytes.subarray(image.entry + at + 1, image.entry + at + STRIDE);
    const target = ISA[mnemonic as Mnemonic]?.operands[0] === "address"
      ? `→ ${program.code[at + 1]! + image.entry}`
      : "";
    return `${image.entry + at}: ${mnemonic} ${bytes.join(" ")} ${target}`;
  });
}

if (import.meta.main) {
  const [first = "1", count = "1"] = Deno.args;
  const ends = new Map<string, number>();
  let fuel = 0;
  for (let seed = Number(first); seed < Number(first) + Number(count); seed++) {
    const { fuelUsed, exit } = fuzz(seed);
    fuel += fuelUsed;
    const end = exit.replaceAll(/,"pc":\d+|"/g, "");
    ends.set(end, (ends.get(end) ?? 0) + 1);
  }
  const sorted = [...ends].sort(([, a], [, b]) => b - a);
  // deno-lint-ignore no-console -- it is a report
  for (const [end, times] of sorted) console.log(`${String(times).padStart(7)} ${end}`);
  // deno-lint-ignore no-console -- it is a report
  console.log(`${count} programs, ${fuel} units of fuel, no difference`);
}
