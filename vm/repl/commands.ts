/**
 * The commands of a session. Those of the original keep their names and meaning; words that they do not
 * take are ignored, as there.
 */

import { INSTRUCTION_BYTES } from "../isa.ts";
import {
  byteLines,
  floatLines,
  heapLines,
  integerLines,
  specialLine,
  stackLines,
} from "../views.ts";
import type { GrowingProgram } from "./growing_program.ts";
import { textsAt } from "./places.ts";
import type { Request } from "./requests.ts";
import type { FileUse, Goal } from "./session.ts";

/** What commands do their work on. */
export interface CommandTarget {
  readonly program: GrowingProgram;
  readonly history: readonly string[];
  /** Can be called on its own. */
  readonly say: (...lines: readonly string[]) => void;
  go(goal: Goal): void;
  use(path: string, use: FileUse): void;
  ask(request: Request): void;
  quit(): void;
}

export interface Command {
  /** What it takes, behind its name. */
  readonly usage?: string;
  readonly brief: string;
  /** Whether its argument is a label, for completion. */
  readonly takesLabel?: boolean;
  /** Or the path of a file. */
  readonly takesPath?: boolean;
  run(target: CommandTarget, argument: string): void;
}

const DEFAULT_CLUSTER_PORT = 2254;
/** A host name has 253 characters at most. */
const MAX_ADDRESS = 300;
const DEFAULT_HEAP_BYTES = 256;
const DEFAULT_STACK_WORDS = 32;
const MAX_STEPS = 1_000_000_000;
/** One command shows so much at most: the screen, and the memory of a node with many users, is small. */
const MAX_SHOWN_LINES = 4_096;
const MAX_SHOWN_BYTES = 64 * 1024;

export const COMMANDS: ReadonlyMap<string, Command> = new Map<string, Command>([
  ["!help", { brief: "this list", run: help }],
  ["!quit", { brief: "ends the REPL; so does the end of input", run: (target) => target.quit() }],
  ["!history", {
    brief: "the lines so far",
    run: (target) => target.say(...target.history.slice(-MAX_SHOWN_LINES)),
  }],
  ["!program", {
    brief: "the code as decimal bytes",
    run: showBytes,
  }],
  ["!disasm", {
    usage: "[LABEL|ADDRESS]",
    brief: "the code as source",
    takesLabel: true,
    run: disasm,
  }],
  ["!clear_program", {
    brief: "forgets code and labels, and resets pc",
    run: ({ program }) => program.clear(),
  }],
  ["!registers", {
    brief: "the integer registers, pc and flags",
    run: ({ program, say }) => say(...integerLines(program.machine), specialLine(program.machine)),
  }],
  ["!float_registers", {
    brief: "the float registers",
    run: ({ program, say }) => say(...floatLines(program.machine)),
  }],
  ["!clear", {
    brief: "forgets all: program, labels and machine",
    run: ({ program }) => program.clearAll(),
  }],
  ["!clear_registers", {
    brief: "sets the integer registers to 0",
    run: ({ program }) => void program.machine.registers.fill(0),
  }],
  ["!heap", { usage: "[FROM [COUNT]]", brief: "bytes of the heap", run: heap }],
  ["!stack", { usage: "[COUNT]", brief: "words on the stack, the top first", run: stack }],
  ["!symbols", { brief: "the labels and what they mean", run: symbols }],
  ["!load_file", {
    usage: "[PATH]",
    brief: "runs a file in place of the program",
    takesPath: true,
    run: (target, path) => target.use(path, "load"),
  }],
  ["!spawn", {
    usage: "[PATH]",
    brief: "runs a file in the background",
    takesPath: true,
    run: (target, path) => target.use(path, "spawn"),
  }],
  ["!ps", {
    brief: "the programs in the background",
    run: (target) => target.ask({ type: "ps" }),
  }],
  ["!kill", { usage: "PID", brief: "ends a program in the background", run: kill }],
  ["!start_cluster", {
    brief: "makes this a node that others can join",
    run: (target) => target.ask({ type: "start_cluster" }),
  }],
  ["!join_cluster", {
    usage: "HOST [PORT]",
    brief: "joins the others through one of them",
    run: join,
  }],
  ["!cluster_members", {
    brief: "who is in the cluster",
    run: (target) => target.ask({ type: "cluster_members" }),
  }],
  ["!break", {
    usage: "[LABEL|ADDRESS]",
    brief: "sets or removes a breakpoint, or lists them",
    takesLabel: true,
    run: breakpoint,
  }],
  ["!continue", { brief: "goes on at pc", run: goOn }],
  ["!step", { usage: "[COUNT]", brief: "runs an instruction and tells the next", run: step }],
  ["!reset", {
    brief: "the machine as at its start, to run it again",
    run: ({ program }) => program.reset(),
  }],
]);

function help({ say }: CommandTarget): void {
  const rows = [...COMMANDS].map(([name, { usage = "", brief }]) =>
    `  ${`${name} ${usage}`.padEnd(28)}${brief}`
  );
  say(
    "Instructions, such as `load $0 #5 inc $0`, are added to the program and run.",
    "A line that begins with ! is a command:",
    ...rows,
  );
}

function showBytes({ program, say }: CommandTarget): void {
  const { bytes, entry } = program.image;
  const end = Math.min(bytes.length, entry + MAX_SHOWN_LINES * INSTRUCTION_BYTES);
  say(...orNone(byteLines(bytes.subarray(0, end), entry)), ...more(bytes.length - end, "bytes"));
}

/** What is not shown any more. */
function more(count: number, what: string, hint = ""): string[] {
  return count > 0 ? [`… and ${count} more ${what}${hint}`] : [];
}

function disasm({ program, say }: CommandTarget, argument: string): void {
  const { entry } = program.image;
  const from = argument === "" ? entry : addressOf(program, argument);
  if (from === undefined || !program.isInstruction(from) && from !== program.end) {
    return say(`no instruction at ${argument}`);
  }
  const labels = Map.groupBy(
    [...program.symbols.values()].filter(({ section }) => section === "code"),
    ({ value }) => value,
  );
  const addresses: number[] = [];
  const last = Math.min(program.end, from + (MAX_SHOWN_LINES - 1) * INSTRUCTION_BYTES);
  for (let at = from; at <= last; at += INSTRUCTION_BYTES) addresses.push(at);
  const texts = textsAt(program.image, program.symbols.values(), addresses);
  const lines = addresses.flatMap((address, i) => {
    const mark = address === program.machine.pc
      ? ">"
      : program.breakpoints.has(address)
      ? "*"
      : " ";
    const text = texts[i] ?? (address === program.machine.pc ? "; the end" : undefined);
    const names = (labels.get(address) ?? []).map(({ name }) => `${name}:`);
    const line = `${mark}${String(address).padStart(7)}  ${text}`;
    return text === undefined ? names : [...names, line];
  });
  say(
    ...lines.slice(0, 2 * MAX_SHOWN_LINES),
    ...more(program.end - last, "bytes", `; !disasm ${last} goes on`),
  );
}

function heap({ program, say }: CommandTarget, argument: string): void {
  const [from = 0, count = DEFAULT_HEAP_BYTES] = numbersOf(argument) ?? [-1];
  if (from < 0) return say("usage: !heap [FROM [COUNT]]");
  const { length } = program.machine.heap();
  const shown = Math.min(count, MAX_SHOWN_BYTES);
  say(
    ...heapLines(program.machine, from, shown),
    ...more(Math.min(count, length - from) - shown, "bytes", `; !heap ${from + shown} goes on`),
    `heap of ${length} bytes`,
  );
}

function stack({ program, say }: CommandTarget, argument: string): void {
  const [count = DEFAULT_STACK_WORDS] = numbersOf(argument) ?? [-1];
  if (count < 0) return say("usage: !stack [COUNT]");
  const { sp } = program.machine;
  const shown = Math.min(count, MAX_SHOWN_LINES);
  say(
    ...stackLines(program.machine, shown),
    ...more(Math.min(count, sp) - shown, "words"),
    `stack of ${sp} ${sp === 1 ? "word" : "words"}`,
  );
}

function symbols({ program, say }: CommandTarget): void {
  const all = [...program.symbols.values()].sort((a, b) => a.value - b.value);
  say(
    ...orNone(
      all.slice(0, MAX_SHOWN_LINES).map(({ name, section, value }) =>
        `${String(value).padStart(8)}  ${section}  ${name}`
      ),
    ),
  );
}

function breakpoint({ program, say }: CommandTarget, argument: string): void {
  const { breakpoints } = program;
  if (argument === "") {
    const sorted = [...breakpoints].sort((a, b) => a - b);
    const shown = sorted.slice(0, MAX_SHOWN_LINES);
    return say(
      ...orNone(shown.map((address) => program.placeText(address))),
      ...more(sorted.length - shown.length, "breakpoints"),
    );
  }
  const address = addressOf(program, argument);
  if (address === undefined || !program.isInstruction(address)) {
    return say(`no instruction at ${argument}; !disasm shows them all`);
  }
  const isSet = !breakpoints.delete(address);
  if (isSet) breakpoints.add(address);
  say(`${isSet ? "breakpoint" : "no breakpoint any more"} at ${program.placeText(address)}`);
}

function goOn(target: CommandTarget): void {
  if (isAtEnd(target)) return;
  target.program.leaveBreakpoint();
  target.go({ kind: "program" });
}

function step(target: CommandTarget, argument: string): void {
  const [count = 1] = numbersOf(argument) ?? [0];
  if (count < 1 || count > MAX_STEPS) return target.say("usage: !step [COUNT]");
  if (!isAtEnd(target)) target.go({ kind: "step", count });
}

function kill(target: CommandTarget, argument: string): void {
  if (!/^\d{1,9}$/.test(argument)) return target.say("usage: !kill PID; !ps lists them");
  target.ask({ type: "kill", pid: Number(argument) });
}

/** HOST PORT as in the original, HOST:PORT, or HOST alone. */
function join(target: CommandTarget, argument: string): void {
  const [first = "", second, ...others] = argument.slice(0, MAX_ADDRESS + 1).split(/\s+/);
  const colon = second === undefined && first.at(-1) !== "]" ? first.lastIndexOf(":") : -1;
  const host = colon < 0 ? first : first.slice(0, colon);
  const digits = second ?? (colon < 0 ? String(DEFAULT_CLUSTER_PORT) : first.slice(colon + 1));
  const port = /^\d{1,5}$/.test(digits) ? Number(digits) : 0;
  const isWrong = argument.length > MAX_ADDRESS || host === "" || others.length > 0;
  if (isWrong || port < 1 || port > 65_535) {
    return target.say("usage: !join_cluster HOST [PORT]");
  }
  target.ask({ type: "join_cluster", host, port });
}

function isAtEnd({ program, say }: CommandTarget): boolean {
  if (program.machine.pc !== program.end) return false;
  say("the program is at its end; !reset leads to its beginning");
  return true;
}

/** Of a label, with or without its @, or of a number; a label may look like a number. */
function addressOf({ symbols }: GrowingProgram, argument: string): number | undefined {
  const [word = ""] = argument.split(/\s/, 1);
  const symbol = symbols.get(word.replace(/^@/, ""));
  if (symbol !== undefined) return symbol.section === "code" ? symbol.value : undefined;
  return numbersOf(word.replace(/^#/, ""))?.[0];
}

/** Undefined if a word is no number. */
function numbersOf(argument: string): number[] | undefined {
  const words = argument.split(/\s+/).filter((word) => word !== "");
  return words.every((word) => /^\d{1,9}$/.test(word)) ? words.map(Number) : undefined;
}

function orNone(lines: readonly string[]): readonly string[] {
  return lines.length === 0 ? ["none"] : lines;
}
