/** What a trap means at the instruction that it came from. */

import type { Image } from "./image.ts";
import { BY_NUMBER } from "./isa.ts";
import { Trap, TRAP_TEXTS, type TrapCode } from "./machine.ts";

/** Which of the stack's limits it was, by the instruction. */
const STACK_TEXTS: Readonly<Record<string, string>> = {
  PUSH: "stack full",
  CALL: "stack full",
  CALLR: "stack full",
  POP: "stack empty",
  RET: "no frame on the stack to return from",
};

/** "stack empty" rather than all that trap 3 can mean. */
export function trapText(code: TrapCode, { bytes }: Image, pc: number): string {
  if (code !== Trap.stack) return TRAP_TEXTS[code];
  const mnemonic = BY_NUMBER[bytes[pc] ?? -1] ?? "";
  return STACK_TEXTS[mnemonic] ?? "outside the stack";
}
