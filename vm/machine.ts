/** What engines and those who use them agree on: the state of one program, and how running it ends. */

import type { Mnemonic } from "./isa.ts";

/** Trap codes, which are the stop codes of a crash as well. */
export const Trap = {
  divisionByZero: 2,
  stack: 3,
  illegal: 4,
  heapRange: 5,
  readOnlyRange: 6,
  badJump: 7,
  memoryLimit: 8,
  fuelLimit: 9,
  killed: 10,
} as const;
export type TrapCode = (typeof Trap)[keyof typeof Trap];

/** As people are told. */
export const TRAP_TEXTS: Readonly<Record<TrapCode, string>> = {
  [Trap.divisionByZero]: "division by zero",
  [Trap.stack]: "stack empty, full, or its frame forged",
  [Trap.illegal]: "illegal instruction or register",
  [Trap.heapRange]: "outside the heap",
  [Trap.readOnlyRange]: "outside the read-only data",
  [Trap.badJump]: "jump to where no instruction begins",
  [Trap.memoryLimit]: "memory limit",
  [Trap.fuelLimit]: "fuel limit",
  [Trap.killed]: "killed",
};

/** Instructions that the host carries out; ALOC is one for the engines only. */
export type HostCall = Mnemonic & ("PRTS" | "PRTI" | "PRTF" | "PRTB" | "GETL" | "CLOCK" | "RAND");

/** Why {@link Engine.run} came back. */
export type Exit =
  /** HLT (0), IGL or the end of the image (1). */
  | { readonly kind: "stopped"; readonly code: 0 | 1; readonly pc: number }
  /** `pc` is the instruction's that did it. */
  | { readonly kind: "trap"; readonly code: TrapCode; readonly pc: number }
  /** The fuel that was given is used up; running can go on. */
  | { readonly kind: "outOfFuel" }
  /** The machine's pc is at this instruction; the host does it and sets pc to the next. */
  | { readonly kind: "host"; readonly call: HostCall };

export interface MachineLimits {
  /** Heap bytes. */
  readonly memoryBytes: number;
  readonly stackWords: number;
}

export const DEFAULT_LIMITS: MachineLimits = {
  memoryBytes: 64 * 1024 * 1024,
  stackWords: 2_097_152,
};

/** The state of one program. Views are of the moment: growing moves what they show. */
export interface Machine {
  /** 32 integers. */
  readonly registers: Int32Array;
  /** 32 doubles. */
  readonly floats: Float64Array;
  pc: number;
  /** Words on the stack. */
  readonly sp: number;
  readonly bp: number;
  flag: boolean;
  /** Unsigned, 16 bits at most as CLOOP sets it. */
  readonly loopCounter: number;
  readonly remainder: number;
  /** The words on the stack, the bottom first. */
  stack(): Int32Array;
  heap(): Uint8Array;
  /** Units of fuel used so far, over all runs, what is owed included. */
  readonly fuelUsed: number;
  /** The part of `fuelUsed` that the next runs have still to pay. */
  readonly fuelOwed: number;
  /** Charges fuel beside the one per instruction, as for output: it counts against the next run. */
  charge(fuel: number): void;
  /** As it was when it was made, but for `fuelUsed`. */
  reset(): void;
  /** Gives all its memory back; it must not be used any more. */
  release(): void;
}

/** Runs machines that were made of the one image which the engine was made for. */
export interface Engine {
  readonly name: "interpreter" | "wasm";
  /**
   * Goes on where the machine is, with so many units of fuel. An instruction begins only while fuel is
   * left; that nothing stands at pc, which ends the program or is a trap, is found without any.
   */
  run(machine: Machine, fuel: number): Exit;
}

export type EngineChoice = "auto" | Engine["name"];

/** ALOC and output cost one unit beside the instruction's for each begun piece of so many bytes. */
export const BYTES_PER_FUEL = 64;

export function fuelForBytes(bytes: number): number {
  return Math.ceil(bytes / BYTES_PER_FUEL);
}
