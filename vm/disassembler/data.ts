/** Read-only data as directives: texts where it looks like texts, bytes elsewhere. */

import { HEADER_BYTES, type Image } from "../image.ts";
import type { Names } from "./names.ts";

/** Shorter texts are taken for bytes, unless something refers to them. */
const MIN_TEXT_BYTES = 4;
const BYTES_PER_LINE = 16;
/** So many zeros are worth a directive of their own. */
const MIN_SPACE_BYTES = 8;

const DECODER = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const ESCAPES: Readonly<Record<string, string>> = {
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\x1b": "\\e",
  '"': '\\"',
  "\\": "\\\\",
};
/** Control characters that texts have; others say that it is none. */
// deno-lint-ignore no-control-regex -- these are what is looked for
const NO_TEXT = /[\x00-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f]/;
/** What stands for nothing, or would not be seen, in a source. */
const UNPRINTABLE = /["\\]|(?! )[\p{C}\p{Z}]/gu;

/** All bytes between the header and the code, debug information included. */
export function* dataLines({ bytes, entry }: Image, names: Names): Generator<string> {
  const data = bytes.subarray(HEADER_BYTES, entry);
  if (data.length === 0) return;
  names.invent("data", 0, "data");
  const starts = names.dataOffsets();
  for (let index = 0; index < starts.length; index++) {
    const [from, to] = [starts[index]!, starts[index + 1] ?? data.length];
    for (const name of names.at("data", from)) yield `${name}:`;
    yield* pieceLines(data, from, to, names);
  }
}

/** What stands between two labels: texts with a zero byte at their end, and the bytes between them. */
function* pieceLines(data: Uint8Array, from: number, to: number, names: Names): Generator<string> {
  /** Where bytes begin that are not written yet. */
  let pending = from;
  for (let at = from; at < to;) {
    const zero = data.indexOf(0, at);
    const isTerminated = zero >= 0 && zero < to;
    const end = isTerminated ? zero : to;
    const isLong = end - at >= MIN_TEXT_BYTES || at === from && end > at;
    const text = isLong ? textOf(data.subarray(at, end)) : undefined;
    const next = isTerminated ? end + 1 : end;
    if (text !== undefined) {
      yield* byteLines(data, pending, at);
      pending = next;
      if (isTerminated && at !== from) {
        names.invent("data", at, "text");
        yield `${names.at("data", at)[0]}:`;
      }
      yield `  ${isTerminated ? ".asciiz" : ".ascii"} "${text}"`;
    }
    at = next;
  }
  yield* byteLines(data, pending, to);
}

/** Between double quotes; undefined if the bytes are no text that people would write. */
function textOf(bytes: Uint8Array): string | undefined {
  let text: string;
  try {
    text = DECODER.decode(bytes);
  } catch {
    return undefined;
  }
  if (NO_TEXT.test(text)) return undefined;
  return text.replaceAll(
    UNPRINTABLE,
    (char) => ESCAPES[char] ?? `\\u{${char.codePointAt(0)!.toString(16)}}`,
  );
}

function* byteLines(data: Uint8Array, from: number, to: number): Generator<string> {
  let at = from;
  while (at < to) {
    let end = at;
    while (end < to && data[end] === 0) end++;
    if (end - at >= MIN_SPACE_BYTES || end === to) {
      yield `  .space #${end - at}`;
    } else {
      end = Math.min(at + BYTES_PER_LINE, to);
      yield `  .byte ${[...data.subarray(at, end)].map((byte) => `#${byte}`).join(" ")}`;
    }
    at = end;
  }
}
