/**
 * A run as lines of text, one for each instruction that was begun: where it stands, what it is, and what
 * it changed. A line is written when the next instruction begins, for then it is known what it did.
 */

import type { CodeMap } from "./code_map.ts";
import type { Image } from "./image.ts";
import { BY_NUMBER, INSTRUCTION_BYTES, ISA, REGISTER_COUNT } from "./isa.ts";
import type { Machine } from "./machine.ts";
import type { Observer } from "./observed.ts";

/** Columns are as wide as most programs want; what is longer moves the rest of its line. */
const MAX_PLACE_WIDTH = 24;
const TEXT_WIDTH = 20;
/** Of " + 1024". */
const OFFSET_WIDTH = 7;
/** Characters of printed text. */
const MAX_PRINTED = 40;
/** Beginnings of lines that are kept; a program that runs through more of them waits a little longer. */
const MAX_KEPT = 65_536;

/**
 * What an instruction sets, in the words of the instruction table: it is told even if it was the same
 * before. Whatever else changes is found by comparing.
 */
const SETS = /^(?:([rf])([abc])|(flag)) :=/;

/** What of a machine can change without a word about it in a table. */
interface Seen {
  readonly registers: Int32Array;
  readonly floats: Float64Array;
  flag: boolean;
  loopCounter: number;
  remainder: number;
  sp: number;
  bp: number;
  heapBytes: number;
}

/** What is known of an instruction before it runs. */
interface Pending {
  readonly pc: number;
  readonly text: string;
  printed: string;
}

export class Tracer implements Observer {
  readonly #image: Image;
  readonly #map: CodeMap;
  readonly #write: (line: string) => void;
  readonly #widths: { readonly address: number; readonly line: number; readonly place: number };
  readonly #beginnings = new Map<number, string>();
  readonly #seen: Seen = {
    registers: new Int32Array(REGISTER_COUNT),
    floats: new Float64Array(REGISTER_COUNT),
    flag: false,
    loopCounter: 0,
    remainder: 0,
    sp: 0,
    bp: 0,
    heapBytes: 0,
  };
  #pending: Pending | undefined;

  /** `write` gets each line, without a newline. */
  constructor(image: Image, map: CodeMap, write: (line: string) => void) {
    this.#image = image;
    this.#map = map;
    this.#write = write;
    const last = image.bytes.length - INSTRUCTION_BYTES;
    const longest = map.labels.reduce((most, { name }) => Math.max(most, name.length), 0);
    this.#widths = {
      address: Math.max("ADDRESS".length, String(last).length),
      line: Math.max("LINE".length, String(map.lineOf(last) ?? 0).length),
      place: Math.min(MAX_PLACE_WIDTH, longest + OFFSET_WIDTH),
    };
  }

  /** What stands above the columns. */
  get heading(): string {
    return this.#row("ADDRESS", "LINE", "LABEL", "INSTRUCTION") + "CHANGES";
  }

  begin(pc: number, machine: Machine): void {
    this.#settle(machine, true);
    this.#look(machine);
    this.#pending = { pc, text: this.#beginningAt(pc), printed: "" };
  }

  /** The program printed this; the line of the instruction that did it comes before. */
  printed(bytes: Uint8Array, machine: Machine): void {
    if (this.#pending === undefined) return;
    const text = new TextDecoder().decode(bytes.subarray(0, 4 * MAX_PRINTED));
    const cut = text.length > MAX_PRINTED ? `${text.slice(0, MAX_PRINTED)}…` : text;
    this.#pending.printed = JSON.stringify(cut);
    this.end(machine);
  }

  /** Writes the line of the last instruction, which may have ended the program. */
  end(machine: Machine): void {
    this.#settle(machine, false);
  }

  #settle(machine: Machine, isDone: boolean): void {
    const pending = this.#pending;
    if (pending === undefined) return;
    this.#pending = undefined;
    const { pc, text, printed } = pending;
    const changes = this.#changes(pc, machine);
    if (printed !== "") changes.push(`prints ${printed}`);
    const hasJumped = machine.pc !== pc + INSTRUCTION_BYTES && (isDone || machine.pc !== pc);
    if (hasJumped) changes.push(`→ ${this.#map.placeOf(machine.pc) || machine.pc}`);
    this.#write((text + changes.join("  ")).trimEnd());
  }

  #beginningAt(pc: number): string {
    const known = this.#beginnings.get(pc);
    if (known !== undefined) return known;
    const map = this.#map;
    const line = String(map.lineOf(pc) ?? "");
    const text = this.#row(String(pc), line, map.placeOf(pc), map.textOf(pc));
    if (this.#beginnings.size === MAX_KEPT) this.#beginnings.clear();
    this.#beginnings.set(pc, text);
    return text;
  }

  #row(address: string, line: string, place: string, text: string): string {
    const { address: addressWidth, line: lineWidth, place: placeWidth } = this.#widths;
    const cells = [address.padStart(addressWidth)];
    if (this.#map.hasLines) cells.push(line.padStart(lineWidth));
    if (this.#map.labels.length > 0) cells.push(place.padEnd(placeWidth));
    return `${[...cells, text.padEnd(TEXT_WIDTH)].join("  ")}  `;
  }

  #look(machine: Machine): void {
    const seen = this.#seen;
    seen.registers.set(machine.registers);
    seen.floats.set(machine.floats);
    seen.flag = machine.flag;
    seen.loopCounter = machine.loopCounter;
    seen.remainder = machine.remainder;
    seen.sp = machine.sp;
    seen.bp = machine.bp;
    seen.heapBytes = machine.heap().length;
  }

  #changes(pc: number, machine: Machine): string[] {
    const seen = this.#seen;
    const { registers, floats } = machine;
    const told = this.#told(pc, machine);
    const changes: string[] = [];
    for (let i = 0; i < REGISTER_COUNT; i++) {
      const isChanged = registers[i] !== seen.registers[i];
      if (isChanged || told === `$${i}`) changes.push(`$${i} = ${registers[i]}`);
    }
    for (let i = 0; i < REGISTER_COUNT; i++) {
      const isChanged = !Object.is(floats[i], seen.floats[i]);
      if (isChanged || told === `f${i}`) changes.push(`f${i} = ${floats[i]}`);
    }
    if (machine.flag !== seen.flag || told === "flag") changes.push(`flag = ${machine.flag}`);
    const compare = (name: string, before: number, now: number) => {
      if (before !== now) changes.push(`${name} = ${now}`);
    };
    compare("loop", seen.loopCounter, machine.loopCounter);
    compare("remainder", seen.remainder, machine.remainder);
    compare("sp", seen.sp, machine.sp);
    compare("bp", seen.bp, machine.bp);
    compare("heap", seen.heapBytes, machine.heap().length);
    if (told?.startsWith("heap[")) changes.push(told);
    return changes;
  }

  /** A register or the flag that the instruction has set, or what it has stored where. */
  #told(pc: number, { pc: next, registers, floats }: Machine): string | undefined {
    // What trapped stands still, and has set nothing.
    if (next === pc) return undefined;
    const [number, ...operands] = this.#image.bytes.subarray(pc, pc + INSTRUCTION_BYTES);
    const mnemonic = BY_NUMBER[number!];
    const [a, b] = operands as [number, number];
    switch (mnemonic) {
      case undefined:
        return undefined;
      case "SETM":
        return `heap[${registers[a]! >>> 0}] = ${registers[b]}`;
      case "SETB":
        return `heap[${registers[a]! >>> 0}] = ${registers[b]! & 0xff}`;
      case "SETMF64":
        return `heap[${registers[a]! >>> 0}] = ${floats[b]}`;
    }
    const [, file, letter, flag] = SETS.exec(ISA[mnemonic].effect) ?? [];
    if (letter === undefined) return flag;
    return `${file === "r" ? "$" : "f"}${operands["abc".indexOf(letter)]}`;
  }
}
