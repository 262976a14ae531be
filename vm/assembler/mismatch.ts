/** What an instruction takes and what it was given, in words. */

import { ISA, type Mnemonic, type OperandKind } from "../isa.ts";
import type { Diagnostics } from "./diagnostics.ts";
import { describe } from "./operands.ts";
import type { InstructionStatement } from "./parser.ts";
import type { Token } from "./tokens.ts";

/** Operands that a message describes. */
const MAX_DESCRIBED = 4;

/** `place` is the operand that is wrong, or the instruction if one is missing. */
export function reportMismatch(
  { mnemonic, operands }: InstructionStatement,
  place: Token | InstructionStatement,
  diagnostics: Diagnostics,
): void {
  const { operands: shape, example } = ISA[mnemonic];
  const expected = shape.map((kind) => inWords(mnemonic, kind));
  const got = operands.slice(0, MAX_DESCRIBED).map(describe);
  if (operands.length > MAX_DESCRIBED) got.push("more");
  const message = `${mnemonic.toLowerCase()} takes ${listed(expected)}, got ${listed(got)}`;
  const isJump = mnemonic === "JMP" || mnemonic === "JMPE";
  const hint = isJump && place.kind === "symbol"
    ? `load the address first: load $0 @${place.text}`.slice(0, 80)
    : `as in ${example}`;
  diagnostics.error("OperandMismatch", place, message, hint);
}

function inWords(mnemonic: Mnemonic, kind: OperandKind): string {
  switch (kind) {
    case "reg":
      return "a register";
    case "freg":
      return "a float register";
    case "imm16":
      return mnemonic === "LOAD" ? "an integer or a label" : "an integer";
    case "count16":
      return "an integer";
    case "address":
      return "a label";
    case "offset":
      return "the label of a constant";
    case "count8":
      return "perhaps an integer";
  }
}

function listed(words: readonly string[]): string {
  if (words.length < 2) return words[0] ?? "nothing";
  return `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`;
}
