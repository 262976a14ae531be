/** Flags of whoever makes a machine: its limits, and what makes runs repeatable. */

import { parseSize } from "../../cli/size.ts";

/** The same bounds as in `[vm.limits]`. */
const MIN_MEMORY_BYTES = 64;
const MAX_MEMORY_BYTES = 2 ** 31;
const MAX_STACK_WORDS = 268_435_456;

export interface MachineFlags {
  readonly memory?: number;
  readonly stack?: number;
  readonly seed?: number;
  readonly clock: "real" | "fixed";
}

export const MACHINE_FLAGS = {
  memory: {
    kind: "parsed",
    parse: parseMemory,
    optional: true,
    brief: 'heap limit, such as "16M"; else vm.limits.memory, 64M',
    placeholder: "BYTES",
  },
  stack: {
    kind: "parsed",
    parse: parseStack,
    optional: true,
    brief: "stack limit in words; else vm.limits.stack, 2097152",
    placeholder: "WORDS",
  },
  seed: {
    kind: "parsed",
    parse: parseCount,
    optional: true,
    brief: "random numbers that are the same each time",
    placeholder: "N",
  },
  clock: {
    kind: "enum",
    values: ["real", "fixed"],
    default: "real",
    brief: "fixed: the clock always shows 1970",
  },
} as const;

export function parseCount(value: string): number {
  if (!/^\d{1,15}$/.test(value)) throw new Error("expected a whole number");
  return Number(value);
}

function parseMemory(value: string): number {
  const bytes = parseSize(value);
  if (bytes === undefined || bytes < MIN_MEMORY_BYTES || bytes > MAX_MEMORY_BYTES) {
    throw new Error('expected bytes from 64 to 2G, such as "65536" or "16M"');
  }
  return bytes;
}

function parseStack(value: string): number {
  const words = parseCount(value);
  if (words < 1 || words > MAX_STACK_WORDS) {
    throw new Error(`expected words from 1 to ${MAX_STACK_WORDS}`);
  }
  return words;
}
