/**
 * The lexer. Lines mean nothing: white space and comments (`;` to the end of the line) may stand
 * between any two tokens. What is no token is reported and passed over, so that nothing is lost.
 */

import type { Diagnostics, Span } from "./diagnostics.ts";
import { readString } from "./strings.ts";

export type TokenKind =
  /** Letters, digits, `_` and `.`: a mnemonic, a directive or the name of a label. */
  | "word"
  | "colon"
  | "comma"
  /** `$5`; the number is in `value`. */
  | "register"
  /** `#5`, `#-5`, `#0x1f`. */
  | "integer"
  /** `#1.5`, `#2e-3`. */
  | "float"
  /** `@name`; the name is in `text`. */
  | "symbol"
  /** `'as it is'` or `"with\nescapes"`; the content is in `text`. */
  | "string"
  /** Something that was meant as an operand and has been reported already. */
  | "invalid"
  | "end";

/** One that stays when the lexer has gone on. */
export interface Token extends Span {
  readonly kind: TokenKind;
  readonly text: string;
  readonly value: number;
}

const SPACE = 1;
const WORD = 2;
const DIGIT = 4;
/** What each ASCII character may be part of. */
const CLASS = new Uint8Array(128);
for (const space of " \t\r\n\v\f") CLASS[space.charCodeAt(0)] = SPACE;
for (const letter of "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_.") {
  CLASS[letter.charCodeAt(0)] = WORD;
}
for (const digit of "0123456789") CLASS[digit.charCodeAt(0)] = WORD | DIGIT;

const TOKEN_STARTS = "\"#$',:;@";
/** Numbers that are not plain decimal digits. */
const OTHER_NUMBER = /0[xX][0-9a-fA-F]+|\d*\.\d+(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+/y;
/** So many decimal digits are exact in a double, added one by one. */
const EXACT_DIGITS = 15;
const BYTE_ORDER_MARK = 0xfeff;
/** Room of a store, which doubles. */
const FIRST_TOKENS = 64;
const ZERO = 0x30;
const MINUS = 0x2d;
const SEMICOLON = 0x3b;

/** Goes from token to token; its fields are those of the one where it is. */
export class Lexer implements Span {
  kind: TokenKind = "end";
  at = 0;
  length = 0;
  value = 0;
  readonly #source: string;
  readonly #diagnostics: Diagnostics;
  /** Of a string. */
  #content = "";

  /** Stands in front of the first token. */
  constructor(source: string, diagnostics: Diagnostics) {
    this.#source = source;
    this.#diagnostics = diagnostics;
    if (source.charCodeAt(0) === BYTE_ORDER_MARK) this.at = 1;
  }

  /** What a word, symbol or string says; empty for others. */
  get text(): string {
    return textOf(this.#source, this.kind, this.at, this.length, this.#content);
  }

  next(): void {
    const source = this.#source;
    for (;;) {
      const at = startOfToken(source, this.at + this.length);
      if (at >= source.length) return this.#is("end", at, at);
      const code = source.charCodeAt(at);
      if (isOf(code, WORD)) return this.#is("word", at, endOf(source, at + 1, WORD));
      switch (code) {
        case 0x3a: // :
          return this.#is("colon", at, at + 1);
        case 0x2c: // ,
          return this.#is("comma", at, at + 1);
        case 0x24: // $
          return this.#register(at);
        case 0x23: // #
          return this.#number(at);
        case 0x40: // @
          return this.#symbol(at);
        case 0x27: // '
        case 0x22: { // "
          const string = readString(source, at, this.#diagnostics);
          this.#content = string.text ?? "";
          return this.#is(string.text === undefined ? "invalid" : "string", at, string.end);
        }
        default:
          this.#stray(at);
      }
    }
  }

  #is(kind: TokenKind, at: number, end: number, value = 0): void {
    this.kind = kind;
    this.at = at;
    this.length = end - at;
    this.value = value;
  }

  #register(at: number): void {
    const source = this.#source;
    const start = endOf(source, at + 1, SPACE);
    const end = endOf(source, start, DIGIT);
    if (end === start) return this.#invalid(at, start, "a register", "registers are $0 to $31");
    this.#is("register", at, end, decimal(source, start, end));
  }

  #number(at: number): void {
    const source = this.#source;
    let start = endOf(source, at + 1, SPACE);
    const negative = source.charCodeAt(start) === MINUS;
    if (negative) start++;
    const end = endOf(source, start, DIGIT);
    // A letter or a dot behind the digits: hexadecimal or a float, or else the next word.
    if (end === start || end < source.length && isOf(source.charCodeAt(end), WORD)) {
      return this.#otherNumber(at, start, end, negative);
    }
    const value = decimal(source, start, end);
    this.#is("integer", at, end, negative ? -value : value);
  }

  /** `end` is that of the decimal digits from `start`. */
  #otherNumber(at: number, start: number, end: number, negative: boolean): void {
    const source = this.#source;
    OTHER_NUMBER.lastIndex = start;
    const other = OTHER_NUMBER.exec(source)?.[0];
    const isHex = /^0[xX]/.test(source.slice(start, end + 1));
    if (other === undefined && (end === start || isHex)) {
      return this.#invalid(at, start, "a number", "as in #500, #-1, #0x1f or #1.5");
    }
    const value = other === undefined ? decimal(source, start, end) : Number(other);
    const kind = other === undefined || isHex ? "integer" : "float";
    this.#is(kind, at, start + (other?.length ?? end - start), negative ? -value : value);
  }

  #symbol(at: number): void {
    const start = endOf(this.#source, at + 1, SPACE);
    const end = endOf(this.#source, start, WORD);
    if (end === start) return this.#invalid(at, start, "the name of a label", "as in @loop");
    this.#is("symbol", at, end);
  }

  /** A sign without what has to follow it: reported here, so that the parser need not. */
  #invalid(at: number, start: number, wanted: string, hint: string): void {
    const end = endOf(this.#source, start, WORD);
    // Without anything behind it the sign alone is shown, not the white space up to the next token.
    this.#is("invalid", at, end === start ? at + 1 : end);
    const sign = this.#source.charAt(at);
    this.#diagnostics.error("ParseError", this, `${wanted} has to follow "${sign}"`, hint);
  }

  /** Characters that begin nothing, a run of them as one error. */
  #stray(at: number): void {
    const source = this.#source;
    let end = at + 1;
    while (
      end < source.length && !isOf(source.charCodeAt(end), SPACE | WORD) &&
      !TOKEN_STARTS.includes(source.charAt(end))
    ) end++;
    this.#is("invalid", at, end);
    const text = JSON.stringify(source.slice(at, Math.min(end, at + 20)));
    this.#diagnostics.error("ParseError", this, `unexpected ${text}`);
  }
}

function isOf(code: number, mask: number): boolean {
  return code < 128 && (CLASS[code]! & mask) !== 0;
}

/** Where the run of characters of a class that begins here is over. */
function endOf(source: string, at: number, mask: number): number {
  let end = at;
  while (end < source.length && isOf(source.charCodeAt(end), mask)) end++;
  return end;
}

/** Behind white space and comments. */
function startOfToken(source: string, from: number): number {
  let at = endOf(source, from, SPACE);
  while (at < source.length && source.charCodeAt(at) === SEMICOLON) {
    const newline = source.indexOf("\n", at);
    if (newline < 0) return source.length;
    at = endOf(source, newline + 1, SPACE);
  }
  return at;
}

/** The number that decimal digits stand for. */
function decimal(source: string, start: number, end: number): number {
  if (end - start > EXACT_DIGITS) return Number(source.slice(start, end));
  let value = 0;
  for (let at = start; at < end; at++) value = value * 10 + source.charCodeAt(at) - ZERO;
  return value;
}

/** Only what a string says does not stand in the source as it is. */
function textOf(
  source: string,
  kind: TokenKind,
  at: number,
  length: number,
  content: string,
): string {
  switch (kind) {
    case "word":
      return source.slice(at, at + length);
    case "symbol":
      return source.slice(at + 1, at + length).trimStart();
    case "string":
      return content;
    default:
      return "";
  }
}

/**
 * Tokens that are kept, as numbers in arrays: of a long source there are so many that objects would cost more
 * time in the garbage collector than everything else takes. Whoever reads one gets a new object.
 */
export class TokenStore {
  readonly #source: string;
  #length = 0;
  readonly #kinds: TokenKind[] = [];
  /** Offset and length of each. */
  #spans = new Int32Array(2 * FIRST_TOKENS);
  #values = new Float64Array(FIRST_TOKENS);
  /** Of strings; what others are called stands in the source. */
  readonly #texts = new Map<number, string>();

  constructor(source: string) {
    this.#source = source;
  }

  /** How many there are: the number of the next one. */
  get length(): number {
    return this.#length;
  }

  add(token: Lexer): void {
    const index = this.#length++;
    if (index === this.#values.length) this.#grow();
    this.#kinds[index] = token.kind;
    this.#spans[2 * index] = token.at;
    this.#spans[2 * index + 1] = token.length;
    this.#values[index] = token.value;
    if (token.kind === "string") this.#texts.set(index, token.text);
  }

  kindOf(index: number): TokenKind {
    return this.#kinds[index]!;
  }

  valueOf(index: number): number {
    return this.#values[index]!;
  }

  get(index: number): Token {
    const kind = this.#kinds[index]!;
    const at = this.#spans[2 * index]!;
    const length = this.#spans[2 * index + 1]!;
    const content = kind === "string" ? this.#texts.get(index)! : "";
    const text = textOf(this.#source, kind, at, length, content);
    return { kind, at, length, text, value: this.#values[index]! };
  }

  /** Those from one number up to another. */
  slice(from: number, to: number): Token[] {
    const tokens: Token[] = [];
    for (let index = from; index < to; index++) tokens.push(this.get(index));
    return tokens;
  }

  /** Forgets all from a number on. */
  truncate(length: number): void {
    for (const index of this.#texts.keys()) if (index >= length) this.#texts.delete(index);
    this.#length = length;
  }

  #grow(): void {
    const spans = new Int32Array(2 * this.#spans.length);
    spans.set(this.#spans);
    this.#spans = spans;
    const values = new Float64Array(2 * this.#values.length);
    values.set(this.#values);
    this.#values = values;
  }
}
