/** Directives that make read-only data: how many bytes, and which. */

import { utf8 } from "../../cluster/bytes.ts";
import { MAX_IMAGE_BYTES } from "../image.ts";
import type { Diagnostics } from "./diagnostics.ts";
import { asImmediate, describe, INT32 } from "./operands.ts";
import type { DirectiveStatement } from "./parser.ts";
import type { Token } from "./tokens.ts";

/** What a directive's operands are: texts, numbers of so many bytes each, or a length. */
type DataKind =
  | { readonly kind: "text"; readonly terminated: boolean }
  | { readonly kind: "integers"; readonly bytes: 1 | 4 }
  | { readonly kind: "floats" }
  | { readonly kind: "space" };

const DATA_DIRECTIVES = new Map<string, DataKind>([
  [".asciiz", { kind: "text", terminated: true }],
  [".ascii", { kind: "text", terminated: false }],
  [".integer", { kind: "integers", bytes: 4 }],
  [".word", { kind: "integers", bytes: 4 }],
  [".byte", { kind: "integers", bytes: 1 }],
  [".float", { kind: "floats" }],
  [".space", { kind: "space" }],
]);

export const DATA_DIRECTIVE_NAMES: readonly string[] = [...DATA_DIRECTIVES.keys()];

const FLOAT_BYTES = 8;
/** Signed or unsigned, whichever is meant. */
const INT8 = { min: -0x80, max: 0xff } as const;

export function isDataDirective(name: string): boolean {
  return DATA_DIRECTIVES.has(name);
}

/**
 * Bytes of one directive. Everything about its operands but unknown labels is checked and reported
 * here; what is wrong counts as if it were right, so that the addresses behind it still hold.
 */
export function sizeOfData(directive: DirectiveStatement, diagnostics: Diagnostics): number {
  const { name, operands } = directive;
  const data = DATA_DIRECTIVES.get(name)!;
  if (operands.length === 0) {
    diagnostics.error("OperandMismatch", directive, `${name} needs ${wanted(data)}`);
  }
  const only = data.kind === "text" || data.kind === "space" ? 1 : Infinity;
  const surplus = operands[only];
  if (surplus !== undefined) {
    diagnostics.error("OperandMismatch", surplus, `${name} takes ${wanted(data)} only`);
  }
  let size = 0;
  for (const operand of operands) {
    if (operand.kind === "invalid") continue;
    if (!fits(data, operand)) {
      const message = `${name} takes ${wanted(data)}, got ${describe(operand)}`;
      diagnostics.error("OperandMismatch", operand, message);
    } else size += sizeOfOperand(data, operand, diagnostics);
  }
  return size;
}

function fits(data: DataKind, { kind }: Token): boolean {
  switch (data.kind) {
    case "text":
      return kind === "string";
    case "integers":
      return kind === "integer" || kind === "symbol" && data.bytes === 4;
    case "floats":
      return kind === "integer" || kind === "float";
    case "space":
      return kind === "integer";
  }
}

function sizeOfOperand(data: DataKind, operand: Token, diagnostics: Diagnostics): number {
  switch (data.kind) {
    case "text":
      return utf8(operand.text).length + (data.terminated ? 1 : 0);
    case "integers":
      if (operand.kind !== "symbol") {
        asImmediate(operand, data.bytes === 1 ? INT8 : INT32, diagnostics);
      }
      return data.bytes;
    case "floats":
      if (!Number.isFinite(operand.value)) {
        diagnostics.error("ImmediateOutOfRange", operand, "no float of 64 bits is as large");
      }
      return FLOAT_BYTES;
    case "space":
      return asImmediate(operand, { min: 0, max: MAX_IMAGE_BYTES }, diagnostics);
  }
}

/** Puts the bytes of a directive into `bytes` from `at`; it was measured without an error before. */
export function writeData(
  { name, operands }: DirectiveStatement,
  bytes: Uint8Array,
  at: number,
  resolve: (symbol: Token) => number,
): void {
  const data = DATA_DIRECTIVES.get(name)!;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let end = at;
  for (const operand of operands) {
    switch (data.kind) {
      case "text":
        bytes.set(utf8(operand.text), end);
        break;
      case "integers": {
        const value = operand.kind === "symbol" ? resolve(operand) : operand.value;
        if (data.bytes === 1) view.setInt8(end, value);
        else view.setInt32(end, value, true);
        end += data.bytes;
        break;
      }
      case "floats":
        view.setFloat64(end, operand.value, true);
        end += FLOAT_BYTES;
        break;
      case "space":
        break;
    }
  }
}

function wanted(data: DataKind): string {
  switch (data.kind) {
    case "text":
      return "a string";
    case "integers":
      return data.bytes === 1 ? "integers" : "integers or labels";
    case "floats":
      return "numbers";
    case "space":
      return "a number of bytes";
  }
}
