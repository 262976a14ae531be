import assert from "node:assert/strict";
import fc from "fast-check";
import { MalformedError } from "../../cluster/errors.ts";
import { assemble } from "../../vm/assembler/index.ts";
import { DebugInfo, debugInfoIn, encodeDebugInfo } from "../../vm/debug_info.ts";
import { loadImage } from "../../vm/image.ts";

const SOURCE = `.data
a: .byte #1
b: .asciiz "x"
.code
  load $1 #70000
loop: inc $1

; a comment
  djmpe @loop
end:
`;

Deno.test("debug information says the line and the label of each address", () => {
  const { image: bytes, symbols } = assemble(SOURCE, { fileName: "é.iasm", debug: true });
  const image = loadImage(bytes!);
  const info = new DebugInfo(image.debug, image.entry);
  assert.equal(info.fileName, "é.iasm");
  assert.deepEqual(info.symbols, symbols);
  const { entry } = image;
  assert.deepEqual(info.locate(entry), { line: 5, offset: 0 });
  assert.deepEqual(info.locate(entry + 4), { line: 5, offset: 4 });
  assert.deepEqual(info.locate(entry + 8), { line: 6, symbol: "loop", offset: 0 });
  assert.deepEqual(info.locate(entry + 12), { line: 9, symbol: "loop", offset: 4 });
  assert.deepEqual(info.locate(entry + 16), { symbol: "end", offset: 0 });
  assert.equal(info.lineOf(entry - 1), undefined);
});

Deno.test("debug information changes no instruction's meaning, and version 0 may have it", () => {
  const plain = loadImage(assemble(SOURCE).image!);
  const debug = loadImage(assemble(SOURCE, { debug: true }).image!);
  assert.equal(debug.version, 0);
  assert.equal(plain.bytes.length - plain.entry, debug.bytes.length - debug.entry);
  assert.deepEqual(debug.readOnly.subarray(0, plain.readOnly.length), plain.readOnly);
});

Deno.test("debug information is small: lines in a row cost nothing", () => {
  const lines = Array.from({ length: 10_000 }, (_, i) => i + 1);
  assert.ok(encodeDebugInfo({ fileName: "", symbols: [], lines }).length < 12);
});

Deno.test("encodeDebugInfo() is read back", () => {
  const name = fc.stringMatching(/^[\w.]{1,5}$/);
  const symbols = (section: "data" | "code") =>
    fc.array(fc.record({ name, section: fc.constant(section), value: fc.nat(1_000) }, {
      noNullPrototype: true,
    }));
  const lines = fc.array(fc.integer({ min: 1, max: 300 }));
  fc.assert(
    fc.property(name, symbols("data"), symbols("code"), lines, (fileName, data, code, lines) => {
      const info = new DebugInfo(
        encodeDebugInfo({ fileName, symbols: [...data, ...code], lines }),
        68,
      );
      const sorted = (list: typeof data) => list.toSorted((a, b) => a.value - b.value);
      assert.equal(info.fileName, fileName);
      assert.deepEqual(info.symbols, [
        ...sorted(data),
        ...sorted(code).map((symbol) => ({ ...symbol, value: 68 + symbol.value * 4 })),
      ]);
      lines.forEach((line, index) => assert.equal(info.lineOf(68 + index * 4), line));
      assert.equal(info.lineOf(68 + lines.length * 4), undefined);
    }),
  );
});

Deno.test("DebugInfo leaves out names that are no labels, and keeps the places of the others", () => {
  const symbols = ["a", "\x1b[31mred", "", "b c", "ü", "d\n", "e"].map((name, value) => ({
    ...{ name, section: "code" as const, value },
  }));
  const info = new DebugInfo(encodeDebugInfo({ fileName: "", symbols, lines: [1, 2, 3] }), 68);
  assert.deepEqual(info.symbols.map(({ name, value }) => [name, value]), [["a", 68], ["e", 92]]);
  assert.deepEqual(info.locate(72), { line: 2, symbol: "a", offset: 4 });
});

Deno.test("debugInfoIn() has nothing to say about what cannot be read", () => {
  const image = loadImage(assemble(SOURCE, { debug: true }).image!);
  assert.ok(debugInfoIn(image)!.symbols.length > 0);
  assert.equal(debugInfoIn({ ...image, debug: new Uint8Array() }), undefined);
  assert.equal(debugInfoIn({ ...image, debug: Uint8Array.of(9, 9, 9) }), undefined);
});

Deno.test("DebugInfo refuses bytes that are none, or answers sensibly", () => {
  const good = loadImage(assemble(SOURCE, { debug: true }).image!).debug;
  const mutated = fc.tuple(fc.nat(good.length - 1), fc.nat(255), fc.nat(good.length)).map(
    ([at, byte, length]) => good.slice().fill(byte, at, at + 1).subarray(0, length),
  );
  fc.assert(
    fc.property(
      fc.oneof(fc.uint8Array({ maxLength: 40 }), mutated),
      fc.nat(200),
      (bytes, address) => {
        try {
          const { line } = new DebugInfo(bytes, 68).locate(address);
          assert.ok(line === undefined || line >= 1);
        } catch (error) {
          assert.ok(error instanceof MalformedError, String(error));
        }
      },
    ),
    { numRuns: 2_000 },
  );
  // Counts that promise what is not there cost nothing.
  const huge = new Uint8Array([1, 0, 0xff, 0xff, 0xff, 0xff, 0x0f]);
  assert.throws(() => new DebugInfo(huge, 68), MalformedError);
  assert.throws(() => new DebugInfo(new Uint8Array([2, 0, 0, 0, 0]), 68), MalformedError);
  assert.throws(() => new DebugInfo(new Uint8Array([1, 0, 0, 0, 0, 0]), 68), MalformedError);
  assert.throws(() => new DebugInfo(new Uint8Array([1, 0, 0, 0, 1, 5, 0]), 68), MalformedError);
});
