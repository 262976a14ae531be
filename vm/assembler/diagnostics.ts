/** What is wrong with a source text, and where: collected while assembling, never thrown. */

import type { Positions } from "./positions.ts";

/** Stable names: tools may match them. The first seven are Iridium's own. */
export type DiagnosticCode =
  | "NoSegmentDeclarationFound"
  | "StringConstantDeclaredWithoutLabel"
  | "SymbolAlreadyDeclared"
  | "UnknownDirectiveFound"
  | "NonOpcodeInOpcodeField"
  | "InsufficientSections"
  | "ParseError"
  | "UnknownMnemonic"
  | "UndefinedSymbol"
  | "OperandMismatch"
  | "RegisterOutOfRange"
  | "ImmediateOutOfRange"
  | "UnterminatedString"
  | "AddressOutOfRange"
  | "NameTooLong"
  /** An instruction in .data, a constant in .code. */
  | "WrongSection"
  /** What .header asked for makes no image that could be loaded. */
  | "InvalidImage"
  /** A warning: a shift by 0 or by more than 31 is not what it says. */
  | "ShiftCount"
  /** A warning: no label leads to this constant. */
  | "UnreachableConstant"
  /** The last of many: how many more there were. */
  | "TooManyErrors";

export interface Diagnostic {
  readonly code: DiagnosticCode;
  readonly severity: "error" | "warning";
  /** One line, without a full stop. */
  readonly message: string;
  /** From 1. */
  readonly line: number;
  /** From 1, in UTF-16 code units as JavaScript and editors count them. */
  readonly column: number;
  /** Code units from there; may reach over the end of the line. */
  readonly length: number;
  /** What to do, as in `did you mean "again"?`. */
  readonly hint?: string;
}

/** A piece of the source, in code units. */
export interface Span {
  readonly at: number;
  readonly length: number;
}

/** Kept of one source; the rest is counted. Far above what anybody reads. */
const MAX_DIAGNOSTICS = 1_000;
/** Looking for similar names takes time for each, so that only the first errors get it. */
const MAX_SUGGESTIONS = 20;

/** What one run of the assembler has found so far. */
export class Diagnostics {
  readonly #positions: Positions;
  readonly #found: { readonly at: number; readonly diagnostic: Diagnostic }[] = [];
  #dropped = 0;
  #errors = 0;
  #suggestions = 0;

  constructor(positions: Positions) {
    this.#positions = positions;
  }

  get hasErrors(): boolean {
    return this.#errors > 0;
  }

  /** For hints that name another place. */
  lineOf({ at }: Span): number {
    return this.#positions.lineOf(at);
  }

  error(code: DiagnosticCode, span: Span, message: string, hint?: string): void {
    this.#errors++;
    this.#add("error", code, span, message, hint);
  }

  warning(code: DiagnosticCode, span: Span, message: string, hint?: string): void {
    this.#add("warning", code, span, message, hint);
  }

  /** `did you mean "…"?`, if `suggest` knows a name, and while there are few errors. */
  didYouMean(suggest: () => string | undefined): string | undefined {
    if (this.#suggestions >= MAX_SUGGESTIONS) return undefined;
    this.#suggestions++;
    const name = suggest();
    return name === undefined ? undefined : `did you mean "${name}"?`;
  }

  /** In the order of the source. */
  list(): readonly Diagnostic[] {
    const sorted = this.#found.toSorted((a, b) => a.at - b.at).map(({ diagnostic }) => diagnostic);
    const last = sorted.at(-1);
    if (last === undefined || this.#dropped === 0) return sorted;
    const { line, column } = last;
    const message = `${this.#dropped} more errors and warnings are not shown`;
    const severity = this.hasErrors ? "error" : "warning";
    return [...sorted, { code: "TooManyErrors", severity, message, line, column, length: 1 }];
  }

  #add(
    severity: Diagnostic["severity"],
    code: DiagnosticCode,
    { at, length }: Span,
    message: string,
    hint: string | undefined,
  ): void {
    if (this.#found.length >= MAX_DIAGNOSTICS) {
      this.#dropped++;
      return;
    }
    const { line, column } = this.#positions.of(at);
    const diagnostic = { code, severity, message, line, column, length };
    this.#found.push({ at, diagnostic: hint === undefined ? diagnostic : { ...diagnostic, hint } });
  }
}
