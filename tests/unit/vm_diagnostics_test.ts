/** How errors of the assembler look, and what it guesses was meant. */

import assert from "node:assert/strict";
import { assemble, formatDiagnostics } from "../../vm/assembler/index.ts";
import { nearest } from "../../cluster/nearest.ts";
import { Positions } from "../../vm/assembler/positions.ts";

function shown(source: string, limit?: number): string[] {
  const { diagnostics } = assemble(source);
  const options = { fileName: "loop.iasm", ...limit !== undefined && { limit } };
  return formatDiagnostics(diagnostics, source, options);
}

Deno.test("formatDiagnostics() shows the line, a caret below the place, and a hint", () => {
  const source =
    ".data\n.code\n; a loop\nagain:\n  inc $1\n  neq $0 $1\n  djmpe @agian\n  shl $1 #40\n";
  assert.deepEqual(shown(source), [
    'loop.iasm:7:9: error[UndefinedSymbol]: no label "agian"',
    "   7 |   djmpe @agian",
    '     |         ^^^^^^ did you mean "again"?',
    "loop.iasm:8:10: warning[ShiftCount]: shl by 40 is shl by 8",
    "   8 |   shl $1 #40",
    "     |          ^^^",
  ]);
});

Deno.test("formatDiagnostics() keeps tabs, so that the caret stands below its place", () => {
  assert.deepEqual(shown(".data .code\r\n\tinc\t$77\r\n").slice(1), [
    "   2 | \tinc\t$77",
    "     | \t   \t^^^ registers are $0 to $31",
  ]);
});

Deno.test("formatDiagnostics() shows a window of a long line, and carets to its end only", () => {
  const source = `.data .code ${"nop ".repeat(200)}load $1 'a\nb'`;
  const [title, line, caret] = shown(source);
  assert.equal(title!.split(": ")[0], "loop.iasm:1:821");
  assert.ok(line!.length < 120 && line!.endsWith("load $1 'a"));
  assert.match(caret!, /^ +\| +\^\^ as in load \$0 #500$/);
});

Deno.test("formatDiagnostics() lets no control characters through", () => {
  const lines = shown(".data .code \x1b[31m\x07 $\x9b").join("\n");
  // deno-lint-ignore no-control-regex -- these are what must not be there
  assert.doesNotMatch(lines, /[\x00-\x08\x0b-\x1f\x7f-\x9f]/);
});

Deno.test("formatDiagnostics() counts what is beyond its limit, and assemble() what is beyond 1000", () => {
  const source = `.data .code ${"%a ".repeat(3_000)}`;
  const { diagnostics } = assemble(source);
  assert.equal(diagnostics.length, 1_001);
  assert.equal(diagnostics.at(-1)!.code, "TooManyErrors");
  assert.equal(diagnostics.at(-1)!.message, "5000 more errors and warnings are not shown");
  assert.equal(shown(source, 2).length, 7);
  assert.equal(shown(source, 2).at(-1), "… and 999 more");
});

Deno.test("assemble() reports all errors of a source, in its order", () => {
  const source = ".code\nlod $1\ncall @x\ninc $32\n.data\nx: .asciz 'a'\nx: .byte #256\n";
  assert.deepEqual(assemble(source).diagnostics.map(({ line, code }) => `${line} ${code}`), [
    "2 UnknownMnemonic",
    "3 OperandMismatch",
    "4 RegisterOutOfRange",
    "6 UnknownDirectiveFound",
    "7 SymbolAlreadyDeclared",
    "7 ImmediateOutOfRange",
  ]);
});

Deno.test("hints say what was meant, if something near exists", () => {
  const hint = (source: string) => assemble(`.data .code again: ${source}`).diagnostics[0]?.hint;
  assert.equal(hint("laod $1 #1"), 'did you mean "load"?');
  assert.equal(hint("ADDF46 $1 $2 $3"), 'did you mean "addf64"?');
  assert.equal(hint(".dta"), 'did you mean ".data"?');
  assert.equal(hint("call @Again"), 'did you mean "again"?');
  assert.equal(hint("mov $1 $2 $3 $4"), 'did you mean "mul"?');
  assert.equal(hint("frobnicate $1"), undefined);
  assert.equal(hint("load $1 #1 500"), "integers are written #500, registers $500");
  assert.equal(hint("jmp @again"), "load the address first: load $0 @again");
  assert.equal(hint("again: hlt"), "first in line 1");
});

Deno.test("nearest() finds the nearest name, and none that has nothing of the word", () => {
  assert.equal(nearest("agian", ["gain", "again", "against"]), "again");
  assert.equal(nearest("x", ["y", "abc"]), undefined);
  assert.equal(nearest("ab", ["cd"]), undefined);
  assert.equal(nearest("a".repeat(70), ["a".repeat(71)]), undefined);
});

Deno.test("Positions finds lines and columns, whatever the order of the questions", () => {
  const source = "a\n\nbc\r\nd";
  const expected = ["1:1", "1:2", "2:1", "3:1", "3:2", "3:3", "3:4", "4:1", "4:2"];
  const forward = expected.map((_, at) => at);
  for (const order of [forward, forward.toReversed(), [8, 0, 5, 2, 7, 1, 3, 6, 4]]) {
    const positions = new Positions(source);
    for (const at of order) {
      const { line, column } = positions.of(at);
      assert.equal(`${line}:${column}`, expected[at]);
    }
  }
  assert.equal(new Positions(source).textOf(3), "bc");
  assert.equal(new Positions(source).textOf(4), "d");
  assert.equal(new Positions("").textOf(1), "");
});
