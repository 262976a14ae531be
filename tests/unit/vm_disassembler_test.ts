import assert from "node:assert/strict";
import fc from "fast-check";
import { below, SeededRandom } from "../../cluster/random.ts";
import { hexOf } from "../../cluster/bytes.ts";
import { assemble } from "../../vm/assembler/index.ts";
import { disassemble, InstructionReader } from "../../vm/disassembler.ts";
import { ImageError, loadImage, makeImage } from "../../vm/image.ts";
import { ISA, MNEMONICS } from "../../vm/isa.ts";

/** Fails unless the image comes back from its own source, byte for byte. */
function assertRoundTrip(image: Uint8Array): string {
  const source = disassemble(image);
  const { image: again, diagnostics } = assemble(source);
  const errors = diagnostics.filter(({ severity }) => severity === "error");
  assert.deepEqual(errors, [], source);
  assert.equal(hexOf(again!), hexOf(image), source);
  return source;
}

function imageOf(source: string, debug = false): Uint8Array {
  return assemble(source, { debug, fileName: "test.iasm" }).image!;
}

const PROGRAM = `.data
hello: .asciiz "Hello\\n"
numbers: .integer #1 #-1
.code
start: load $1 #10
again: prts @hello
  call @sub
  djmpe @again
  shl $1
  shl $1 #3
  hlt
sub: inc $1
  ret
end:
`;

Deno.test("disassemble() writes source that people can read", () => {
  assert.equal(
    assertRoundTrip(imageOf(PROGRAM)),
    `.data
text_0:
  .asciiz "Hello\\n"
  .byte #1 #0 #0 #0 #255 #255 #255 #255 #0

.code
  load $1 #10
label_88:
  prts @text_0
  call @sub_112
  djmpe @label_88
  shl $1
  shl $1 #3
  hlt
sub_112:
  inc $1
  ret
`,
  );
});

Deno.test("disassemble() uses the names of debug information", () => {
  const source = assertRoundTrip(imageOf(PROGRAM, true));
  for (const label of ["hello", "numbers", "start", "again", "sub", "end"]) {
    assert.ok(source.includes(`\n${label}:\n`), label);
  }
  assert.ok(source.includes("call @sub\n"));
  assert.ok(source.startsWith(".header #5 #1\n.header #8 #16\n.header #12 #"), source);
});

Deno.test("disassemble() can say addresses", () => {
  const lines = disassemble(imageOf(".data .code nop hlt"), { addresses: true }).split("\n");
  assert.deepEqual(lines.slice(3, 5).map((line) => line.replace(/ +;/, " ;")), [
    "  nop ; 68",
    "  hlt ; 72",
  ]);
});

Deno.test("disassemble() refuses what is no image", () => {
  assert.throws(() => disassemble(new Uint8Array([1, 2, 3])), ImageError);
});

Deno.test("disassemble() gives odd images back as they are", () => {
  const none = new Uint8Array();
  const code = (hex: string, version = 0) =>
    makeImage({ version, readOnly: none, code: Uint8Array.fromHex(hex) });
  const text = (...bytes: number[]) =>
    makeImage({ version: 0, readOnly: new Uint8Array(bytes), code: none });
  for (
    const [image, line] of [
      [code("05000001"), ".word #0x05000001"],
      [code("12200000"), ".word #0x12200000"],
      [code("30010000"), ".word #0x30010000"],
      [code("30010000", 1), "prti $1"],
      [code("14000001"), ".word #0x14000001"],
      [code("14000001", 1), "djmpe #65536"],
      [code("14004800"), "djmpe @label_72"],
      [code("14004600"), "djmpe #70"],
      [code("15000000"), "prts #0"],
      [code("64000000"), "igl"],
      [code("65000000"), ".word #0x65000000"],
      [code("2100ff00"), "shl $0 #255"],
      [code("1200000001"), ".byte #1"],
      [code("010203"), ".byte #1 #2 #3"],
      [text(), ".data\n\n.code"],
      [text(0xef, 0xbb, 0xbf, 0x41, 0), '.asciiz "\\u{feff}A"'],
      [text(0xe2, 0x80, 0xa8, 0x22, 0x5c, 0x1b, 0), '.asciiz "\\u{2028}\\"\\\\\\e"'],
      [text(0xed, 0xa0, 0x80, 0), ".byte #237 #160 #128 #0"],
      [text(1, 0x41, 0x42, 0x43, 0x44, 0x45, 0, 2), ".byte #1 #65"],
      [text(1, 0, 0x42, 0x43, 0x44, 0x45, 0, 2), 'text_2:\n  .asciiz "BCDE"'],
      [text(0x41, 0x42, 0x43, 0x44), '.ascii "ABCD"'],
      [text(...new Array(40).fill(0)), ".space #40"],
    ] as const
  ) {
    const source = assertRoundTrip(image);
    assert.ok(source.includes(line), `${line} in\n${source}`);
  }
});

/** Code in which real instructions, nearly right ones and garbage come about as often. */
const CODE = fc.array(
  fc.oneof(
    fc.tuple(fc.integer({ min: 0, max: 255 }), fc.nat(255), fc.nat(255), fc.nat(255)),
    fc.tuple(
      fc.constantFrom(...MNEMONICS).map((mnemonic) => ISA[mnemonic].number as number),
      fc.nat(33),
      fc.nat(150),
      fc.constantFrom(0, 0, 0, 1, 8),
    ),
    fc.tuple(
      fc.constantFrom(ISA.DJMPE.number, ISA.CALL.number, ISA.LOOP.number, ISA.PRTS.number),
      fc.constant(0),
      fc.nat(63).map((word) => word * 4),
      fc.constant(0),
    ),
  ),
  { maxLength: 40 },
).map((words) => new Uint8Array(words.flat()));

const DATA = fc.array(
  fc.oneof(
    fc.uint8Array({ maxLength: 9 }),
    fc.string({ unit: "binary", maxLength: 9 }).map((text) =>
      new TextEncoder().encode(`${text}\0`)
    ),
    fc.nat(20).map((length) => new Uint8Array(length)),
  ),
  { maxLength: 6 },
).map((pieces) => new Uint8Array(pieces.flatMap((piece) => [...piece])));

Deno.test("disassemble() and assemble() are inverse for any image", () => {
  fc.assert(
    fc.property(CODE, DATA, fc.constantFrom(0, 1), fc.nat(3), (code, readOnly, version, cut) => {
      const whole = makeImage({ version, readOnly, code });
      assertRoundTrip(whole.slice(0, Math.max(whole.length - cut, whole.length - code.length)));
    }),
    { numRuns: 400 },
  );
});

Deno.test("disassemble() and assemble() are inverse for any debug information", () => {
  const good = loadImage(imageOf(PROGRAM, true));
  const debug = fc.oneof(
    fc.uint8Array({ maxLength: 30 }),
    fc.tuple(fc.nat(good.debug.length - 1), fc.nat(255)).map(([at, byte]) => {
      const bytes = good.debug.slice();
      bytes[at] = byte;
      return bytes;
    }),
  );
  fc.assert(
    fc.property(CODE, DATA, debug, (code, readOnly, debug) => {
      assertRoundTrip(makeImage({ version: 1, readOnly, code, debug }));
    }),
    { numRuns: 300 },
  );
});

Deno.test("disassemble() and assemble() are inverse for images beyond 16-bit addresses", () => {
  const random = new SeededRandom(7);
  const noise = (count: number) => Uint8Array.from({ length: count }, () => below(random, 256));
  const jumps = Uint8Array.from(
    { length: 100_000 },
    (_, index) =>
      [ISA.CALL.number, below(random, 256), below(random, 64) * 4, below(random, 4)][index % 4]!,
  );
  for (const version of [0, 1]) {
    assertRoundTrip(makeImage({ version, readOnly: noise(70_000), code: noise(40_000) }));
    assertRoundTrip(makeImage({ version, readOnly: noise(5), code: jumps }));
  }
});

Deno.test("InstructionReader reads single instructions, by name where there are names", () => {
  const image = loadImage(imageOf(PROGRAM, true));
  const reader = new InstructionReader(image);
  assert.equal(reader.textAt(image.entry), "load $1 #10");
  assert.equal(reader.textAt(image.entry + 4), "prts @hello");
  assert.deepEqual(reader.labelsAt(image.entry + 4), ["again"]);
  for (const address of [0, image.entry - 4, image.entry + 1, image.bytes.length]) {
    assert.equal(reader.textAt(address), undefined, `${address}`);
  }
});
