/**
 * One program that runs: an image, its machine, an engine and a host. It runs in slices of fuel, so that
 * whoever runs it stays in command: `run` always comes back.
 */

import type { Log } from "../cluster/log.ts";
import type { Arena } from "./arena.ts";
import { engineFor } from "./engine.ts";
import { type Host, HostCalls, needOf, type WaitsFor } from "./host.ts";
import type { Image } from "./image.ts";
import {
  DEFAULT_LIMITS,
  type Engine,
  type EngineChoice,
  type HostCall,
  type Machine,
  type MachineLimits,
  Trap,
  type TrapCode,
} from "./machine.ts";
import { createMachine } from "./state.ts";

export type ProgramState =
  /** The slice is used up; there is more to do. */
  | { readonly kind: "running" }
  /** At an instruction that needs input, or room for output; `run` tries again. */
  | { readonly kind: "waiting"; readonly for: WaitsFor }
  | { readonly kind: "stopped"; readonly code: 0 | 1 }
  /** 9 is the fuel limit, 10 is that it was killed. */
  | { readonly kind: "trapped"; readonly code: TrapCode; readonly pc: number };

/** What Iridium tells of a run; times are the host's. */
export type VmEvent =
  & { readonly atMs: number }
  & (
    | { readonly kind: "Start" }
    | { readonly kind: "GracefulStop"; readonly code: number }
    | { readonly kind: "Crash"; readonly code: number }
  );

export interface ProgramOptions {
  readonly limits?: MachineLimits;
  /** Units of fuel for the whole run; without it there is no end to them. */
  readonly fuelLimit?: number;
  /** A choice, or an engine for this very image. */
  readonly engine?: EngineChoice | Engine;
  /** Where its state lives; an arena of its own if not given. */
  readonly arena?: Arena;
  /** Is told if the program has to be interpreted though that was not asked for. */
  readonly log?: Log;
}

const RUNNING: ProgramState = { kind: "running" };

export class Program {
  readonly image: Image;
  readonly machine: Machine;
  readonly engine: Engine;
  readonly #host: Host;
  readonly #calls: HostCalls;
  readonly #fuelLimit: number;
  readonly #events: VmEvent[] = [];
  #state: ProgramState = RUNNING;
  #begun = false;
  #waitsFor: HostCall | undefined;
  /** Fuel paid before the last reset. */
  #paidBefore = 0;

  constructor(image: Image, host: Host, options: ProgramOptions = {}) {
    this.image = image;
    this.machine = createMachine(image, options.limits ?? DEFAULT_LIMITS, options.arena);
    const { engine = "auto" } = options;
    this.engine = typeof engine === "string" ? engineFor(engine, image, options.log) : engine;
    this.#host = host;
    this.#calls = new HostCalls(image, host);
    this.#fuelLimit = options.fuelLimit ?? Infinity;
  }

  get state(): ProgramState {
    return this.#state;
  }

  /** Of all runs so far: {@link reset} begins another one. */
  get events(): readonly VmEvent[] {
    return this.#events;
  }

  /** Goes on for at most so many units of fuel; what has ended stays ended. */
  run(sliceFuel: number): ProgramState {
    if (this.#isOver) return this.#state;
    this.#begin();
    const sliceEnd = this.#paid + sliceFuel;
    this.#state = RUNNING;
    // An instruction that waited is begun, and paid for.
    if (this.#waitsFor !== undefined) this.#perform(this.#waitsFor);
    while (this.#state === RUNNING) {
      const limit = this.#paidBefore + this.#fuelLimit;
      const fuel = Math.max(0, Math.min(sliceEnd, limit) - this.#paid);
      const exit = this.engine.run(this.machine, fuel);
      switch (exit.kind) {
        case "stopped":
          this.#end({ kind: "stopped", code: exit.code });
          break;
        case "trap":
          this.#trap(exit.code);
          break;
        case "host":
          this.#perform(exit.call);
          break;
        case "outOfFuel":
          if (this.#paid >= limit) this.#trap(Trap.fuelLimit);
          else return this.#state;
      }
    }
    return this.#state;
  }

  /** Ends it where it stands. */
  kill(): void {
    if (this.#isOver) return;
    this.#begin();
    this.#trap(Trap.killed);
  }

  /** Back to the beginning, with fuel as at first. */
  reset(): void {
    this.machine.reset();
    this.#calls.reset();
    this.#waitsFor = undefined;
    this.#paidBefore = this.#paid;
    this.#state = RUNNING;
    this.#begun = false;
  }

  /** Gives its memory back to the arena; it must not be used any more. */
  release(): void {
    this.machine.release();
  }

  get #isOver(): boolean {
    return this.#state.kind === "stopped" || this.#state.kind === "trapped";
  }

  /** What was charged counts when it is paid, so that slices and the limit are exact. */
  get #paid(): number {
    return this.machine.fuelUsed - this.machine.fuelOwed;
  }

  #begin(): void {
    if (this.#begun) return;
    this.#begun = true;
    this.#events.push({ kind: "Start", atMs: this.#host.clockMs() });
  }

  #perform(call: HostCall): void {
    const outcome = this.#calls.perform(call, this.machine);
    this.#waitsFor = outcome === "wait" ? call : undefined;
    if (outcome === "wait") this.#state = { kind: "waiting", for: needOf(call) };
    else if (outcome !== "done") this.#trap(outcome);
  }

  #trap(code: TrapCode): void {
    this.#end({ kind: "trapped", code, pc: this.machine.pc });
  }

  #end(state: ProgramState & { readonly kind: "stopped" | "trapped" }): void {
    this.#state = state;
    const kind = state.kind === "stopped" ? "GracefulStop" : "Crash";
    this.#events.push({ kind, code: state.code, atMs: this.#host.clockMs() });
  }
}
