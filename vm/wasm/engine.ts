/**
 * The fast engine: runs the translation of a program, and has the interpreter do what translated code
 * leaves to it, as well as the last few instructions of a slice, so that both engines stop before
 * exactly the same one.
 */

import { type Decoded, isInCode, STRIDE } from "../decode.ts";
import { interpret } from "../interpreter.ts";
import type { Engine, Exit, Machine } from "../machine.ts";
import { type Process, processOf } from "../state.ts";
import { type TranslateOptions, translateProgram, type Translation } from "./module.ts";
import { flowAt } from "./targets.ts";

/**
 * Fuel for one call. V8 replaces a function by its optimised version only between calls, so that shorter
 * ones are faster over all; a call itself costs nanoseconds.
 */
const CALL_FUEL = 100_000;

/** Translating takes about 1 ms for 1000 instructions; what is longer than this is interpreted at once. */
export const MAX_TRANSLATED_INSTRUCTIONS = 500_000;

/**
 * A jump by register may lead to where translated code cannot be entered; what comes there is
 * interpreted block by block. After this many of them, or as many as make up for translating again,
 * that is done, so that they can be entered.
 */
const MIN_MISSES = 1_000;
const MISSES_PER_INSTRUCTION = 4;
/** A program that still misses then computes its targets; it has to live with it. */
const MAX_TRANSLATIONS = 5;

/** What only tests set, so that short programs get where long ones do, and benchmarks. */
export interface WasmOptions extends Pick<TranslateOptions, "maxRegion" | "countsFuel"> {
  /** After so many jumps to where it cannot be entered a program is translated again. */
  readonly maxMisses?: number;
}

type Run = (base: number, fuel: number) => number;

/** A translation that runs. */
interface Compiled {
  readonly translation: Translation;
  readonly module: WebAssembly.Module;
  /** One for each memory that machines of this program live in. */
  readonly runs: WeakMap<WebAssembly.Memory, Run>;
}

export class WasmEngine implements Engine {
  readonly name = "wasm";
  readonly #program: Decoded;
  readonly #options: WasmOptions;
  readonly #maxMisses: number;
  #compiled: Compiled;
  #translations = 1;
  /** Where the interpreter had to go on because translated code could not be entered. */
  readonly #missed = new Set<number>();
  #misses = 0;

  /** Throws whatever translating or compiling throws; nothing has been run then. */
  constructor(program: Decoded, options: WasmOptions = {}) {
    if (program.instructions > MAX_TRANSLATED_INSTRUCTIONS) {
      throw new RangeError(
        `${program.instructions} instructions; up to ${MAX_TRANSLATED_INSTRUCTIONS} are translated`,
      );
    }
    this.#program = program;
    this.#options = options;
    this.#maxMisses = options.maxMisses ??
      Math.max(MIN_MISSES, MISSES_PER_INSTRUCTION * program.instructions);
    this.#compiled = this.#compile();
  }

  /** How often the program has been translated. */
  get translations(): number {
    return this.#translations;
  }

  run(machine: Machine, fuel: number): Exit {
    const process = processOf(machine);
    process.fuel(fuel);
    for (;;) {
      const { reserve } = this.#compiled.translation;
      if (process.fuelLeft > reserve) {
        if (this.#canEnter(process) && this.#runTranslated(process) <= reserve) continue;
        if (this.#isMiss(process)) this.#noteMiss(process);
      }
      const exit = interpret(process, this.#program, this.#interpretedFuel(process));
      if (exit.kind !== "outOfFuel" || process.fuelLeft === 0) return exit;
    }
  }

  /** Gives what is left of the call's fuel: above the reserve, the instruction at pc is for the interpreter. */
  #runTranslated(process: Process): number {
    const given = Math.min(process.fuelLeft, CALL_FUEL + this.#compiled.translation.reserve);
    const left = this.#runIn(process.arena.memory)(process.base, given);
    process.spend(given - left);
    return left;
  }

  #compile(): Compiled {
    const translation = translateProgram(this.#program, {
      ...this.#options,
      entries: this.#missed,
    });
    return { translation, module: new WebAssembly.Module(translation.module), runs: new WeakMap() };
  }

  #runIn(memory: WebAssembly.Memory): Run {
    const { module, runs } = this.#compiled;
    const known = runs.get(memory);
    if (known !== undefined) return known;
    const { exports } = new WebAssembly.Instance(module, { machine: { memory } });
    const run = exports["run"] as Run;
    runs.set(memory, run);
    return run;
  }

  /** The number of the instruction at pc; undefined if there is none. */
  #instruction(process: Process): number | undefined {
    const at = process.pc - this.#program.entry;
    return isInCode(this.#program, at) ? at / STRIDE : undefined;
  }

  #canEnter(process: Process): boolean {
    const index = this.#instruction(process);
    return index !== undefined && this.#compiled.translation.entries[index] === 1;
  }

  /** To the end of the block, where translated code can take over again; or all there is. */
  #interpretedFuel(process: Process): number {
    const { fuelLeft } = process;
    const { reserve, toBlockEnd } = this.#compiled.translation;
    const index = this.#instruction(process);
    if (fuelLeft <= reserve || index === undefined) return fuelLeft;
    return Math.min(fuelLeft, toBlockEnd[index]!);
  }

  // -- jumps to unknown targets -------------------------------------------------------------------

  /** The interpreter has to go on, and not with something that only it can do. */
  #isMiss(process: Process): boolean {
    const index = this.#instruction(process);
    if (index === undefined || this.#compiled.translation.entries[index] === 1) return false;
    const flow = flowAt(this.#program, index);
    return flow !== "host" && flow !== "stop";
  }

  #noteMiss(process: Process): void {
    if (this.#translations === MAX_TRANSLATIONS) return;
    this.#missed.add(this.#instruction(process)!);
    this.#misses++;
    if (this.#misses < this.#maxMisses) return;
    this.#misses = 0;
    try {
      this.#compiled = this.#compile();
      this.#translations++;
    } catch {
      // What runs already is slower, but right.
      this.#translations = MAX_TRANSLATIONS;
    }
  }
}
