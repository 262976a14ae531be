/** Where a run spends its instructions: counted one by one, summed by label and by line of source. */

import type { CodeMap } from "./code_map.ts";
import type { Image } from "./image.ts";
import { INSTRUCTION_BYTES, ISA } from "./isa.ts";
import type { Observer } from "./observed.ts";

/** A label, and the instructions from it to the next one. */
export interface LabelCount {
  /** Undefined for what stands in front of the first label. */
  readonly name: string | undefined;
  /** Whether the image names it. */
  readonly isKnown: boolean;
  readonly address: number;
  /** Of the instruction there; undefined if the image does not tell. */
  readonly line: number | undefined;
  /** That were begun. */
  readonly instructions: number;
  /** By CALL and CALLR. */
  readonly calls: number;
}

/** A line of source, or a single instruction if the image does not tell its lines. */
export interface LineCount {
  readonly line: number | undefined;
  /** Of its first instruction that was begun. */
  readonly address: number;
  readonly instructions: number;
}

const CALL = ISA.CALL.number;
const CALLR = ISA.CALLR.number;

export class Profiler implements Observer {
  readonly #image: Image;
  /** By instruction. Doubles: exact for longer than anybody waits. */
  readonly #begun: Float64Array;
  readonly #called: Float64Array;
  #isAfterCall = false;

  constructor(image: Image) {
    this.#image = image;
    const instructions = (image.bytes.length - image.entry) / INSTRUCTION_BYTES;
    this.#begun = new Float64Array(instructions);
    this.#called = new Float64Array(instructions);
  }

  begin(pc: number): void {
    const { bytes, entry } = this.#image;
    const index = (pc - entry) / INSTRUCTION_BYTES;
    this.#begun[index]! += 1;
    if (this.#isAfterCall) this.#called[index]! += 1;
    const opcode = bytes[pc];
    this.#isAfterCall = opcode === CALL || opcode === CALLR;
  }

  /** Instructions that were begun. */
  get total(): number {
    return this.#begun.reduce((sum, count) => sum + count, 0);
  }

  /** Labels with instructions that were begun, the busiest first. */
  byLabel(map: CodeMap): LabelCount[] {
    const sums = new Map<number, { instructions: number; calls: number }>();
    for (const [index, address] of this.#busy()) {
      const label = map.labelBefore(address);
      const sum = sums.get(label) ?? { instructions: 0, calls: 0 };
      sum.instructions += this.#begun[index]!;
      sum.calls += this.#called[index]!;
      sums.set(label, sum);
    }
    const counts = [...sums].map(([index, sum]) => {
      const { name, isKnown = false, address = this.#image.entry } = map.labels[index] ?? {};
      return { name, isKnown, address, line: map.lineOf(address), ...sum };
    });
    return counts.sort(busiestFirst);
  }

  /** Lines with instructions that were begun, the busiest first. */
  byLine(map: CodeMap): LineCount[] {
    const counts = new Map<string, { -readonly [key in keyof LineCount]: LineCount[key] }>();
    for (const [index, address] of this.#busy()) {
      const line = map.lineOf(address);
      const key = line === undefined ? `address ${address}` : `line ${line}`;
      const count = counts.get(key);
      const instructions = this.#begun[index]!;
      if (count === undefined) counts.set(key, { line, address, instructions });
      else count.instructions += instructions;
    }
    return [...counts.values()].sort(busiestFirst);
  }

  /** Index and address of each instruction that was begun. */
  *#busy(): Generator<readonly [number, number]> {
    for (let index = 0; index < this.#begun.length; index++) {
      if (this.#begun[index] === 0) continue;
      yield [index, this.#image.entry + index * INSTRUCTION_BYTES];
    }
  }
}

interface Count {
  readonly instructions: number;
  readonly address: number;
}

function busiestFirst(one: Count, other: Count): number {
  return other.instructions - one.instructions || one.address - other.address;
}
