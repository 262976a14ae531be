/**
 * Debug information of an image: names of places, and the source line of each instruction. Code is
 * counted in instructions from the first one, so that the length of this very section, which stands in
 * front of the code, makes no difference. All numbers are varints:
 *
 *     format (1) · length, file name · data symbols · code symbols · runs of lines
 *     symbols: count, then each: position minus the one before · length, name
 *     runs: count, then each: instructions · line minus the one before, zigzag, again for each of them
 */

import { ByteReader, ByteWriter, textOf, utf8 } from "../cluster/bytes.ts";
import { MalformedError } from "../cluster/errors.ts";
import type { Image } from "./image.ts";
import { INSTRUCTION_BYTES } from "./isa.ts";

/** A named place in a program. */
export interface ProgramSymbol {
  readonly name: string;
  readonly section: "data" | "code";
  /** In .data an offset into the read-only data, in .code an address in the image. */
  readonly value: number;
}

export interface DebugParts {
  readonly fileName: string;
  /** In .data by bytes, in .code by instructions from the first one. */
  readonly symbols: readonly ProgramSymbol[];
  /** The source line of each instruction, from 1. */
  readonly lines: ArrayLike<number>;
}

/** Where an address is in the source. */
export interface Location {
  /** From 1; undefined behind the last instruction. */
  readonly line?: number;
  /** The nearest label at or before it. */
  readonly symbol?: string;
  /** Bytes behind that label, or behind the first instruction if there is none. */
  readonly offset: number;
}

const FORMAT = 1;
/** What the assembler takes for a label. */
const LABEL = /^[A-Za-z0-9_.]{1,255}$/;
/** Files have fewer; keeps sums of hostile differences in the range of exact integers. */
const MAX_LINE = 0x7fff_ffff;

/** The bytes of an image's debug section. */
export function encodeDebugInfo({ fileName, symbols, lines }: DebugParts): Uint8Array {
  const writer = new ByteWriter(256).varint(FORMAT);
  writeText(writer, fileName);
  for (const section of ["data", "code"] as const) {
    const sorted = symbols.filter((symbol) => symbol.section === section)
      .sort((a, b) => a.value - b.value);
    writer.varint(sorted.length);
    let before = 0;
    for (const { name, value } of sorted) {
      writer.varint(value - before);
      writeText(writer, name);
      before = value;
    }
  }
  const runs = runsOf(lines);
  writer.varint(runs.length);
  for (const { count, step } of runs) writer.varint(count).varint(zigzag(step));
  return writer.bytes.slice();
}

/** Instructions in a row whose lines go up, or down, by the same step. */
interface Run {
  count: number;
  readonly step: number;
}

function runsOf(lines: ArrayLike<number>): Run[] {
  const runs: Run[] = [];
  let before = 0;
  for (let index = 0; index < lines.length; index++) {
    const step = lines[index]! - before;
    const last = runs.at(-1);
    if (last?.step === step) last.count++;
    else runs.push({ count: 1, step });
    before = lines[index]!;
  }
  return runs;
}

interface LineRun extends Run {
  /** Index of its first instruction. */
  readonly first: number;
  /** The line before it. */
  readonly before: number;
}

/** What an image carries; undefined if that is nothing, or nothing that can be read. */
export function debugInfoIn(
  { debug, entry }: Pick<Image, "debug" | "entry">,
): DebugInfo | undefined {
  if (debug.length === 0) return undefined;
  try {
    return new DebugInfo(debug, entry);
  } catch (error) {
    // Debug information that cannot be read is data like any other.
    if (!(error instanceof MalformedError)) throw error;
    return undefined;
  }
}

/** Answers questions about the addresses of one image. */
export class DebugInfo {
  readonly fileName: string;
  /**
   * Data first, each section by value. Names that are no labels are left out: they could hold whatever a
   * terminal obeys.
   */
  readonly symbols: readonly ProgramSymbol[];
  readonly #entry: number;
  readonly #code: readonly ProgramSymbol[];
  readonly #runs: readonly LineRun[];
  /** Instructions that have a line. */
  readonly #count: number;

  /** Reads bytes from outside. Throws {@link MalformedError}. */
  constructor(bytes: Uint8Array, entry: number) {
    const reader = new ByteReader(bytes);
    const format = reader.varint();
    if (format !== FORMAT) throw new MalformedError(`debug information of format ${format}`);
    this.fileName = readText(reader);
    const data = readSymbols(reader, "data", 0, 1);
    this.#code = readSymbols(reader, "code", entry, INSTRUCTION_BYTES);
    this.symbols = [...data, ...this.#code];
    this.#entry = entry;
    this.#runs = readRuns(reader);
    const last = this.#runs.at(-1);
    this.#count = last === undefined ? 0 : last.first + last.count;
    reader.end();
  }

  lineOf(address: number): number | undefined {
    const index = Math.floor((address - this.#entry) / INSTRUCTION_BYTES);
    if (index < 0 || index >= this.#count) return undefined;
    const run = lastAtMost(this.#runs, index, ({ first }) => first)!;
    return run.before + (index - run.first + 1) * run.step;
  }

  locate(address: number): Location {
    const line = this.lineOf(address);
    const symbol = lastAtMost(this.#code, address, ({ value }) => value);
    return {
      ...line === undefined ? {} : { line },
      ...symbol === undefined ? {} : { symbol: symbol.name },
      offset: address - (symbol?.value ?? this.#entry),
    };
  }
}

/** The last of sorted items whose key is at most `limit`. */
function lastAtMost<T>(
  items: readonly T[],
  limit: number,
  keyOf: (item: T) => number,
): T | undefined {
  let [low, high] = [0, items.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (keyOf(items[middle]!) <= limit) low = middle + 1;
    else high = middle;
  }
  return items[low - 1];
}

function readSymbols(
  reader: ByteReader,
  section: ProgramSymbol["section"],
  base: number,
  unit: number,
): ProgramSymbol[] {
  const symbols: ProgramSymbol[] = [];
  let position = 0;
  // The count is not trusted: each symbol takes bytes, and the reader ends where they end.
  for (let left = reader.varint(); left > 0; left--) {
    position += reader.varint();
    const name = readText(reader);
    if (LABEL.test(name)) symbols.push({ name, section, value: base + position * unit });
  }
  return symbols;
}

function readRuns(reader: ByteReader): LineRun[] {
  const runs: LineRun[] = [];
  let [first, before] = [0, 0];
  for (let left = reader.varint(); left > 0; left--) {
    const run = { count: reader.varint(), step: unzigzag(reader.varint()), first, before };
    first += run.count;
    before += run.count * run.step;
    if (run.count === 0 || before < 1 || before > MAX_LINE || before - run.step > MAX_LINE) {
      throw new MalformedError("debug information with impossible lines");
    }
    runs.push(run);
  }
  return runs;
}

/** Small numbers of either sign as small numbers without one. */
function zigzag(value: number): number {
  return value < 0 ? -2 * value - 1 : 2 * value;
}

function unzigzag(value: number): number {
  return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
}

function writeText(writer: ByteWriter, text: string): void {
  if (!isAscii(text)) {
    const bytes = utf8(text);
    writer.varint(bytes.length).raw(bytes);
    return;
  }
  // There are thousands of short names: calling an encoder for each takes longer than its work.
  writer.varint(text.length);
  for (let i = 0; i < text.length; i++) writer.u8(text.charCodeAt(i));
}

function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) >= 0x80) return false;
  return true;
}

function readText(reader: ByteReader): string {
  return textOf(reader.raw(reader.varint()));
}
