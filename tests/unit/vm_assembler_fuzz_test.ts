/** Whatever the source: diagnostics, no exception, and time that grows with its length only. */

import assert from "node:assert/strict";
import { below, SeededRandom } from "../../cluster/random.ts";
import { assemble, assembleLines, formatDiagnostics } from "../../vm/assembler/index.ts";
import { loadImage } from "../../vm/image.ts";

const PIECES = [
  ".data",
  ".code",
  ".asciiz",
  ".integer",
  ".byte",
  ".word",
  ".float",
  ".space",
  ".header",
  ".",
  ".x",
  "load",
  "inc",
  "add",
  "djmpe",
  "prts",
  "call",
  "shl",
  "hlt",
  "prti",
  "loadf64",
  "lod",
  "igl",
  "$1",
  "$0",
  "$31",
  "$32",
  "$",
  "#1",
  "#-1",
  "#70000",
  "#1.5",
  "#0x1f",
  "#0x",
  "#",
  "#99999999999",
  "@a",
  "@b",
  "@",
  "a:",
  "b:",
  "a",
  ":",
  ",",
  ";",
  ";x\n",
  "'x'",
  "'",
  '"x\\n"',
  '"',
  '"\\',
  "\n",
  "\r\n",
  "%",
  "é",
  "\u{1f600}",
  "\ud800",
  "\0",
  "#4",
  "#1e999",
  "#16777216",
];

function assertAnswer(source: string): void {
  const { image, diagnostics } = assemble(source, { debug: true });
  const failed = diagnostics.some(({ severity }) => severity === "error");
  assert.equal(image === undefined, failed, JSON.stringify(source));
  for (const { line, column, length } of diagnostics) {
    assert.ok(line >= 1 && column >= 1 && length >= 1, JSON.stringify(source));
  }
  if (image !== undefined) loadImage(image);
  const formatted = formatDiagnostics(diagnostics, source);
  assert.equal(formatted.length >= diagnostics.length, true);
  assembleLines(source, { address: 68 });
}

Deno.test("assemble() answers any sequence of tokens", () => {
  const random = new SeededRandom(1);
  for (let run = 0; run < 3_000; run++) {
    let source = below(random, 2) === 0 ? ".data a: .asciiz 'x' .code b: " : "";
    const pieces = below(random, 20);
    for (let i = 0; i < pieces; i++) {
      source += PIECES[below(random, PIECES.length)]!;
      if (below(random, 5) > 0) source += " ";
    }
    assertAnswer(source);
  }
});

Deno.test("assemble() keeps nothing of what it has answered", () => {
  const random = new SeededRandom(3);
  let before = 0;
  for (let run = 0; run < 6_000; run++) {
    // What came up once is there: from here on it may not become more.
    if (run === 2_000) before = Deno.memoryUsage().rss;
    const pieces = Array.from({ length: 40 }, () => PIECES[below(random, PIECES.length)]!);
    const code = run % 2 === 0 ? "hlt" : pieces.join(" ");
    assemble(`.data a: .space #100000 .code b: ${code}`, { debug: true });
  }
  assert.ok(Deno.memoryUsage().rss - before < 100_000_000);
});

Deno.test("assemble() answers random bytes and mutated programs", async () => {
  const random = new SeededRandom(2);
  const decoder = new TextDecoder();
  const folder = new URL("../../examples/vm/", import.meta.url);
  const programs: Uint8Array[] = [];
  for await (const { name } of Deno.readDir(folder)) {
    programs.push(await Deno.readFile(new URL(name, folder)));
  }
  for (let run = 0; run < 1_000; run++) {
    const noise = Uint8Array.from({ length: 60 }, () => below(random, 256));
    assertAnswer(decoder.decode(noise));
    const bytes = programs[run % programs.length]!.slice(0, 1_500);
    for (let i = 0; i < 3; i++) {
      bytes[below(random, bytes.length)] = 32 + below(random, 96);
    }
    assertAnswer(decoder.decode(bytes));
  }
});

Deno.test("assemble() takes time and memory that grow with the source only", () => {
  const count = 30_000;
  const lines = (line: (index: number) => string) =>
    Array.from({ length: count }, (_, i) => line(i));
  const sources: readonly (readonly [string, string])[] = [
    [
      "100 000 instructions",
      lines((i) => `l${i}: load $1 #${i}\n`).join("") + "inc $1\n".repeat(70_000),
    ],
    ["undefined labels", lines((i) => `label${i}: call @lable${i}x\n`).join("")],
    ["unknown mnemonics", lines((i) => `laod${i} $1\n`).join("")],
    ["strays on one line", "%a ".repeat(count)],
    ["quotes", "'a\n".repeat(count)],
    ["open double quotes", '"a\n'.repeat(count)],
    ["escapes", `.data x: .ascii "${"\\q".repeat(count)}" .code hlt`],
    ["one operand list", `.data x: .byte ${"#1, ".repeat(count)}`],
    ["operands", `hlt ${"$1 ".repeat(count)}`],
    ["labels on one place", lines((i) => `x${i}:`).join("")],
    ["the same label", "x: ".repeat(count)],
    ["space", ".data x: " + ".space #16777216 ".repeat(count)],
    ["one long name", "a".repeat(count) + " @" + "b".repeat(count)],
    ["nothing but hash signs", "#".repeat(count)],
    ["nothing but white space", " \n".repeat(count) + "# ".repeat(count)],
    ["a number", `.data x: .integer #${"9".repeat(count)}`],
  ];
  for (const [what, source] of sources) {
    const before = performance.now();
    const { rss } = Deno.memoryUsage();
    const { diagnostics } = assemble(source, { debug: true });
    formatDiagnostics(diagnostics, source);
    // Some 20 times what it takes; what grows with the square takes minutes.
    assert.ok(performance.now() - before < 10_000, what);
    assert.ok(Deno.memoryUsage().rss - rss < 500_000_000, what);
    assert.ok(diagnostics.length <= 1_001, what);
  }
});
