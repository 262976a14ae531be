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
import { Lexer, type Token } from "./tokens.ts";

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

export interface InstructionStatement extends Span {
  readonly kind: "instruction";
  readonly mnemonic: Mnemonic;
  readonly operands: readonly Token[];
}

export type Statement = LabelStatement | DirectiveStatement | InstructionStatement;

const NO_OPERANDS: readonly Token[] = [];

/** In lower and upper case, as nearly everybody writes them; others are looked up in upper case. */
const BY_NAME = new Map<string, Mnemonic>(
  MNEMONICS.flatMap((mnemonic) => [[mnemonic, mnemonic], [mnemonic.toLowerCase(), mnemonic]]),
);

export function parse(source: string, diagnostics: Diagnostics): Statement[] {
  return new Parser(source, diagnostics).program();
}

class Parser {
  readonly #lexer: Lexer;
  readonly #diagnostics: Diagnostics;
  readonly #statements: Statement[] = [];
  readonly #scratch: Token[] = [];
  /** The first that is not used up. */
  #token: Token;

  constructor(source: string, diagnostics: Diagnostics) {
    this.#lexer = new Lexer(source, diagnostics);
    this.#diagnostics = diagnostics;
    this.#token = this.#lexer.next();
  }

  program(): Statement[] {
    for (;;) {
      const token = this.#token;
      switch (token.kind) {
        case "end":
          return this.#statements;
        case "word":
          this.#advance();
          this.#statement(token);
          break;
        case "colon":
          this.#advance();
          this.#diagnostics.error("ParseError", token, 'no label in front of ":"', "as in loop:");
          break;
        case "comma":
          this.#advance();
          this.#diagnostics.error("ParseError", token, 'unexpected ","');
          break;
        default:
          this.#operandsWithoutInstruction(token);
      }
    }
  }

  #advance(): void {
    this.#token = this.#lexer.next();
  }

  /** What begins with a word. */
  #statement(word: Token): void {
    const { at, length, text } = word;
    if (this.#token.kind === "colon") {
      this.#advance();
      this.#statements.push({ kind: "label", at, length, name: text });
      return;
    }
    const operands = this.#operands();
    if (text.startsWith(".")) {
      this.#statements.push({ kind: "directive", at, length, name: text, operands });
      return;
    }
    const mnemonic = BY_NAME.get(text) ?? BY_NAME.get(text.toUpperCase());
    if (mnemonic === undefined) this.#unknownMnemonic(word);
    else this.#statements.push({ kind: "instruction", at, length, mnemonic, operands });
  }

  #operands(): readonly Token[] {
    if (!isOperand(this.#token)) return NO_OPERANDS;
    // Arrays that grow by push() keep room for 17: many instructions are worth a copy that fits.
    const operands = this.#scratch;
    operands.length = 0;
    for (;;) {
      operands.push(this.#token);
      this.#advance();
      while (this.#token.kind === "comma") {
        const comma = this.#token;
        this.#advance();
        if (!isOperand(this.#token)) {
          this.#diagnostics.error("ParseError", comma, 'no operand behind ","');
        }
      }
      if (!isOperand(this.#token)) return operands.slice();
    }
  }

  #operandsWithoutInstruction(token: Token): void {
    const wasReported = token.kind === "invalid";
    this.#operands();
    if (wasReported) return;
    const message = "an operand stands where an instruction has to";
    this.#diagnostics.error("NonOpcodeInOpcodeField", token, message);
  }

  #unknownMnemonic(word: Token): void {
    const { text } = word;
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

function isOperand({ kind }: Token): boolean {
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
