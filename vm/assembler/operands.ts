/** What the checks of instructions and of data have in common. */

import type { Diagnostics } from "./diagnostics.ts";
import type { Token } from "./tokens.ts";

export interface Range {
  readonly min: number;
  readonly max: number;
}

/** 32 bits, signed or unsigned, whichever is meant: `#-1` and `#0xffffffff` are the same. */
export const INT32: Range = { min: -0x8000_0000, max: 0xffff_ffff };

/** The value of an integer; one that is out of range is reported and taken as 0. */
export function asImmediate(
  operand: Token,
  { min, max }: Range,
  diagnostics: Diagnostics,
  hint?: string,
): number {
  const { value } = operand;
  if (value >= min && value <= max) return value;
  diagnostics.error(
    "ImmediateOutOfRange",
    operand,
    `${value} is not within ${min} to ${max}`,
    hint,
  );
  return 0;
}

/** An operand in words, for messages. */
export function describe({ kind, text }: Token): string {
  switch (kind) {
    case "register":
      return "a register";
    case "integer":
      return "an integer";
    case "float":
      return "a float";
    case "symbol":
      return `the label "${text.length > 40 ? `${text.slice(0, 40)}…` : text}"`;
    case "string":
      return "a string";
    default:
      return kind;
  }
}
