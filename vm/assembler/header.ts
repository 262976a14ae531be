/**
 * `.header #offset #byte …` sets bytes of the image's header as they are. People need it for nothing;
 * it exists so that every image can be written as source.
 */

import { MAGIC } from "../image.ts";
import type { Diagnostics } from "./diagnostics.ts";
import { asImmediate, describe } from "./operands.ts";
import type { DirectiveStatement } from "./parser.ts";

const VERSION_AT = 4;
/** The first byte behind those that may be set: the length of the read-only data. */
const END = 64;

export function checkHeader(directive: DirectiveStatement, diagnostics: Diagnostics): void {
  const { operands } = directive;
  if (operands.length < 2) {
    const message = ".header needs an offset and bytes";
    diagnostics.error("OperandMismatch", directive, message, "as in .header #4 #1");
  }
  operands.forEach((operand, index) => {
    if (operand.kind === "integer") {
      const range = index === 0
        ? { min: MAGIC.length, max: END - (operands.length - 1) }
        : { min: 0, max: 0xff };
      asImmediate(operand, range, diagnostics);
    } else if (operand.kind !== "invalid") {
      const message = `.header takes integers, got ${describe(operand)}`;
      diagnostics.error("OperandMismatch", operand, message);
    }
  });
}

/** Each byte that is asked for, the last word on it last. */
export function* headerBytes(
  directives: readonly DirectiveStatement[],
): Generator<{ readonly at: number; readonly value: number }> {
  for (const { operands } of directives) {
    for (let index = 1; index < operands.length; index++) {
      yield { at: operands[0]!.value + index - 1, value: operands[index]!.value };
    }
  }
}

/** The version that is asked for, as a lower bound: addresses are encoded accordingly. */
export function headerVersion(directives: readonly DirectiveStatement[]): number {
  let version = 0;
  for (const { at, value } of headerBytes(directives)) {
    if (at === VERSION_AT) version = value;
  }
  return version;
}

export function applyHeader(directives: readonly DirectiveStatement[], image: Uint8Array): void {
  const version = image[VERSION_AT]!;
  for (const { at, value } of headerBytes(directives)) image[at] = value;
  image[VERSION_AT] = Math.max(version, headerVersion(directives));
}
