/**
 * A REPL without its terminal: lines go in, bytes of text come out through the world that it is given.
 * Whoever drives it looks at the state to learn what it wants next. Nothing in here reads, waits or runs
 * for long, and nothing that a line can say ends it but `!quit`.
 */

import { formatDiagnostics } from "../assembler/index.ts";
import { nearest } from "../../cluster/nearest.ts";
import type { Host } from "../host.ts";
import { type MachineLimits, Trap, TRAP_TEXTS, type TrapCode } from "../machine.ts";
import { trapText } from "../trap_text.ts";
import { COMMANDS } from "./commands.ts";
import { GrowingProgram, type Outcome } from "./growing_program.ts";
import { loadFile } from "./load.ts";
import type { Answer, Request } from "./requests.ts";
import { Transcript } from "./transcript.ts";

export const BANNER = "Welcome to Iridium! Let's be productive!";
export const PROMPT = ">>> ";
export const PATH_PROMPT = "Path of the file: ";
const FAREWELL = "Farewell! Have a great day!";
/** What people type who look for the way out, or in. */
const WISHES: ReadonlyMap<string, string> = new Map([
  ["help", "!help"],
  ["?", "!help"],
  ["quit", "!quit"],
  ["exit", "!quit"],
]);
/** What `!history` keeps. */
const MAX_HISTORY_LINES = 10_000;
const MAX_HISTORY_CHARACTERS = 1024 * 1024;
/** Instructions told one by one during `!step N`. */
const MAX_TOLD_STEPS = 1_000;

/** What a session needs of the world; lines it is given by {@link Session.enter}. */
export type World = Omit<Host, "readLine">;

export type SessionState =
  /** For a line. */
  | { readonly kind: "ready" }
  /** For {@link Session.run}. */
  | { readonly kind: "running" }
  /** For room for output; {@link Session.run} tries again. */
  | { readonly kind: "parked" }
  /** For a line that the program reads. */
  | { readonly kind: "input" }
  /** For a line with the path of a file. */
  | { readonly kind: "path"; readonly use: FileUse }
  /** For {@link Session.answer}. */
  | { readonly kind: "asking"; readonly request: Request }
  | { readonly kind: "ended" };

/** What becomes of a file: the program in place of the one there is, or one in the background. */
export type FileUse = "load" | "spawn";

export interface SessionOptions {
  readonly limits?: MachineLimits;
  /** Units of fuel that one line of input may use; without it there is no end to them. */
  readonly fuelPerLine?: number;
}

/** Why a program runs, which decides what is told of its end. */
export type Goal =
  /** Typed just now: what succeeds is not worth a word. */
  | { readonly kind: "line" }
  /** Told to run, until it ends. */
  | { readonly kind: "program" }
  | { readonly kind: "step"; readonly count: number };

const ENCODER = new TextEncoder();
const READY: SessionState = { kind: "ready" };
const RUNNING: SessionState = { kind: "running" };

export class Session {
  readonly program: GrowingProgram;
  readonly transcript: Transcript;
  readonly #options: SessionOptions;
  readonly #hasRoom: () => boolean;
  readonly #history: string[] = [];
  #historyCharacters = 0;
  #state: SessionState = READY;
  #goal: Goal = { kind: "line" };
  /** Lines for the program. */
  #input: string[] = [];
  #inputEnded = false;
  /** Where the fuel of this line ends, as the machine counts it. */
  #fuelEnd = Infinity;

  constructor(world: World, options: SessionOptions = {}) {
    this.#options = options;
    this.#hasRoom = () => world.hasRoom();
    this.transcript = new Transcript((bytes) => world.write(bytes));
    this.program = new GrowingProgram({
      write: (bytes) => this.transcript.write(bytes),
      hasRoom: () => world.hasRoom(),
      readLine: () => this.#readLine(),
      clockMs: () => world.clockMs(),
      random32: () => world.random32(),
    }, options.limits);
  }

  get state(): SessionState {
    return this.#state;
  }

  /** All lines so far, those for programs left out. */
  get history(): readonly string[] {
    return this.#history;
  }

  /** A line without its newline, for whom the state says. */
  enter(line: string): void {
    switch (this.#state.kind) {
      case "input":
        this.#input.push(line);
        this.#go();
        break;
      case "path":
        this.#usePath(line.trim(), this.#state.use);
        break;
      case "ready":
        this.#enterLine(line);
    }
  }

  /** There will be no more lines for the program that runs. */
  endInput(): void {
    this.#inputEnded = true;
    if (this.#state.kind === "input") this.#go();
    if (this.#state.kind === "path") this.#state = READY;
  }

  /** Goes on with the program for about so much fuel. */
  run(fuel: number): void {
    if (this.#state.kind === "parked") this.#state = RUNNING;
    if (this.#state.kind !== "running") return;
    const left = this.#fuelEnd - this.program.machine.fuelUsed;
    if (left <= 0) this.#outOfFuel();
    else if (this.#goal.kind === "step") this.#step(this.#goal.count);
    else this.#settle(this.program.run(Math.min(fuel, left)));
  }

  /**
   * Ctrl-C: ends what runs or is asked, and never the session. False if there is nothing to end: what
   * ran may just have ended by itself.
   */
  interrupt(): boolean {
    switch (this.#state.kind) {
      case "running":
      case "input":
      case "parked":
        this.program.stopWaiting();
        this.say(`interrupted at ${this.#here}`, "!continue goes on");
        break;
      case "path":
        break;
      default:
        return false;
    }
    this.#state = READY;
    return true;
  }

  // -- for commands -------------------------------------------------------------------------------

  readonly say = (...lines: readonly string[]): void => this.transcript.say(lines);

  /** Lets the program go on from where pc is. */
  go(goal: Goal): void {
    this.#goal = goal;
    this.#input = [];
    this.#inputEnded = false;
    this.#go();
  }

  /** Takes a file, or asks for its path first. */
  use(path: string, use: FileUse): void {
    if (path === "") this.#state = { kind: "path", use };
    else this.#usePath(path, use);
  }

  ask(request: Request): void {
    this.#state = { kind: "asking", request };
  }

  quit(): void {
    this.say(FAREWELL);
    this.#state = { kind: "ended" };
  }

  // -- answers ------------------------------------------------------------------------------------

  /** What the host says to what was asked. A file replaces the program and runs (B45). */
  answer(answer: Answer): void {
    if (this.#state.kind !== "asking") return;
    this.#state = READY;
    if (answer.type === "lines") return this.say(...answer.lines);
    const { image, symbols, messages } = loadFile(answer.path, answer.bytes);
    this.say(...messages);
    if (image === undefined) return;
    this.program.replace(image, symbols);
    this.go({ kind: "program" });
  }

  // -- inside -------------------------------------------------------------------------------------

  #enterLine(line: string): void {
    const text = line.trim();
    if (text === "") return;
    this.#remember(line);
    if (text.startsWith("!")) this.#command(text);
    else this.#assemble(line);
  }

  #remember(line: string): void {
    this.#history.push(line);
    this.#historyCharacters += line.length;
    while (
      this.#history.length > MAX_HISTORY_LINES || this.#historyCharacters > MAX_HISTORY_CHARACTERS
    ) this.#historyCharacters -= this.#history.shift()!.length;
  }

  #go(): void {
    this.#fuelEnd = this.program.machine.fuelUsed + (this.#options.fuelPerLine ?? Infinity);
    this.#state = RUNNING;
  }

  #usePath(path: string, use: FileUse): void {
    if (path === "") this.#state = READY;
    else this.ask({ type: use === "load" ? "file" : "spawn", path });
  }

  #command(text: string): void {
    const [name = ""] = text.split(/\s/, 1);
    const command = COMMANDS.get(name);
    if (command !== undefined) command.run(this, text.slice(name.length).trim());
    else {
      const lower = name.toLowerCase();
      const near = lower.length < 3 ? undefined : nearest(lower, COMMANDS.keys()) ??
        [...COMMANDS.keys()].find((known) => known.startsWith(lower));
      const hint = near === undefined ? "!help lists the commands." : `Did you mean "${near}"?`;
      this.say(`Invalid command! ${hint}`);
    }
  }

  #assemble(line: string): void {
    if (this.program.isFull) return this.say("the program is full; !clear_program empties it");
    const wish = WISHES.get(line.trim().toLowerCase());
    if (wish !== undefined) return this.say(`Did you mean "${wish}"?`);
    const { added, diagnostics } = this.program.append(line);
    this.say(...formatDiagnostics(diagnostics, line, { fileName: "input", limit: 5 }));
    const [word = ""] = line.trim().toLowerCase().split(/\s/, 1);
    const isWrong = diagnostics.some(({ severity }) => severity === "error");
    if (isWrong && COMMANDS.has(`!${word}`)) this.say(`Did you mean "!${word}"?`);
    if (added > 0) this.go({ kind: "line" });
  }

  #step(count: number): void {
    if (!this.#hasRoom()) {
      this.#state = { kind: "parked" };
      return;
    }
    const outcome = this.program.step();
    if (outcome.kind !== "running") return this.#settle(outcome);
    const left = count - 1;
    if (left < MAX_TOLD_STEPS) this.say(this.#here);
    if (left === 0) this.#state = READY;
    else this.#goal = { kind: "step", count: left };
  }

  #settle(outcome: Outcome): void {
    switch (outcome.kind) {
      case "running":
        return;
      case "waiting":
        this.#state = { kind: outcome.for === "input" ? "input" : "parked" };
        return;
      case "breakpoint":
        this.say(`break at ${this.#here}`);
        break;
      case "trapped":
        this.say(`trap ${outcome.code}: ${this.#trapText(outcome.code)}, at ${this.#here}`);
        break;
      case "stopped":
        this.#stopped(outcome.code);
    }
    this.#state = READY;
  }

  #outOfFuel(): void {
    const { fuelPerLine } = this.#options;
    this.say(
      `trap ${Trap.fuelLimit}: ${TRAP_TEXTS[Trap.fuelLimit]}, at ${this.#here}`,
      `a line may use ${fuelPerLine} units of fuel; !continue goes on with as many again`,
    );
    this.#state = READY;
  }

  /** A typed line that ran to its end, or said HLT, has succeeded. */
  #stopped(code: 0 | 1): void {
    const isDone = code === 0 || this.program.machine.pc === this.program.end;
    if (this.#goal.kind === "line" && isDone) return;
    this.say(`stopped with code ${code} at ${this.#here}`);
  }

  #trapText(code: TrapCode): string {
    return trapText(code, this.program.image, this.program.machine.pc);
  }

  get #here(): string {
    const { pc } = this.program.machine;
    return pc === this.program.end ? `${pc}, the end` : this.program.placeText(pc);
  }

  #readLine(): Uint8Array | "wait" | "end" {
    const line = this.#input.shift();
    if (line !== undefined) return ENCODER.encode(line);
    return this.#inputEnded ? "end" : "wait";
  }
}
