/**
 * Texts in a source. Iridium's `'…'` has no escapes and may go over several lines; `"…"` ends on its
 * line and knows escapes.
 */

import type { Diagnostics } from "./diagnostics.ts";

interface ReadString {
  /** Undefined if it was reported as wrong. */
  readonly text: string | undefined;
  /** Offset behind it. */
  readonly end: number;
}

/** Behind a backslash in double quotes; `\xHH` and `\u{H…}` besides. */
const ESCAPES: Readonly<Record<string, string>> = {
  n: "\n",
  r: "\r",
  t: "\t",
  e: "\x1b",
  "0": "\0",
  "\\": "\\",
  '"': '"',
  "'": "'",
};
const ESCAPE = /\\(?:x([0-7][0-9a-fA-F])|u\{([0-9a-fA-F]{1,6})\}|([^]))?/gy;
const MAX_CODE_POINT = 0x10_ffff;

/** Reads the string whose quote stands at `at`. */
export function readString(source: string, at: number, diagnostics: Diagnostics): ReadString {
  const newline = source.indexOf("\n", at);
  const lineEnd = newline < 0 ? source.length : newline;
  const single = source.charAt(at) === "'";
  const end = single ? source.indexOf("'", at + 1) : closingQuote(source, at + 1, lineEnd);
  if (end < 0) {
    const length = source.slice(at, lineEnd).trimEnd().length;
    const hint = single ? "it ends with '" : 'it ends with " on the same line; \\n is a newline';
    diagnostics.error("UnterminatedString", { at, length }, "the string does not end", hint);
    return { text: undefined, end: lineEnd };
  }
  const text = source.slice(at + 1, end);
  return { text: single ? text : unescape(text, at + 1, diagnostics), end: end + 1 };
}

function closingQuote(source: string, from: number, lineEnd: number): number {
  for (let at = from; at < lineEnd; at++) {
    const code = source.charCodeAt(at);
    if (code === 0x22) return at;
    if (code === 0x5c) at++;
  }
  return -1;
}

function unescape(text: string, at: number, diagnostics: Diagnostics): string | undefined {
  if (!text.includes("\\")) return text;
  let bad = false;
  let plain = "";
  let from = 0;
  for (let i = text.indexOf("\\"); i >= 0; i = text.indexOf("\\", from)) {
    ESCAPE.lastIndex = i;
    const [whole, ascii, point, letter] = ESCAPE.exec(text)!;
    const code = parseInt(ascii ?? point ?? "", 16);
    const meant = letter !== undefined && Object.hasOwn(ESCAPES, letter)
      ? ESCAPES[letter]
      : code <= MAX_CODE_POINT && !(code >= 0xd800 && code <= 0xdfff)
      ? String.fromCodePoint(code)
      : undefined;
    if (meant === undefined) {
      bad = true;
      const hint =
        "there are \\n \\r \\t \\e \\0 \\\\ \\\" \\' \\x00 to \\x7f and \\u{1f600}; .byte for others";
      const message = `unknown escape ${JSON.stringify(whole)}`;
      diagnostics.error("ParseError", { at: at + i, length: whole.length }, message, hint);
    }
    plain += text.slice(from, i) + (meant ?? "");
    from = i + whole.length;
  }
  return bad ? undefined : plain + text.slice(from);
}
