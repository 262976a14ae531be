/**
 * A program that grows while it is used. An image never changes while an engine runs it, so each line of
 * input makes a new one, which shares its bytes with the one before; what that takes goes with what the
 * line adds. The machine stays. It depends on an image only for the read-only data and the first
 * address, and neither is touched by growing; registers, stack, heap and the addresses in them stay true.
 *
 * Images are of version 1, so that all instructions can be typed. What is typed is interpreted, as it is
 * not worth translating; so is what stops at breakpoints or goes in single steps. A file that was
 * loaded runs translated as long as nothing is added to it. All engines work on the same machine, so that
 * one takes over from the other wherever that is.
 */

import { assembleLines, type Diagnostic } from "../assembler/index.ts";
import type { ProgramSymbol } from "../debug_info.ts";
import { fastestEngine } from "../engine.ts";
import { type Host, HostCalls, needOf, type WaitsFor } from "../host.ts";
import { type Image, loadImage, makeImage, MAX_VERSION } from "../image.ts";
import { Interpreter } from "../interpreter.ts";
import {
  DEFAULT_LIMITS,
  type Engine,
  type Exit,
  type HostCall,
  type Machine,
  type MachineLimits,
  type TrapCode,
} from "../machine.ts";
import { createMachine } from "../state.ts";
import { GrowingCode } from "./growing_code.ts";
import { NameIndex } from "./name_index.ts";
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
/** Code that is typed in, names included, and labels: who types more has a program that cannot stop growing. */
const MAX_TYPED_BYTES = 1024 * 1024;
const MAX_LABELS = 65_536;
const RUNNING: Outcome = { kind: "running" };

export class GrowingProgram {
  /** Addresses of instructions. */
  readonly breakpoints: Set<number> = new Set();
  readonly #host: Host;
  readonly #limits: MachineLimits;
  readonly #symbols = new Map<string, ProgramSymbol>();
  /** The same by their places. */
  readonly #names = new NameIndex();
  #code: GrowingCode;
  #typedBytes = 0;
  #machine: Machine;
  #interpreter: Interpreter;
  /** Whether the code is still what a file held. */
  #isLoaded = false;
  /** Made when it is first of use; only for what was loaded. */
  #fastEngine: Engine | undefined;
  #calls: HostCalls;
  #waitsFor: HostCall | undefined;
  /** Whether the breakpoint at pc has been told already. */
  #leavesBreakpoint = false;
  /** Where it stood when that was told last; undefined at a beginning. */
  #stoppedAt: number | undefined;

  constructor(host: Host, limits: MachineLimits = DEFAULT_LIMITS) {
    this.#host = host;
    this.#limits = limits;
    const image = emptyImage();
    this.#code = new GrowingCode(image);
    this.#machine = createMachine(image, limits);
    this.#interpreter = new Interpreter(this.#code.decoded);
    this.#calls = new HostCalls(image, host);
  }

  get image(): Image {
    return this.#code.image;
  }

  get symbols(): ReadonlyMap<string, ProgramSymbol> {
    return this.#symbols;
  }

  get machine(): Machine {
    return this.#machine;
  }

  /** Where the next line will stand. */
  get end(): number {
    return this.image.bytes.length;
  }

  /** What {@link run} runs on. */
  get engine(): Engine {
    if (!this.#isLoaded || this.breakpoints.size > 0) return this.#interpreter;
    return this.#fastEngine ??= fastestEngine(this.#code.decoded);
  }

  /** Nothing more can be added. */
  get isFull(): boolean {
    return this.#typedBytes >= MAX_TYPED_BYTES || this.#symbols.size >= MAX_LABELS;
  }

  /** Adds a line of source, unless it is wrong, and leads pc to it; says how many bytes were added. */
  append(source: string): { readonly added: number; readonly diagnostics: readonly Diagnostic[] } {
    const address = this.end;
    const { code, version, diagnostics, symbols } = assembleLines(source, {
      address,
      symbols: this.#symbols,
    });
    for (const symbol of symbols) {
      this.#declare(symbol);
      this.#typedBytes += symbol.name.length;
    }
    if (code === undefined || code.length === 0) return { added: 0, diagnostics };
    this.#code.append(code, version);
    this.#typedBytes += code.length;
    this.#changed();
    this.#machine.pc = address;
    return { added: code.length, diagnostics };
  }

  /** Another program in place of this one, as it is at its start. */
  replace(image: Image, symbols: Iterable<ProgramSymbol>): void {
    this.#forget();
    for (const symbol of symbols) this.#symbols.set(symbol.name, symbol);
    this.#names.replace(this.#symbols.values());
    this.#machine = createMachine(image, this.#limits);
    this.#code = new GrowingCode(image);
    this.#changed();
    this.#isLoaded = true;
  }

  /** No code any more; the machine keeps what it has, but for pc, and the read-only data stays. */
  clear(): void {
    const { image } = this;
    const data = [...this.#symbols.values()].filter(({ section }) => section === "data");
    this.#forget();
    for (const symbol of data) this.#declare(symbol);
    const bytes = image.bytes.slice(0, image.entry);
    // Debug information would go on naming places in the code.
    this.#code = new GrowingCode({ ...image, bytes, debug: new Uint8Array() });
    this.#code.append(new Uint8Array(), MAX_VERSION);
    this.#changed();
    this.#machine.pc = image.entry;
  }

  /** As at the beginning of a session. */
  clearAll(): void {
    this.replace(emptyImage(), []);
    this.#isLoaded = false;
  }

  /** The machine as it was at its start, the program as it is. */
  reset(): void {
    this.#machine.reset();
    this.#stopCalls();
  }

  /** The next {@link run} passes a breakpoint at pc, if the program has stopped there before. */
  leaveBreakpoint(): void {
    this.#leavesBreakpoint = this.#stoppedAt === this.#machine.pc;
  }

  /** Goes on for about so much fuel. */
  run(fuel: number): Outcome {
    if (this.breakpoints.size === 0) return this.#runFreely(this.engine, fuel);
    for (let left = fuel; left > 0; left -= STEP_FUEL) {
      const isNew = this.#waitsFor === undefined && !this.#leavesBreakpoint;
      if (isNew && this.breakpoints.has(this.#machine.pc)) {
        this.#stoppedAt = this.#machine.pc;
        return { kind: "breakpoint" };
      }
      const outcome = this.step();
      if (outcome.kind !== "running") return outcome;
    }
    return RUNNING;
  }

  /** One instruction; `running` if it is done. */
  step(): Outcome {
    this.#leavesBreakpoint = false;
    const outcome = this.#waitsFor === undefined
      ? this.#outcomeOf(this.#interpreter.step(this.#machine))
      : this.#perform(this.#waitsFor);
    this.#stoppedAt = this.#machine.pc;
    return outcome;
  }

  /** Gives up what the program waits for: it will ask again. */
  stopWaiting(): void {
    this.#waitsFor = undefined;
  }

  /** An address with what is there. */
  placeText(address: number): string {
    return placeText(this.image, this.#names, address);
  }

  isInstruction(address: number): boolean {
    return isInstruction(this.image, address);
  }

  #declare(symbol: ProgramSymbol): void {
    const before = this.#symbols.get(symbol.name);
    if (before !== undefined) this.#names.remove(before);
    this.#symbols.set(symbol.name, symbol);
    this.#names.add(symbol);
  }

  #forget(): void {
    this.#typedBytes = 0;
    this.#symbols.clear();
    this.#names.clear();
    this.breakpoints.clear();
  }

  /** There is other code. */
  #changed(): void {
    this.#isLoaded = false;
    this.#fastEngine = undefined;
    this.#interpreter = new Interpreter(this.#code.decoded);
    this.#stopCalls();
  }

  /** Forgets what was under way. */
  #stopCalls(): void {
    this.#calls = new HostCalls(this.image, this.#host);
    this.#waitsFor = undefined;
    this.#leavesBreakpoint = false;
    this.#stoppedAt = undefined;
  }

  #runFreely(engine: Engine, fuel: number): Outcome {
    this.#leavesBreakpoint = false;
    let outcome = this.#waitsFor === undefined ? RUNNING : this.#perform(this.#waitsFor);
    let left = fuel;
    while (outcome === RUNNING && left > 0) {
      const before = this.#machine.fuelUsed;
      outcome = this.#outcomeOf(engine.run(this.#machine, left));
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

function emptyImage(): Image {
  const none = new Uint8Array();
  return loadImage(makeImage({ version: MAX_VERSION, readOnly: none, code: none }));
}
