/**
 * A REPL without its terminal: lines go in, bytes of text come out through the world that it is given.
 * Whoever drives it looks at the state to learn what it wants next. Nothing in here reads, waits or runs
 * for long, and nothing that a line can say ends it but `!quit`.
 */

import { formatDiagnostics } from "../assembler/index.ts";
import { nearest } from "../../cluster/nearest.ts";
import type { Host } from "../host.ts";
import { TRAP_TEXTS } from "../machine.ts";
import { COMMANDS } from "./commands.ts";
import { GrowingProgram, type Outcome } from "./growing_program.ts";
import { loadFile } from "./load.ts";
import { Transcript } from "./transcript.ts";

export const BANNER = "Welcome to Iridium! Let's be productive!";
export const PROMPT = ">>> ";
export const PATH_PROMPT = "Path of the file: ";
const FAREWELL = "Farewell! Have a great day!";
/** Lines that `!history` keeps. */
const MAX_HISTORY = 10_000;
/** Instructions told one by one during `!step N`. */
const MAX_TOLD_STEPS = 1_000;

/** What a session needs of the world; lines it is given by {@link Session.enter}. */
export type World = Omit<Host, "readLine">;

export type SessionState =
  /** For a line. */
  | { readonly kind: "ready" }
  /** For {@link Session.run}. */
  | { readonly kind: "running" }
  /** For a line that the program reads. */
  | { readonly kind: "input" }
  /** For a line with the path of a file. */
  | { readonly kind: "path" }
  /** For {@link Session.loaded} or {@link Session.notLoaded}. */
  | { readonly kind: "file"; readonly path: string }
  | { readonly kind: "ended" };

/** Why a program runs, which decides what is told of its end. */
export type Goal =
  /** Typed just now: what succeeds is not worth a word. */
  | { readonly kind: "line" }
  /** Told to run, until it ends. */
  | { readonly kind: "program" }
  | { readonly kind: "step"; readonly count: number };

const ENCODER = new TextEncoder();
const READY: SessionState = { kind: "ready" };

export class Session {
  readonly program: GrowingProgram;
  readonly transcript: Transcript;
  readonly #history: string[] = [];
  #state: SessionState = READY;
  #goal: Goal = { kind: "line" };
  /** Lines for the program. */
  #input: string[] = [];
  #inputEnded = false;

  constructor(world: World) {
    this.transcript = new Transcript((bytes) => world.write(bytes));
    this.program = new GrowingProgram({
      write: (bytes) => this.transcript.write(bytes),
      readLine: () => this.#readLine(),
      clockMs: () => world.clockMs(),
      random32: () => world.random32(),
    });
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
        this.#state = { kind: "running" };
        break;
      case "path":
        this.load(line.trim());
        break;
      case "ready":
        this.#enterLine(line);
    }
  }

  /** There will be no more lines for the program that runs. */
  endInput(): void {
    this.#inputEnded = true;
    if (this.#state.kind === "input") this.#state = { kind: "running" };
    if (this.#state.kind === "path") this.#state = READY;
  }

  /** Goes on with the program for about so much fuel. */
  run(fuel: number): void {
    if (this.#state.kind !== "running") return;
    if (this.#goal.kind === "step") this.#step(this.#goal.count);
    else this.#settle(this.program.run(fuel));
  }

  /** Ctrl-C: ends what runs or is asked, and never the session. */
  interrupt(): void {
    const { kind } = this.#state;
    if (kind === "running" || kind === "input") {
      this.program.stopWaiting();
      this.say(`interrupted at ${this.#here}`, "!continue goes on");
    }
    if (kind !== "ended") this.#state = READY;
  }

  // -- for commands -------------------------------------------------------------------------------

  readonly say = (...lines: readonly string[]): void => this.transcript.say(lines);

  /** Lets the program go on from where pc is. */
  go(goal: Goal): void {
    this.#goal = goal;
    this.#input = [];
    this.#inputEnded = false;
    this.#state = { kind: "running" };
  }

  /** Asks for a file, or for its path if there is none. */
  load(path: string): void {
    if (path !== "") this.#state = { kind: "file", path };
    else this.#state = this.#state.kind === "path" ? READY : { kind: "path" };
  }

  quit(): void {
    this.say(FAREWELL);
    this.#state = { kind: "ended" };
  }

  // -- files --------------------------------------------------------------------------------------

  /** The file that was asked for: it replaces the program and runs (B45). */
  loaded(path: string, bytes: Uint8Array): void {
    this.#state = READY;
    const { image, symbols, messages } = loadFile(path, bytes);
    this.say(...messages);
    if (image === undefined) return;
    this.program.replace(image, symbols);
    this.go({ kind: "program" });
  }

  notLoaded(reason: string): void {
    this.#state = READY;
    this.say(reason);
  }

  // -- inside -------------------------------------------------------------------------------------

  #enterLine(line: string): void {
    const text = line.trim();
    if (text === "") return;
    this.#history.push(line);
    if (this.#history.length > MAX_HISTORY) this.#history.shift();
    if (text.startsWith("!")) this.#command(text);
    else this.#assemble(line);
  }

  #command(text: string): void {
    const [name = ""] = text.split(/\s/, 1);
    const command = COMMANDS.get(name);
    if (command !== undefined) command.run(this, text.slice(name.length).trim());
    else {
      const lower = name.toLowerCase();
      const near = nearest(lower, COMMANDS.keys()) ??
        [...COMMANDS.keys()].find((known) => lower.length > 2 && known.startsWith(lower));
      const hint = near === undefined ? "!help lists the commands." : `Did you mean "${near}"?`;
      this.say(`Invalid command! ${hint}`);
    }
  }

  #assemble(line: string): void {
    const { added, diagnostics } = this.program.append(line);
    this.say(...formatDiagnostics(diagnostics, line, { fileName: "input", limit: 5 }));
    const [word = ""] = line.trim().toLowerCase().split(/\s/, 1);
    const isWrong = diagnostics.some(({ severity }) => severity === "error");
    if (isWrong && COMMANDS.has(`!${word}`)) this.say(`Did you mean "!${word}"?`);
    if (added > 0) this.go({ kind: "line" });
  }

  #step(count: number): void {
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
        this.#state = { kind: "input" };
        return;
      case "breakpoint":
        this.say(`break at ${this.#here}`);
        break;
      case "trapped":
        this.say(`trap ${outcome.code}: ${TRAP_TEXTS[outcome.code]}, at ${this.#here}`);
        break;
      case "stopped":
        this.#stopped(outcome.code);
    }
    this.#state = READY;
  }

  /** A typed line that ran to its end, or said HLT, has succeeded. */
  #stopped(code: 0 | 1): void {
    const isDone = code === 0 || this.program.machine.pc === this.program.end;
    if (this.#goal.kind === "line" && isDone) return;
    this.say(`stopped with code ${code} at ${this.#here}`);
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
