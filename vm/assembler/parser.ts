/**
 * The grammar. A program is a list of statements:
 *
 *     statement := label ":" | directive operands | mnemonic operands
 *     operands  := [ operand { [","] operand } ]
 *
 * An operand belongs to the word before it, on whatever line it stands. After an error parsing goes on
 * with the next token, so that all errors of a source are found at once.
 */

import { type Mnemonic, MNEMONICS } from "../isa.ts";
import type { Diagnostics, Span } from "./diagnostics.ts";
import { nearest } from "../../cluster/nearest.ts";
import { Lexer, type Token, type TokenKind, TokenStore } from "./tokens.ts";

export interface LabelStatement extends Span {
  readonly kind: "label";
  readonly name: string;
}

export interface DirectiveStatement extends Span {
  readonly kind: "directive";
  /** With its dot; not known to exist. */
  readonly name: string;
  readonly operands: readonly Token[];
}

/** As small as possible: there are more of these than of anything else. */
export class InstructionStatement implements Span {
  readonly at: number;
  readonly mnemonic: Mnemonic;
  readonly operandCount: number;
  readonly #tokens: TokenStore;
  readonly #first: number;

  /** Its operands are the last tokens of the store. */
  constructor(at: number, mnemonic: Mnemonic, tokens: TokenStore, first: number) {
    this.at = at;
    this.mnemonic = mnemonic;
    this.operandCount = tokens.length - first;
    this.#tokens = tokens;
    this.#first = first;
  }

  get kind(): "instruction" {
    return "instruction";
  }

  get length(): number {
    return this.mnemonic.length;
  }

  operand(index: number): Token {
    return this.#tokens.get(this.#first + index);
  }

  /** What kind of operand is there, and its number, without making a token. */
  kindOf(index: number): TokenKind {
    return this.#tokens.kindOf(this.#first + index);
  }

  valueOf(index: number): number {
    return this.#tokens.valueOf(this.#first + index);
  }

  /** Made anew each time. */
  get operands(): readonly Token[] {
    return this.#tokens.slice(this.#first, this.#first + this.operandCount);
  }
}

export type Statement = LabelStatement | DirectiveStatement | InstructionStatement;

const DOT = 0x2e;
/** Makes upper and lower case the same, and no two other characters of words. */
const CASE_BIT = 0x20;

/** By {@link hashOf} of their names: looking them up needs no piece of the source as a string. */
const BY_HASH = new Map<number, readonly Mnemonic[]>(
  Object.entries(Object.groupBy(MNEMONICS, (mnemonic) => hashOf(mnemonic, 0, mnemonic.length)))
    .map(([hash, mnemonics]) => [Number(hash), mnemonics!]),
);

/** The mnemonic that stands there, in upper or lower case. */
function mnemonicIn(source: string, at: number, length: number): Mnemonic | undefined {
  const candidates = BY_HASH.get(hashOf(source, at, length));
  if (candidates === undefined) return undefined;
  for (const mnemonic of candidates) if (isSame(mnemonic, source, at, length)) return mnemonic;
  return undefined;
}

function hashOf(text: string, at: number, length: number): number {
  let hash = length;
  for (let i = at; i < at + length; i++) {
    hash = Math.imul(hash, 31) + (text.charCodeAt(i) | CASE_BIT) | 0;
  }
  return hash;
}

function isSame(mnemonic: Mnemonic, source: string, at: number, length: number): boolean {
  if (mnemonic.length !== length) return false;
  for (let i = 0; i < length; i++) {
    const code = source.charCodeAt(at + i) | CASE_BIT;
    if (code !== (mnemonic.charCodeAt(i) | CASE_BIT)) return false;
  }
  return true;
}

export function parse(source: string, diagnostics: Diagnostics): Statement[] {
  return new Parser(source, diagnostics).program();
}

class Parser {
  readonly #source: string;
  readonly #diagnostics: Diagnostics;
  /** At the first token that is not used up. */
  readonly #lexer: Lexer;
  readonly #statements: Statement[] = [];
  /** Operands. */
  readonly #tokens: TokenStore;

  constructor(source: string, diagnostics: Diagnostics) {
    this.#source = source;
    this.#diagnostics = diagnostics;
    this.#lexer = new Lexer(source, diagnostics);
    this.#tokens = new TokenStore(source);
  }

  program(): Statement[] {
    const lexer = this.#lexer;
    lexer.next();
    for (;;) {
      switch (lexer.kind) {
        case "end":
          return this.#statements;
        case "word":
          this.#statement(lexer.at, lexer.length);
          break;
        case "colon":
          this.#diagnostics.error("ParseError", lexer, 'no label in front of ":"', "as in loop:");
          lexer.next();
          break;
        case "comma":
          this.#diagnostics.error("ParseError", lexer, 'unexpected ","');
          lexer.next();
          break;
        default:
          this.#operandsWithoutInstruction();
      }
    }
  }

  /** What begins with the word where the lexer is. */
  #statement(at: number, length: number): void {
    const source = this.#source;
    this.#lexer.next();
    if (this.#lexer.kind === "colon") {
      this.#lexer.next();
      this.#statements.push({ kind: "label", at, length, name: source.slice(at, at + length) });
      return;
    }
    const tokens = this.#tokens;
    const first = tokens.length;
    this.#operands();
    if (source.charCodeAt(at) === DOT) {
      const name = source.slice(at, at + length);
      const operands = tokens.slice(first, tokens.length);
      tokens.truncate(first);
      this.#statements.push({ kind: "directive", at, length, name, operands });
      return;
    }
    const mnemonic = mnemonicIn(source, at, length);
    if (mnemonic === undefined) this.#unknownMnemonic({ at, length });
    else {
      this.#statements.push(new InstructionStatement(at, mnemonic, tokens, first));
    }
  }

  /** Adds them to the store. */
  #operands(): void {
    const lexer = this.#lexer;
    while (isOperand(lexer.kind)) {
      this.#tokens.add(lexer);
      lexer.next();
      while (lexer.kind === "comma") {
        const { at, length } = lexer;
        lexer.next();
        if (!isOperand(lexer.kind)) {
          this.#diagnostics.error("ParseError", { at, length }, 'no operand behind ","');
        }
      }
    }
  }

  #operandsWithoutInstruction(): void {
    const { kind, at, length } = this.#lexer;
    const first = this.#tokens.length;
    this.#operands();
    this.#tokens.truncate(first);
    if (kind === "invalid") return;
    const message = "an operand stands where an instruction has to";
    this.#diagnostics.error("NonOpcodeInOpcodeField", { at, length }, message);
  }

  #unknownMnemonic(word: Span): void {
    const text = this.#source.slice(word.at, word.at + word.length);
    if (/^\d+$/.test(text)) {
      const message = "a number stands where an instruction has to";
      const hint = `integers are written #${text}, registers $${text}`;
      this.#diagnostics.error("NonOpcodeInOpcodeField", word, message, hint);
      return;
    }
    const hint = this.#diagnostics.didYouMean(() =>
      nearest(text.toUpperCase(), MNEMONICS)?.toLowerCase()
    );
    const shown = text.length > 40 ? `${text.slice(0, 40)}…` : text;
    this.#diagnostics.error("UnknownMnemonic", word, `no instruction "${shown}"`, hint);
  }
}

function isOperand(kind: TokenKind): boolean {
  switch (kind) {
    case "register":
    case "integer":
    case "float":
    case "symbol":
    case "string":
    case "invalid":
      return true;
    case "word":
    case "colon":
    case "comma":
    case "end":
      return false;
  }
}
