/** What a terminal sends, as keys: named ones for editing, and text as it is. */

export type KeyName =
  | "up"
  | "down"
  | "left"
  | "right"
  | "home"
  | "end"
  | "wordLeft"
  | "wordRight"
  | "backspace"
  | "delete"
  | "enter"
  | "tab"
  | "interrupt"
  | "endOfInput"
  | "killToEnd"
  | "killToStart"
  | "killWord"
  | "clearScreen";

/** A named key, or one character of text. */
export type Key = { readonly name: KeyName } | { readonly text: string };

const NAMES: ReadonlyMap<string, KeyName> = new Map<string, KeyName>([
  ["\r", "enter"],
  ["\n", "enter"],
  ["\t", "tab"],
  ["\x7f", "backspace"],
  ["\b", "backspace"],
  ["\x01", "home"],
  ["\x02", "left"],
  ["\x03", "interrupt"],
  ["\x04", "endOfInput"],
  ["\x05", "end"],
  ["\x06", "right"],
  ["\x0b", "killToEnd"],
  ["\x0c", "clearScreen"],
  ["\x0e", "down"],
  ["\x10", "up"],
  ["\x15", "killToStart"],
  ["\x17", "killWord"],
]);

/** By what stands behind ESC [ or ESC O. */
const SEQUENCES: ReadonlyMap<string, KeyName> = new Map<string, KeyName>([
  ["A", "up"],
  ["B", "down"],
  ["C", "right"],
  ["D", "left"],
  ["H", "home"],
  ["F", "end"],
  ["1~", "home"],
  ["7~", "home"],
  ["4~", "end"],
  ["8~", "end"],
  ["3~", "delete"],
  ["1;5D", "wordLeft"],
  ["1;5C", "wordRight"],
  ["1;3D", "wordLeft"],
  ["1;3C", "wordRight"],
]);

/** By what stands behind ESC alone: Alt and a letter. Others are no text either. */
const ALT_KEYS: ReadonlyMap<string, KeyName> = new Map<string, KeyName>([
  ["b", "wordLeft"],
  ["f", "wordRight"],
  ["\x7f", "killWord"],
]);

// deno-lint-ignore no-control-regex -- escape sequences are what this is about
const SEQUENCE = /^\x1b(?:\[[0-9;]*[ -/]*[@-~]|O[@-~]|[^[O\x1b])/;
// deno-lint-ignore no-control-regex -- as above
const BEGUN = /^\x1b(?:\[[0-9;]*[ -/]*|O)?$/;
/** What begins like a sequence and is longer is none. */
const MAX_SEQUENCE = 32;

/** Terminals may send a sequence, or the bytes of a character, in several pieces. */
export class KeyParser {
  readonly #decoder = new TextDecoder();
  #begun = "";

  push(bytes: Uint8Array): Key[] {
    let rest = this.#begun + this.#decoder.decode(bytes, { stream: true });
    const keys: Key[] = [];
    this.#begun = "";
    while (rest !== "") {
      if (rest.length < MAX_SEQUENCE && BEGUN.test(rest)) {
        this.#begun = rest;
        break;
      }
      const sequence = SEQUENCE.exec(rest)?.[0];
      const piece = sequence ?? String.fromCodePoint(rest.codePointAt(0)!);
      rest = rest.slice(piece.length);
      const name = sequence === undefined
        ? NAMES.get(piece)
        : SEQUENCES.get(piece.slice(2)) ?? ALT_KEYS.get(piece.slice(1));
      if (name !== undefined) keys.push({ name });
      else if (sequence === undefined && isText(piece)) keys.push({ text: piece });
    }
    return keys;
  }
}

/** Other control characters must not reach the screen. */
function isText(character: string): boolean {
  return !/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u.test(character);
}
