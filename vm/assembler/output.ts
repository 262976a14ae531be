/** What is in its place becomes bytes: code, read-only data, debug information. */

import { encodeDebugInfo } from "../debug_info.ts";
import { INSTRUCTION_BYTES } from "../isa.ts";
import { writeData } from "./data.ts";
import type { Diagnostics } from "./diagnostics.ts";
import { encodeInstruction } from "./encode.ts";
import { type Layout, valueOfLabel } from "./layout.ts";
import type { Positions } from "./positions.ts";
import type { Sections } from "./sections.ts";
import type { Resolve } from "./symbols.ts";

export function encodeCode(
  { code }: Sections,
  layout: Layout,
  resolve: Resolve,
  diagnostics: Diagnostics,
): Uint8Array {
  const bytes = new Uint8Array(layout.code[code.length]!);
  const view = new DataView(bytes.buffer);
  const context = { diagnostics, resolve, wide: layout.wide };
  for (let index = 0; index < code.length; index++) {
    const item = code[index]!;
    const at = layout.code[index]!;
    if (item.kind === "instruction") encodeInstruction(item, bytes, at, context);
    else if (item.name === ".byte") bytes.set(item.operands.map(({ value }) => value), at);
    else {
      // In the order in which they are written: the opcode first.
      item.operands.forEach(({ value }, word) => {
        view.setInt32(at + word * INSTRUCTION_BYTES, value);
      });
    }
  }
  return bytes;
}

/** Looks all names up; after an error there are no bytes, for sizes are not to be relied on then. */
export function encodeData(
  { data }: Sections,
  layout: Layout,
  resolve: Resolve,
  diagnostics: Diagnostics,
): Uint8Array {
  for (const { operands } of data) {
    for (const operand of operands) if (operand.kind === "symbol") resolve(operand);
  }
  if (diagnostics.hasErrors) return new Uint8Array();
  const bytes = new Uint8Array(layout.data[data.length]!);
  data.forEach((directive, item) => {
    writeData(directive, bytes, layout.data[item]!, (symbol) => resolve(symbol)?.value ?? 0);
  });
  return bytes;
}

export function debugInfoOf(
  { code, labels }: Sections,
  layout: Layout,
  fileName: string,
  positions: Positions,
): Uint8Array {
  const lines = new Uint32Array(layout.code[code.length]! / INSTRUCTION_BYTES);
  // A loop rather than fill(): most items are one instruction.
  let instruction = 0;
  for (let index = 0; index < code.length; index++) {
    const line = positions.lineOf(code[index]!.at);
    const end = Math.floor(layout.code[index + 1]! / INSTRUCTION_BYTES);
    while (instruction < end) lines[instruction++] = line;
  }
  const symbols = [...labels.values()].map((label) => {
    const { name, section } = label;
    const unit = section === "data" ? 1 : INSTRUCTION_BYTES;
    return { name, section, value: Math.floor(valueOfLabel(label, layout, 0) / unit) };
  });
  return encodeDebugInfo({ fileName, symbols, lines });
}
