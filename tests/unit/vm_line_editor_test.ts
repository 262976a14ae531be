/** The REPL's line editor: keys in, screen text and lines out. */

import assert from "node:assert/strict";
import { commonStart, complete } from "../../vm/repl/completion.ts";
import { KeyParser } from "../../vm/repl/key_parser.ts";
import { type EditorAnswer, LineEditor } from "../../vm/repl/line_editor.ts";

const SYMBOLS = [
  { name: "again", section: "code", value: 68 },
  { name: "agenda", section: "code", value: 72 },
  { name: "text", section: "data", value: 0 },
] as const;
const LEFT = "\x1b[D";
const UP = "\x1b[A";
const DOWN = "\x1b[B";

class Typist {
  readonly editor: LineEditor;
  readonly #parser = new KeyParser();
  screen = "";

  constructor(
    { history = [], columns = 80, prompt = ">>> " }: {
      history?: string[];
      columns?: number;
      prompt?: string;
    } = {},
  ) {
    this.editor = new LineEditor({
      prompt,
      history,
      columns: () => columns,
      complete: (before) => complete(before, SYMBOLS),
    });
  }

  type(text: string): EditorAnswer["done"] {
    for (const key of this.#parser.push(new TextEncoder().encode(text))) {
      const { text: drawn, done } = this.editor.press(key);
      this.screen = drawn;
      if (done !== undefined) return done;
    }
    return undefined;
  }

  /** The line with a bar where the cursor is, from what was drawn last. */
  get shown(): string {
    // deno-lint-ignore no-control-regex -- what the editor draws
    const match = /\r([^\r\x1b]*)\x1b\[K\r(?:\x1b\[(\d+)C)?$/.exec(this.screen);
    assert.ok(match, JSON.stringify(this.screen));
    const column = Number(match[2] ?? 0);
    return `${match[1]!.slice(0, column)}|${match[1]!.slice(column)}`;
  }
}

/** A terminal of a few columns, as far as the editor needs one. */
class Screen {
  readonly rows: string[] = [""];
  row = 0;
  column = 0;
  readonly #columns: number;

  constructor(columns: number) {
    this.#columns = columns;
  }

  write(text: string): void {
    // deno-lint-ignore no-control-regex -- what terminals understand
    for (const [piece, count, letter] of text.matchAll(/\x1b\[(\d*)([A-Za-z])|[^]/gu)) {
      if (letter === "C") this.column += Number(count);
      else if (letter === "K") this.rows[this.row] = this.#current.slice(0, this.column);
      else if (letter !== undefined) assert.fail(`what is ${JSON.stringify(piece)}?`);
      else if (piece === "\r") this.column = 0;
      else if (piece === "\n") this.#down();
      else this.#put(piece);
    }
  }

  get #current(): string {
    return this.rows[this.row]!;
  }

  /** As terminals do, it wraps when something comes behind a full row, not before. */
  #put(character: string): void {
    if (this.column === this.#columns) {
      this.column = 0;
      this.#down();
    }
    const before = this.#current.padEnd(this.column).slice(0, this.column);
    this.rows[this.row] = before + character + this.#current.slice(this.column + 1);
    this.column++;
  }

  #down(): void {
    this.row++;
    this.rows[this.row] ??= "";
  }
}

function shownAfter(keys: string, history: string[] = []): string {
  const typist = new Typist({ history });
  typist.type(keys);
  return typist.shown;
}

Deno.test("line editor: text goes in at the cursor, Enter gives the line", () => {
  const typist = new Typist();
  assert.equal(typist.type(`inc 0${LEFT}$`), undefined);
  assert.equal(typist.shown, ">>> inc $|0");
  assert.deepEqual(typist.type("\r"), { line: "inc $0" });
  assert.ok(typist.screen.endsWith("\r\n"));
});

Deno.test("line editor: moving and deleting", () => {
  const cases: [string, string][] = [
    ["abc\x01x", ">>> x|abc"],
    ["abc\x01x\x05y", ">>> xabcy|"],
    ["abc\x1b[H\x1b[Fy", ">>> abcy|"],
    ["abc\x1bOH\x1b[C\x1b[C\x1b[3~", ">>> ab|"],
    ["abc\x7f\x7f", ">>> a|"],
    ["\x7f\x1b[3~\x1b[D\x1b[C", ">>> |"],
    [`abc${LEFT}\x7f`, ">>> a|c"],
    [`abc def${LEFT}${LEFT}\x0b`, ">>> abc d|"],
    [`abc def${LEFT}${LEFT}\x15`, ">>> |ef"],
    ["load $0 #5  \x17", ">>> load $0 |"],
    ["\x17\x15\x0b", ">>> |"],
    [`ab${LEFT}\x04`, ">>> a|"],
    ["\u{1f600}x\x7f\x7f", ">>> |"],
  ];
  for (const [keys, shown] of cases) assert.equal(shownAfter(keys), shown, JSON.stringify(keys));
});

Deno.test("line editor: the history is looked through, the new line is not lost", () => {
  const history = ["first", "second"];
  assert.equal(shownAfter(UP, history), ">>> second|");
  assert.equal(shownAfter(UP + UP + UP, history), ">>> first|");
  assert.equal(shownAfter(`dra${UP}${UP}${DOWN}${DOWN}${DOWN}ft`, history), ">>> draft|");
  assert.equal(shownAfter(`${UP}!${UP}${DOWN}`, history), ">>> second|");
});

Deno.test("line editor: Ctrl-C gives the line up, Ctrl-D ends on an empty one only", () => {
  assert.equal(new Typist().type("abc\x03"), "interrupted");
  assert.equal(new Typist().type("abc\x04"), undefined);
  assert.equal(new Typist().type("\x04"), "end");
});

Deno.test("line editor: Tab completes commands, mnemonics and labels", () => {
  assert.equal(shownAfter("!hi\t"), ">>> !history |");
  assert.equal(shownAfter("!clear_\t"), ">>> !clear_|");
  assert.equal(shownAfter("djm\t"), ">>> djmpe |");
  assert.equal(shownAfter("DJM\t"), ">>> DJMPE |");
  assert.equal(shownAfter("djmpe @aga\t"), ">>> djmpe @again |");
  assert.equal(shownAfter("djmpe @a\t"), ">>> djmpe @ag|");
  assert.equal(shownAfter("!break aga\t"), ">>> !break again |");
  assert.equal(shownAfter("!break te\tx"), ">>> !break tex|");
  assert.equal(shownAfter("x: nop cal\t"), ">>> x: nop call|");
  const typist = new Typist();
  typist.type("djmpe @ag\t");
  assert.match(typist.screen, /^\r\n@again {3}@agenda\r\n\r>>> djmpe @ag/);
  typist.type("\x15\t");
  assert.equal(typist.screen, "");
});

Deno.test("line editor: a line longer than the screen takes one row, around the cursor", () => {
  const typist = new Typist({ columns: 15 });
  typist.type("abcdefghijklmnop");
  assert.equal(typist.shown, ">>> ghijklmnop|");
  typist.type(LEFT.repeat(12));
  assert.equal(typist.shown, ">>> |efghijklmn");
  typist.type("\x01");
  assert.equal(typist.shown, ">>> |abcdefghij");
});

Deno.test("line editor: pieces of keys are put together, unknown ones have no effect", () => {
  const parser = new KeyParser();
  const bytes = new TextEncoder().encode(`a\x1b[1;5Cé\x1b[A\x1b[99~\x07\u200eb\x1bb\x1bx\x1bf`);
  const keys = [...bytes].flatMap((byte) => parser.push(Uint8Array.of(byte)));
  assert.deepEqual(keys, [
    { text: "a" },
    { name: "wordRight" },
    { text: "é" },
    { name: "up" },
    { text: "b" },
    { name: "wordLeft" },
    { name: "wordRight" },
  ]);
});

Deno.test("line editor: the common start of names", () => {
  assert.equal(commonStart([]), "");
  assert.equal(commonStart(["abc", "abd", "ab"]), "ab");
  assert.equal(commonStart(["abc", "x"]), "");
});

Deno.test("line editor: text can be written above the line, however long line and prompt are", () => {
  const columns = 30;
  const lines = ["", "inc $0", "x".repeat(25), "0123456789".repeat(9)];
  const prompts = [">>> ", "", "?".repeat(29), "?".repeat(30), "?".repeat(31), "?".repeat(100)];
  for (const prompt of prompts) {
    for (const line of lines) {
      for (const moves of ["", LEFT, LEFT.repeat(12), "\x01"]) {
        const typist = new Typist({ columns, prompt });
        typist.type(line + moves);
        const screen = new Screen(columns);
        screen.write("above\r\n");
        screen.write(typist.editor.draw());
        const [drawn, column] = [screen.rows[1], screen.column];
        assert.deepEqual([screen.rows.length, screen.row], [2, 1], "one row, always");
        assert.ok(column < columns, "nothing is about to wrap");
        screen.write(typist.editor.erase());
        assert.deepEqual([screen.rows, screen.row, screen.column], [["above", ""], 1, 0]);
        screen.write("something has happened\r\n");
        screen.write(typist.editor.draw());
        assert.deepEqual(screen.rows, ["above", "something has happened", drawn]);
        assert.deepEqual([screen.row, screen.column], [2, column]);
        assert.deepEqual(typist.type("\r"), { line });
      }
    }
  }
});

Deno.test("line editor: a prompt of several rows stands there already, and stays as it is", () => {
  const columns = 30;
  for (let length = 1; length <= 95; length++) {
    const prompt = Array.from({ length }, (_, i) => String.fromCharCode(97 + i % 26)).join("");
    const typist = new Typist({ columns, prompt });
    const terminal = new Screen(columns);
    terminal.write(prompt);
    const before = [...terminal.rows];
    terminal.write(typist.editor.draw());
    assert.deepEqual(terminal.rows.slice(0, -1), before.slice(0, -1));
    assert.equal(terminal.rows.length, before.length);
    assert.ok(terminal.column < columns, "nothing is about to wrap");
    const last = terminal.rows.at(-1)!;
    assert.ok(last.length > 0 && before.at(-1)!.endsWith(last));
    if (before.at(-1)!.length <= 15) assert.equal(last, before.at(-1));
  }
});
