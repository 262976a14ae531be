/**
 * Editing of one line: keys go in, text for the screen comes out. A line that is longer than the screen
 * is wide is shown in part, around the cursor, and of a prompt that long its end, so that both together
 * always take one row. Each character counts as one column: instructions have no wide ones.
 */

import { commonStart, type Completion } from "./completion.ts";
import type { Key, KeyName } from "./key_parser.ts";

export interface EditorOptions {
  readonly prompt: string;
  /** Earlier lines, the oldest first. */
  readonly history: readonly string[];
  readonly columns: () => number;
  readonly complete: (before: string) => Completion;
}

export interface EditorAnswer {
  /** For the screen. */
  readonly text: string;
  /** What the line has become, if it is done; the editor must not be used any more then. */
  readonly done?: { readonly line: string } | "end" | "interrupted";
}

const CLEAR_TO_END = "\x1b[K";
const CLEAR_SCREEN = "\x1b[H\x1b[2J";
/** Columns for the line beside a long prompt, on a screen that is wide enough. */
const MIN_ROOM = 20;
/** Candidates shown at a time. */
const MAX_CANDIDATES = 100;
/** In raw mode a newline alone may not return to the first column. */
const NEWLINE = "\r\n";

export class LineEditor {
  readonly #options: EditorOptions;
  /** One character each. */
  #characters: string[] = [];
  #cursor = 0;
  /** Of the line shown, in the history; its length is the new line. */
  #index: number;
  /** The new line, while an old one is shown. */
  #draft = "";
  /** Index of the leftmost character on the screen. */
  #left = 0;

  constructor(options: EditorOptions) {
    this.#options = options;
    this.#index = options.history.length;
  }

  get line(): string {
    return this.#characters.join("");
  }

  /** The line as it stands, drawn over the row that the cursor is in. */
  draw(): string {
    const columns = this.#options.columns();
    const prompt = lastRow(this.#options.prompt, columns);
    const room = Math.max(1, columns - prompt.length - 1);
    this.#left = Math.min(this.#left, this.#cursor);
    this.#left = Math.max(this.#left, this.#cursor - room);
    if (this.#characters.length <= room) this.#left = 0;
    const shown = this.#characters.slice(this.#left, this.#left + room).join("");
    const column = prompt.length + this.#cursor - this.#left;
    const text = prompt.join("") + shown;
    return `\r${text}${CLEAR_TO_END}\r${column === 0 ? "" : `\x1b[${column}C`}`;
  }

  /**
   * Takes prompt and line off the screen and leaves the cursor where they began, so that other text can be
   * written there; {@link draw} brings them back behind it.
   */
  erase(): string {
    return `\r${CLEAR_TO_END}`;
  }

  press(key: Key): EditorAnswer {
    if ("text" in key) {
      this.#insert([key.text]);
      return this.#drawn();
    }
    switch (key.name) {
      case "enter":
        return { text: this.#finished(), done: { line: this.line } };
      case "interrupt":
        return { text: `${this.#finished("^C")}`, done: "interrupted" };
      case "endOfInput":
        if (this.#characters.length === 0) return { text: this.#finished(), done: "end" };
        this.#remove(this.#cursor, this.#cursor + 1);
        return this.#drawn();
      case "tab":
        return { text: this.#complete() };
      case "clearScreen":
        return { text: CLEAR_SCREEN + this.draw() };
      default:
        this.#edit(key.name);
        return this.#drawn();
    }
  }

  #drawn(): EditorAnswer {
    return { text: this.draw() };
  }

  #edit(name: KeyName): void {
    const length = this.#characters.length;
    switch (name) {
      case "left":
        this.#cursor = Math.max(0, this.#cursor - 1);
        break;
      case "right":
        this.#cursor = Math.min(length, this.#cursor + 1);
        break;
      case "home":
        this.#cursor = 0;
        break;
      case "end":
        this.#cursor = length;
        break;
      case "wordLeft":
        this.#cursor = this.#wordStart();
        break;
      case "wordRight":
        this.#cursor = this.#wordEnd();
        break;
      case "backspace":
        this.#remove(this.#cursor - 1, this.#cursor);
        break;
      case "delete":
        this.#remove(this.#cursor, this.#cursor + 1);
        break;
      case "killToEnd":
        this.#remove(this.#cursor, length);
        break;
      case "killToStart":
        this.#remove(0, this.#cursor);
        break;
      case "killWord":
        this.#remove(this.#wordStart(), this.#cursor);
        break;
      case "up":
        this.#recall(this.#index - 1);
        break;
      case "down":
        this.#recall(this.#index + 1);
    }
  }

  #insert(characters: readonly string[]): void {
    this.#characters.splice(this.#cursor, 0, ...characters);
    this.#cursor += characters.length;
  }

  #remove(from: number, to: number): void {
    if (from < 0) return;
    this.#characters.splice(from, to - from);
    this.#cursor = from;
  }

  /** Of the word in front of the cursor, spaces behind it included. */
  #wordStart(): number {
    let at = this.#cursor;
    while (at > 0 && this.#characters[at - 1] === " ") at--;
    while (at > 0 && this.#characters[at - 1] !== " ") at--;
    return at;
  }

  /** Of the word behind the cursor, spaces in front of it included. */
  #wordEnd(): number {
    let at = this.#cursor;
    while (this.#characters[at] === " ") at++;
    while (at < this.#characters.length && this.#characters[at] !== " ") at++;
    return at;
  }

  #recall(index: number): void {
    const { history } = this.#options;
    if (index < 0 || index > history.length) return;
    if (this.#index === history.length) this.#draft = this.line;
    this.#index = index;
    this.#characters = [...(history[index] ?? this.#draft)];
    this.#cursor = this.#characters.length;
  }

  #complete(): string {
    const before = this.#characters.slice(0, this.#cursor).join("");
    const { word, candidates } = this.#options.complete(before);
    const start = candidates.length === 1 ? whole(candidates[0]!) : commonStart(candidates);
    if (start.length > word.length) {
      this.#insert([...start.slice(word.length)]);
      return this.draw();
    }
    if (candidates.length === 0) return "";
    const rows = inColumns(candidates.slice(0, MAX_CANDIDATES), this.#options.columns());
    const rest = candidates.length - MAX_CANDIDATES;
    if (rest > 0) rows.push(`… and ${rest} more`);
    return NEWLINE + rows.map((row) => row + NEWLINE).join("") + this.draw();
  }

  /** The whole line is left on the screen, and the cursor below it. */
  #finished(mark = ""): string {
    this.#cursor = this.#characters.length;
    return this.draw() + mark + NEWLINE;
  }
}

/**
 * What a prompt has in its last row, where whoever wrote it left the cursor; less if there would be no
 * room for the line.
 */
function lastRow(prompt: string, columns: number): string[] {
  const characters = [...prompt];
  const rowsBefore = Math.floor(Math.max(0, characters.length - 1) / columns);
  const row = characters.slice(rowsBefore * columns);
  const most = columns - Math.min(MIN_ROOM, Math.ceil(columns / 2));
  return row.slice(Math.max(0, row.length - most));
}

function inColumns(names: readonly string[], columns: number): string[] {
  const width = Math.max(...names.map((name) => name.length)) + 2;
  const perRow = Math.max(1, Math.floor(columns / width));
  const rows: string[] = [];
  for (let at = 0; at < names.length; at += perRow) {
    rows.push(names.slice(at, at + perRow).map((name) => name.padEnd(width)).join("").trimEnd());
  }
  return rows;
}

/** A folder may go on. */
function whole(candidate: string): string {
  return candidate.endsWith("/") ? candidate : `${candidate} `;
}
