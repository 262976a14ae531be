/**
 * Which statement belongs to which section, and what each label stands in front of. Iridium wants
 * exactly one .data and one .code, in any order; we let programs without .data or without both pass
 * with a warning.
 */

import { DATA_DIRECTIVE_NAMES, isDataDirective } from "./data.ts";
import type { Diagnostics, Span } from "./diagnostics.ts";
import { nearest } from "../../cluster/nearest.ts";
import type { DirectiveStatement, InstructionStatement, Statement } from "./parser.ts";

export type Section = "data" | "code";

export interface Label {
  readonly name: string;
  readonly section: Section;
  /** Index of the item of its section that it stands in front of; one more than the last at the end. */
  readonly item: number;
}

export interface Sections {
  readonly data: readonly DirectiveStatement[];
  /** Instructions, and `.word` and `.byte` between them. */
  readonly code: readonly (InstructionStatement | DirectiveStatement)[];
  /** `.header`, which belongs to no section. */
  readonly header: readonly DirectiveStatement[];
  readonly labels: ReadonlyMap<string, Label>;
}

const HEADER = ".header";
/** Longer ones are no names; a session keeps them all. */
const MAX_NAME_LENGTH = 255;
const DIRECTIVES = [".data", ".code", HEADER, ...DATA_DIRECTIVE_NAMES];

/** `lines` is for pieces of code without sections, as typed into a REPL. */
export function sort(
  statements: readonly Statement[],
  diagnostics: Diagnostics,
  { lines = false } = {},
): Sections {
  const sorter = new Sorter(statements, diagnostics, lines);
  for (const statement of statements) sorter.add(statement);
  return sorter.end();
}

class Sorter {
  readonly #diagnostics: Diagnostics;
  readonly #lines: boolean;
  readonly #first: Statement | undefined;
  /** Whether there is a header anywhere: then nothing belongs in front of the first. */
  readonly #sectioned: boolean;
  readonly #data: DirectiveStatement[] = [];
  readonly #code: (InstructionStatement | DirectiveStatement)[] = [];
  readonly #header: DirectiveStatement[] = [];
  readonly #labels = new Map<string, Label & Span>();
  readonly #seen = new Map<Section, Span>();
  /** The one whose header came last. */
  #section: Section | undefined;
  /** Whether a label stands directly in front. */
  #labelled = false;
  /** One error for all instructions of a section that may not have any. */
  #misplacedReported = false;

  constructor(statements: readonly Statement[], diagnostics: Diagnostics, lines: boolean) {
    this.#diagnostics = diagnostics;
    this.#lines = lines;
    this.#first = statements[0];
    this.#sectioned = statements.some((statement) =>
      statement.kind === "directive" && sectionOf(statement) !== undefined
    );
  }

  add(statement: Statement): void {
    switch (statement.kind) {
      case "label":
        this.#label(statement, statement.name);
        return;
      case "instruction":
        this.#instruction(statement);
        break;
      case "directive":
        this.#directive(statement);
        break;
    }
    this.#labelled = false;
  }

  end(): Sections {
    if (!this.#lines) this.#checkSections();
    return { data: this.#data, code: this.#code, header: this.#header, labels: this.#labels };
  }

  #label({ at, length }: Span, name: string): void {
    this.#labelled = true;
    if (name.length > MAX_NAME_LENGTH) {
      const message = `a name of ${name.length} characters`;
      this.#diagnostics.error("NameTooLong", { at, length }, message, `at most ${MAX_NAME_LENGTH}`);
      return;
    }
    const section = this.#section ?? "code";
    if (this.#section === undefined && this.#sectioned) {
      const message = `label "${name}" in front of the first section`;
      this.#diagnostics.error("NoSegmentDeclarationFound", { at, length }, message);
    }
    const first = this.#labels.get(name);
    if (first !== undefined) {
      const message = `label "${name}" is declared twice`;
      const hint = `first in line ${this.#diagnostics.lineOf(first)}`;
      this.#diagnostics.error("SymbolAlreadyDeclared", { at, length }, message, hint);
      return;
    }
    const items = section === "data" ? this.#data : this.#code;
    this.#labels.set(name, { name, section, item: items.length, at, length });
  }

  #instruction(instruction: InstructionStatement): void {
    if (this.#section === "data" && !this.#misplacedReported) {
      this.#misplacedReported = true;
      const message = "an instruction in .data";
      this.#diagnostics.error("WrongSection", instruction, message, "instructions follow .code");
    }
    if (this.#section === undefined && this.#sectioned && !this.#misplacedReported) {
      this.#misplacedReported = true;
      const message = "an instruction in front of the first section is taken as code";
      this.#diagnostics.warning("NoSegmentDeclarationFound", instruction, message);
    }
    this.#code.push(instruction);
  }

  #directive(directive: DirectiveStatement): void {
    const { name } = directive;
    const section = sectionOf(directive);
    if (section !== undefined) this.#open(section, directive);
    else if (name === HEADER && !this.#lines) this.#header.push(directive);
    else if (!isDataDirective(name)) this.#unknown(directive);
    else if (this.#section === "data") this.#constant(directive);
    else if (name === ".word" || name === ".byte" && !this.#lines) this.#code.push(directive);
    else if (this.#section === "code" || this.#lines) {
      const message = `${name} in code`;
      this.#diagnostics.error("WrongSection", directive, message, "constants follow .data");
    } else {
      const message = `${name} in front of the first section`;
      const hint = "constants follow .data";
      this.#diagnostics.error("NoSegmentDeclarationFound", directive, message, hint);
    }
  }

  #open(section: Section, header: DirectiveStatement): void {
    if (this.#lines) {
      const message = `${header.name} among single instructions`;
      this.#diagnostics.error("WrongSection", header, message, "sections belong in a file");
      return;
    }
    if (this.#seen.has(section)) {
      const message = `a second ${header.name}`;
      const hint = "a program has one .data and one .code";
      this.#diagnostics.error("InsufficientSections", header, message, hint);
    }
    const operand = header.operands[0];
    if (operand !== undefined) {
      this.#diagnostics.error("OperandMismatch", operand, `${header.name} takes no operands`);
    }
    this.#seen.set(section, header);
    this.#section = section;
    this.#misplacedReported = false;
  }

  #constant(directive: DirectiveStatement): void {
    if (!this.#labelled && directive.name === ".asciiz") {
      const message = ".asciiz without a label, so that nothing can print it";
      const hint = `as in text: .asciiz "…"; .ascii needs none`;
      this.#diagnostics.error("StringConstantDeclaredWithoutLabel", directive, message, hint);
    } else if (!this.#labelled && this.#data.length === 0) {
      const message = "no label leads to this constant";
      this.#diagnostics.warning("UnreachableConstant", directive, message);
    }
    this.#data.push(directive);
  }

  #unknown(directive: DirectiveStatement): void {
    const { name } = directive;
    const hint = this.#diagnostics.didYouMean(() => nearest(name.toLowerCase(), DIRECTIVES));
    const shown = name.length > 40 ? `${name.slice(0, 40)}…` : name;
    this.#diagnostics.error("UnknownDirectiveFound", directive, `no directive "${shown}"`, hint);
  }

  #checkSections(): void {
    const code = this.#seen.get("code");
    const data = this.#seen.get("data");
    const begin = { at: 0, length: 1 };
    if (this.#first === undefined) {
      if (!this.#diagnostics.hasErrors) {
        this.#diagnostics.error("ParseError", begin, "nothing to assemble");
      }
    } else if (!this.#sectioned) {
      const message = "no .data and no .code: everything is taken as code";
      this.#diagnostics.warning("InsufficientSections", this.#first, message);
    } else if (code === undefined) {
      this.#diagnostics.error("InsufficientSections", data ?? begin, "there is no .code");
    } else if (data === undefined) {
      const message = "there is no .data; Iridium wants one, even if it is empty";
      this.#diagnostics.warning("InsufficientSections", code, message);
    }
  }
}

function sectionOf({ name }: DirectiveStatement): Section | undefined {
  if (name === ".data") return "data";
  return name === ".code" ? "code" : undefined;
}
