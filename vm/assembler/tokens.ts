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
const ZERO = 0x30;
const MINUS = 0x2d;

export class Lexer {
  readonly #source: string;
  readonly #diagnostics: Diagnostics;
  #at = 0;

  constructor(source: string, diagnostics: Diagnostics) {
    this.#source = source;
    this.#diagnostics = diagnostics;
    if (source.charCodeAt(0) === BYTE_ORDER_MARK) this.#at = 1;
  }

  next(): Token {
    const source = this.#source;
    for (;;) {
      this.#skipSpace();
      const at = this.#at;
      if (at >= source.length) return token("end", at, 0);
      const code = source.charCodeAt(at);
      if (this.#isOf(at, WORD)) {
        this.#at = this.#endOf(at, WORD);
        return token("word", at, this.#at - at, source.slice(at, this.#at));
      }
      switch (code) {
        case 0x3a: // :
          this.#at++;
          return token("colon", at, 1);
        case 0x2c: // ,
          this.#at++;
          return token("comma", at, 1);
        case 0x24: // $
          return this.#register(at);
        case 0x23: // #
          return this.#number(at);
        case 0x40: // @
          return this.#symbol(at);
        case 0x27: // '
        case 0x22: { // "
          const string = readString(source, at, this.#diagnostics);
          this.#at = string.end;
          const kind = string.text === undefined ? "invalid" : "string";
          return token(kind, at, this.#at - at, string.text);
        }
        default:
          this.#stray(at);
      }
    }
  }

  #isOf(at: number, mask: number): boolean {
    const code = this.#source.charCodeAt(at);
    return code < 128 && (CLASS[code]! & mask) !== 0;
  }

  /** Where the run of characters of a class that begins here is over. */
  #endOf(at: number, mask: number): number {
    let end = at;
    while (this.#isOf(end, mask)) end++;
    return end;
  }

  #skipSpace(): void {
    for (;;) {
      this.#at = this.#endOf(this.#at, SPACE);
      if (this.#source.charCodeAt(this.#at) !== 0x3b) return; // ;
      const newline = this.#source.indexOf("\n", this.#at);
      this.#at = newline < 0 ? this.#source.length : newline + 1;
    }
  }

  #register(at: number): Token {
    const start = this.#endOf(at + 1, SPACE);
    const end = this.#endOf(start, DIGIT);
    if (end === start) return this.#invalid(at, start, "a register", "registers are $0 to $31");
    this.#at = end;
    return token("register", at, end - at, "", Number(this.#source.slice(start, end)));
  }

  #number(at: number): Token {
    const source = this.#source;
    let start = this.#endOf(at + 1, SPACE);
    const negative = source.charCodeAt(start) === MINUS;
    if (negative) start++;
    const end = this.#endOf(start, DIGIT);
    // A letter or a dot behind the digits: hexadecimal or a float, or else the next word.
    const special = this.#isOf(end, WORD) || end === start;
    OTHER_NUMBER.lastIndex = start;
    const other = special ? OTHER_NUMBER.exec(source)?.[0] : undefined;
    const isHex = special && /^0[xX]/.test(source.slice(start, end + 1));
    if (other === undefined && (end === start || isHex)) {
      return this.#invalid(at, start, "a number", "as in #500, #-1, #0x1f or #1.5");
    }
    this.#at = other === undefined ? end : start + other.length;
    let value = 0;
    if (other !== undefined) value = Number(other);
    else if (end - start > EXACT_DIGITS) value = Number(source.slice(start, end));
    else for (let i = start; i < end; i++) value = value * 10 + source.charCodeAt(i) - ZERO;
    const kind = other === undefined || isHex ? "integer" : "float";
    return token(kind, at, this.#at - at, "", negative ? -value : value);
  }

  #symbol(at: number): Token {
    const start = this.#endOf(at + 1, SPACE);
    const end = this.#endOf(start, WORD);
    if (end === start) return this.#invalid(at, start, "the name of a label", "as in @loop");
    this.#at = end;
    return token("symbol", at, end - at, this.#source.slice(start, end));
  }

  /** A sign without what has to follow it: reported here, so that the parser need not. */
  #invalid(at: number, start: number, wanted: string, hint: string): Token {
    const end = this.#endOf(start, WORD);
    // Without anything behind it the sign alone is shown, not the white space up to the next token.
    this.#at = end === start ? at + 1 : end;
    const span = { at, length: this.#at - at };
    const sign = this.#source.charAt(at);
    this.#diagnostics.error("ParseError", span, `${wanted} has to follow "${sign}"`, hint);
    return token("invalid", at, span.length);
  }

  /** Characters that begin nothing, a run of them as one error. */
  #stray(at: number): void {
    const source = this.#source;
    let end = at + 1;
    while (
      end < source.length && !this.#isOf(end, SPACE | WORD) &&
      !TOKEN_STARTS.includes(source.charAt(end))
    ) end++;
    this.#at = end;
    const text = JSON.stringify(source.slice(at, Math.min(end, at + 20)));
    this.#diagnostics.error("ParseError", { at, length: end - at }, `unexpected ${text}`);
  }
}

/** All tokens have the same fields in the same order: V8 then reads them fast. */
function token(kind: TokenKind, at: number, length: number, text = "", value = 0): Token {
  return { kind, at, length, text, value };
}
