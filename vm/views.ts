/** The state of a machine as lines of text. */

import { INSTRUCTION_BYTES, REGISTER_COUNT } from "./isa.ts";
import type { Machine } from "./machine.ts";

const INTEGERS_A_LINE = 4;
const FLOATS_A_LINE = 2;
const HEAP_BYTES_A_LINE = 16;

export function integerLines({ registers }: Machine, aLine = INTEGERS_A_LINE): string[] {
  return rowsOf(REGISTER_COUNT, aLine, (i) => {
    return `$${i}`.padStart(4) + String(registers[i]).padStart(12);
  });
}

export function floatLines({ floats }: Machine): string[] {
  return rowsOf(REGISTER_COUNT, FLOATS_A_LINE, (i) => {
    return `f${i}`.padStart(4) + String(floats[i]).padStart(25);
  });
}

/** All that is no numbered register. */
export function specialLine({ pc, sp, bp, flag, loopCounter }: Machine): string {
  return `pc ${pc}  sp ${sp}  bp ${bp}  flag ${flag}  loop ${loopCounter}`;
}

/** Bytes of the heap with their offsets, as hexadecimal and as text. */
export function heapLines(machine: Machine, from: number, count: number): string[] {
  const heap = machine.heap();
  const lines: string[] = [];
  const end = Math.min(heap.length, from + count);
  for (let at = from; at < end; at += HEAP_BYTES_A_LINE) {
    const bytes = [...heap.subarray(at, Math.min(end, at + HEAP_BYTES_A_LINE))];
    const hex = bytes.map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
    const text = bytes.map((byte) => isPrintable(byte) ? String.fromCharCode(byte) : ".").join("");
    lines.push(`${String(at).padStart(8)}  ${hex.padEnd(3 * HEAP_BYTES_A_LINE)} ${text}`);
  }
  return lines;
}

/** The upper words of the stack with their indexes, the top first. */
export function stackLines(machine: Machine, count: number): string[] {
  const stack = machine.stack();
  const lines: string[] = [];
  for (let at = stack.length - 1; at >= Math.max(0, stack.length - count); at--) {
    const mark = at + 1 === machine.bp ? "  bp" : "";
    lines.push(`${String(at).padStart(8)}  ${stack[at]}${mark}`);
  }
  return lines;
}

/** Instructions as the decimal bytes that they are, with their addresses. */
export function byteLines(bytes: Uint8Array, entry: number): string[] {
  const lines: string[] = [];
  for (let at = entry; at < bytes.length; at += INSTRUCTION_BYTES) {
    const cells = [...bytes.subarray(at, at + INSTRUCTION_BYTES)];
    const shown = cells.map((byte) => String(byte).padStart(4)).join("");
    lines.push(`${String(at).padStart(8)} ${shown}`);
  }
  return lines;
}

function isPrintable(byte: number): boolean {
  return byte >= 0x20 && byte < 0x7f;
}

function rowsOf(count: number, aLine: number, cell: (index: number) => string): string[] {
  const lines: string[] = [];
  for (let row = 0; row < count; row += aLine) {
    lines.push(Array.from({ length: aLine }, (_, i) => cell(row + i)).join(""));
  }
  return lines;
}
