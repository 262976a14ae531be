/**
 * The fast engine: runs the translation of a program, and has the interpreter do what translated code
 * leaves to it, as well as the last few instructions of a slice, so that both engines stop before
 * exactly the same one.
 */

import { type Decoded, isInCode, STRIDE } from "../decode.ts";
import { interpret } from "../interpreter.ts";
import type { Engine, Exit, Machine } from "../machine.ts";
import { type Process, processOf } from "../state.ts";
import { translateProgram, type Translation } from "./module.ts";

/**
 * Fuel for one call. V8 replaces a function by its optimised version only between calls, so that shorter
 * ones are faster over all; a call itself costs nanoseconds.
 */
const CALL_FUEL = 100_000;

/** Translating takes about 1 ms for 1000 instructions; what is longer than this is interpreted at once. */
export const MAX_TRANSLATED_INSTRUCTIONS = 500_000;

type Run = (base: number, fuel: number) => number;

export class WasmEngine implements Engine {
  readonly name = "wasm";
  readonly #program: Decoded;
  readonly #translation: Translation;
  readonly #module: WebAssembly.Module;
  /** One for each memory that machines of this program live in. */
  readonly #runs = new WeakMap<WebAssembly.Memory, Run>();

  /** Throws whatever translating or compiling throws; nothing has been run then. */
  constructor(program: Decoded, maxRegion?: number) {
    if (program.instructions > MAX_TRANSLATED_INSTRUCTIONS) {
      throw new RangeError(
        `${program.instructions} instructions; up to ${MAX_TRANSLATED_INSTRUCTIONS} are translated`,
      );
    }
    this.#program = program;
    this.#translation = translateProgram(program, maxRegion);
    this.#module = new WebAssembly.Module(this.#translation.module);
  }

  run(machine: Machine, fuel: number): Exit {
    const process = processOf(machine);
    const run = this.#runIn(process.arena.memory);
    const { reserve } = this.#translation;
    process.fuel(fuel);
    for (;;) {
      if (process.fuelLeft > reserve && this.#canEnter(process)) {
        const given = Math.min(process.fuelLeft, CALL_FUEL + reserve);
        const left = run(process.base, given);
        process.spend(given - left);
        if (left <= reserve) continue;
      }
      const exit = interpret(process, this.#program, this.#interpretedFuel(process));
      if (exit.kind !== "outOfFuel" || process.fuelLeft === 0) return exit;
    }
  }

  #runIn(memory: WebAssembly.Memory): Run {
    const known = this.#runs.get(memory);
    if (known !== undefined) return known;
    const { exports } = new WebAssembly.Instance(this.#module, { machine: { memory } });
    const run = exports["run"] as Run;
    this.#runs.set(memory, run);
    return run;
  }

  #canEnter(process: Process): boolean {
    const at = process.pc - this.#program.entry;
    return isInCode(this.#program, at) && this.#translation.entries[at / STRIDE] === 1;
  }

  /** To the end of the block, where translated code can take over again; or all there is. */
  #interpretedFuel(process: Process): number {
    const { fuelLeft } = process;
    const { reserve, toBlockEnd } = this.#translation;
    const at = process.pc - this.#program.entry;
    if (fuelLeft <= reserve || !isInCode(this.#program, at)) return fuelLeft;
    return Math.min(fuelLeft, toBlockEnd[at / STRIDE]!);
  }
}
