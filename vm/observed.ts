/**
 * An interpreter that is looked at: it goes one instruction at a time and tells of each before it begins.
 * What it does, and when it stops for want of fuel, is exactly what the other engines do.
 */

import { type Decoded, isInCode } from "./decode.ts";
import { interpret } from "./interpreter.ts";
import type { Engine, Exit, Machine } from "./machine.ts";
import { processOf } from "./state.ts";

/** Is told of a run while it happens; it may look at the machine, not change it. */
export interface Observer {
  /** The instruction at `pc` begins; what the one before did can be seen now. */
  begin(pc: number, machine: Machine): void;
}

export class ObservedInterpreter implements Engine {
  readonly name = "interpreter";
  readonly #program: Decoded;
  readonly #observer: Observer;

  constructor(program: Decoded, observer: Observer) {
    this.#program = program;
    this.#observer = observer;
  }

  run(machine: Machine, fuel: number): Exit {
    const process = processOf(machine);
    const { entry } = this.#program;
    process.fuel(fuel);
    for (;;) {
      const { pc, fuelLeft } = process;
      // Nothing begins without fuel, and where nothing is.
      if (fuelLeft > 0 && isInCode(this.#program, pc - entry)) this.#observer.begin(pc, machine);
      const exit = interpret(process, this.#program, Math.min(1, fuelLeft));
      if (exit.kind !== "outOfFuel" || process.fuelLeft === 0) return exit;
    }
  }
}
