/**
 * Images for tests of the engines, from a few lines of source; simpler than the real assembler on purpose, so
 * that a fault in one does not hide a fault in the other. One instruction a line, in braces below what
 * may be left out:
 *
 *     {label:} mnemonic {$register | #number | @label}...
 *
 * `@label` is the address of the label, also as the number of a LOAD; `.word #n` is four bytes as they
 * are.
 */

import { entryOf, type Image, loadImage, makeImage } from "../../vm/image.ts";
import { ISA, type Mnemonic, type OperandKind } from "../../vm/isa.ts";

export interface SourceOptions {
  readonly version?: 0 | 1;
  readonly readOnly?: Uint8Array;
}

export function imageOf(source: string, options: SourceOptions = {}): Image {
  const { version = 1, readOnly = new Uint8Array() } = options;
  const entry = entryOf(readOnly.length);
  const labels = new Map<string, number>();
  const lines: string[][] = [];
  for (const line of source.split("\n")) {
    const [, label, rest] = /^\s*(?:(\w+):)?\s*(.*?)\s*$/.exec(line)!;
    if (label !== undefined) labels.set(label, entry + 4 * lines.length);
    if (rest !== "") lines.push(rest!.split(/\s+/));
  }
  const code = lines.flatMap(([mnemonic, ...operands]) => {
    const values = operands.map((operand) => valueOf(operand, labels));
    if (mnemonic === ".word") return wordBytes(values[0]!);
    return instruction(mnemonic!.toUpperCase() as Mnemonic, ...values);
  });
  return loadImage(makeImage({ version, readOnly, code: Uint8Array.from(code) }));
}

/** The four bytes of an instruction with its operands in their order. */
export function instruction(mnemonic: Mnemonic, ...operands: readonly number[]): number[] {
  const bytes = [ISA[mnemonic].number, 0, 0, 0];
  ISA[mnemonic].operands.forEach((kind, index) => place(kind, operands[index] ?? 0, index, bytes));
  return bytes;
}

function place(kind: OperandKind, value: number, index: number, bytes: number[]): void {
  switch (kind) {
    case "reg":
    case "freg":
    case "count8":
      bytes[1 + index] = value;
      break;
    case "imm16":
      bytes[2] = value >> 8 & 0xff;
      bytes[3] = value & 0xff;
      break;
    case "count16":
    case "address":
    case "offset":
      bytes[1] = value >> 8 & 0xff;
      bytes[2] = value & 0xff;
      bytes[3] = value >> 16 & 0xff;
  }
}

function valueOf(operand: string, labels: ReadonlyMap<string, number>): number {
  const value = operand.startsWith("@") ? labels.get(operand.slice(1)) : Number(operand.slice(1));
  if (value === undefined || Number.isNaN(value)) throw new Error(`what is ${operand}?`);
  return value;
}

function wordBytes(value: number): number[] {
  return [value >>> 24, value >> 16 & 0xff, value >> 8 & 0xff, value & 0xff];
}

/** Two lines of source that load any 32 bits. */
export function load32(register: number, value: number): string {
  return `load $${register} #${value >>> 16}\nlui $${register} #${value & 0xffff}\n`;
}
