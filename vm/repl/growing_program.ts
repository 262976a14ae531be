/**
 * A program that grows while it is used. An image never changes while an engine runs it, so each line of
 * input makes a new one: the old image with the line's code behind its end, a decoder's and a host's view
 * of it. The machine stays. It depends on an image only for the read-only data and the first address,
 * and neither is touched by growing; registers, stack, heap and the addresses in them stay true.
 *
 * Images are of version 1, so that all instructions can be typed. Programs are interpreted: breakpoints
 * and single steps need that, and what has just been typed is not worth translating.
 */

import { assembleLines, type Diagnostic } from "../assembler/index.ts";
import type { ProgramSymbol } from "../debug_info.ts";
import { decode } from "../decode.ts";
import { type Host, HostCalls, needOf, type WaitsFor } from "../host.ts";
import { extendImage, type Image, loadImage, makeImage, MAX_VERSION } from "../image.ts";
import { Interpreter } from "../interpreter.ts";
import {
  DEFAULT_LIMITS,
  type Exit,
  type HostCall,
  type Machine,
  type MachineLimits,
  type TrapCode,
} from "../machine.ts";
import { createMachine } from "../state.ts";
import { isInstruction, placeText } from "./places.ts";

/** How a slice ended. Whatever it was, running can go on at the machine's pc. */
export type Outcome =
  | { readonly kind: "running" }
  /** At an instruction that needs input, or room for output. */
  | { readonly kind: "waiting"; readonly for: WaitsFor }
  /** In front of an instruction with a breakpoint. */
  | { readonly kind: "breakpoint" }
  | { readonly kind: "stopped"; readonly code: 0 | 1 }
  | { readonly kind: "trapped"; readonly code: TrapCode };

/** What one step costs, compared to an instruction among many. */
const STEP_FUEL = 16;
const RUNNING: Outcome = { kind: "running" };

export class GrowingProgram {
  readonly symbols: Map<string, ProgramSymbol> = new Map();
  /** Addresses of instructions. */
  readonly breakpoints: Set<number> = new Set();
  readonly #host: Host;
  readonly #limits: MachineLimits;
  #image: Image;
  #machine: Machine;
  #interpreter: Interpreter;
  #calls: HostCalls;
  #waitsFor: HostCall | undefined;
  /** Whether the breakpoint at pc has been told already. */
  #leavesBreakpoint = false;

  constructor(host: Host, limits: MachineLimits = DEFAULT_LIMITS) {
    this.#host = host;
    this.#limits = limits;
    const none = new Uint8Array();
    this.#image = loadImage(makeImage({ version: MAX_VERSION, readOnly: none, code: none }));
    this.#machine = createMachine(this.#image, limits);
    this.#interpreter = new Interpreter(decode(this.#image));
    this.#calls = new HostCalls(this.#image, host);
  }

  get image(): Image {
    return this.#image;
  }

  get machine(): Machine {
    return this.#machine;
  }

  /** Where the next line will stand. */
  get end(): number {
    return this.#image.bytes.length;
  }

  /** Adds a line of source, unless it is wrong, and leads pc to it; says how many bytes were added. */
  append(source: string): { readonly added: number; readonly diagnostics: readonly Diagnostic[] } {
    const address = this.end;
    const known = this.symbols.values();
    const { code, version, diagnostics, symbols } = assembleLines(source, {
      address,
      symbols: known,
    });
    for (const symbol of symbols) this.symbols.set(symbol.name, symbol);
    if (code === undefined || code.length === 0) return { added: 0, diagnostics };
    this.#use(extendImage(this.#image, code, version));
    this.#machine.pc = address;
    return { added: code.length, diagnostics };
  }

  /** Another program in place of this one, as it is at its start. */
  replace(image: Image, symbols: Iterable<ProgramSymbol>): void {
    this.#forget();
    for (const symbol of symbols) this.symbols.set(symbol.name, symbol);
    this.#machine = createMachine(image, this.#limits);
    this.#use(image);
  }

  /** No code any more; the machine keeps what it has, but for pc, and the read-only data stays. */
  clear(): void {
    const { bytes, entry } = this.#image;
    const data = [...this.symbols.values()].filter(({ section }) => section === "data");
    this.#forget();
    for (const symbol of data) this.symbols.set(symbol.name, symbol);
    this.#use(extendImage(loadImage(bytes.slice(0, entry)), new Uint8Array(), MAX_VERSION));
    this.#machine.pc = entry;
  }

  /** The machine as it was at its start, the program as it is. */
  reset(): void {
    this.#machine.reset();
    this.#use(this.#image);
  }

  /** The next {@link run} passes a breakpoint at pc. */
  leaveBreakpoint(): void {
    this.#leavesBreakpoint = true;
  }

  /** Goes on for about so much fuel. */
  run(fuel: number): Outcome {
    if (this.breakpoints.size === 0) return this.#runFreely(fuel);
    for (let left = fuel; left > 0; left -= STEP_FUEL) {
      const isNew = this.#waitsFor === undefined && !this.#leavesBreakpoint;
      if (isNew && this.breakpoints.has(this.#machine.pc)) return { kind: "breakpoint" };
      const outcome = this.step();
      if (outcome.kind !== "running") return outcome;
    }
    return RUNNING;
  }

  /** One instruction; `running` if it is done. */
  step(): Outcome {
    this.#leavesBreakpoint = false;
    if (this.#waitsFor !== undefined) return this.#perform(this.#waitsFor);
    return this.#outcomeOf(this.#interpreter.step(this.#machine));
  }

  /** Gives up what the program waits for: it will ask again. */
  stopWaiting(): void {
    this.#waitsFor = undefined;
  }

  /** An address with what is there. */
  placeText(address: number): string {
    return placeText(this.#image, [...this.symbols.values()], address);
  }

  isInstruction(address: number): boolean {
    return isInstruction(this.#image, address);
  }

  #forget(): void {
    this.symbols.clear();
    this.breakpoints.clear();
  }

  #use(image: Image): void {
    this.#image = image;
    this.#interpreter = new Interpreter(decode(image));
    this.#calls = new HostCalls(image, this.#host);
    this.#waitsFor = undefined;
    this.#leavesBreakpoint = false;
  }

  #runFreely(fuel: number): Outcome {
    this.#leavesBreakpoint = false;
    let outcome = this.#waitsFor === undefined ? RUNNING : this.#perform(this.#waitsFor);
    let left = fuel;
    while (outcome === RUNNING && left > 0) {
      const before = this.#machine.fuelUsed;
      outcome = this.#outcomeOf(this.#interpreter.run(this.#machine, left));
      left -= this.#machine.fuelUsed - before;
    }
    return outcome;
  }

  #outcomeOf(exit: Exit): Outcome {
    switch (exit.kind) {
      case "outOfFuel":
        return RUNNING;
      case "host":
        return this.#perform(exit.call);
      case "stopped":
        return { kind: "stopped", code: exit.code };
      case "trap":
        return { kind: "trapped", code: exit.code };
    }
  }

  #perform(call: HostCall): Outcome {
    const outcome = this.#calls.perform(call, this.#machine);
    this.#waitsFor = outcome === "wait" ? call : undefined;
    if (outcome === "done") return RUNNING;
    return outcome === "wait"
      ? { kind: "waiting", for: needOf(call) }
      : { kind: "trapped", code: outcome };
  }
}
