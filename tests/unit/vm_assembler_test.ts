/** The assembler: bytes of good programs, and the errors of section 12 of the original by number. */

import assert from "node:assert/strict";
import { hexOf } from "../../cluster/bytes.ts";
import { assemble, assembleLines, type Diagnostic } from "../../vm/assembler/index.ts";
import type { ProgramSymbol } from "../../vm/debug_info.ts";
import { HEADER_BYTES, loadImage } from "../../vm/image.ts";
import { ISA, MNEMONICS } from "../../vm/isa.ts";

/** The image of a program that has to be right. */
function imageOf(source: string): Uint8Array {
  const { image, diagnostics } = assemble(source);
  assert.deepEqual(diagnostics.filter(({ severity }) => severity === "error"), [], source);
  return image!;
}

/** The code of a program without data, in hexadecimal, an instruction a word. */
function codeOf(source: string): string {
  const { bytes, entry } = loadImage(imageOf(source));
  return hexOf(bytes.subarray(entry)).match(/.{8}/g)?.join(" ") ?? "";
}

/** The code of instructions behind `.data` and `.code`. */
function bodyOf(source: string): string {
  return codeOf(`.data .code ${source}`);
}

function short({ code, line, column, length }: Diagnostic): string {
  return `${code} ${line}:${column}+${length}`;
}

/** Errors of instructions behind `.data` and `.code`, on a line of their own, which is line 1 here. */
function errorsOf(body: string): string[] {
  const { image, diagnostics } = assemble(`.data .code\n${body}`);
  const errors = diagnostics.filter(({ severity }) => severity === "error");
  assert.equal(image === undefined, errors.length > 0, body);
  return errors.map((error) => short({ ...error, line: error.line - 1 }));
}

function warningsOf(source: string): string[] {
  const { image, diagnostics } = assemble(source);
  assert.ok(image !== undefined, source);
  return diagnostics.map(short);
}

const HEADER = "45504945" + "00".repeat(64);

Deno.test("assemble() gives the original's bytes for programs that it assembles right", () => {
  const programs: readonly (readonly [string, string])[] = [
    [".data\n.code\nhlt\n", "05000000"],
    // 68 LOAD, 72 CALL, 76 HLT, 80 test
    [
      ".data\n.code\nLOAD $0 #400\nCALL @test\nHLT\ntest: LOAD $0 #500\nRET\n",
      "00000190 2e005000 05000000 000001f4 2f000000",
    ],
    [".data\r\n.code\r\ncloop #10\r\nload $1 #20\r\n", "28000a00 00010014"],
    [
      ".data .code load $0 #4 load $1 #3 mul $1 $0 $2 load $0 #1 sub $2 $0 $1",
      "00000004 00010003 03010002 00000001 02020001",
    ],
    [
      ".data\n.code\nload $0 #100\nload $1 #1\nload $2 #0\ntest: inc $2\nneq $0 $2\ndjmpe @test\nhlt\n",
      "00000064 00010001 00020000 12020000 0a000200 14005000 05000000",
    ],
    [".data\n.code\nload $0 @x\njmp $0\nx: hlt\n", "0000004c 06000000 05000000"],
    [
      ".data\n.code\n10: Jmp $31 ; one\n; two\nCLOOP # 65535\nlui $ 2 #1",
      "061f0000 28ffff00 27020001",
    ],
  ];
  for (const [source, code] of programs) {
    assert.equal(hexOf(imageOf(source)), HEADER + code.replaceAll(" ", ""), source);
  }
});

Deno.test("assemble() encodes every instruction's example, every operand in its bytes", () => {
  const expected: Readonly<Record<string, string>> = {
    "load $0 #500": "000001f4",
    "add $0 $1 $2": "01000102",
    "hlt": "05000000",
    "jmp $0": "06000000",
    "cloop #10": "28000a00",
    "loadf64 $0 #5": "16000005",
    "shl $0 #4": "21000400",
    "loadm $0 $1": "2a000100",
    "loads $0 #2": "48000002",
    "getl $0 $1 $2": "33000102",
    "ftoi $0 $1": "3c000100",
    "igl": "64000000",
  };
  for (const mnemonic of MNEMONICS) {
    const { example, number, version } = ISA[mnemonic];
    const label = /@(\w+)/.exec(example)?.[1];
    const labels = label === undefined ? "" : `${label}:`;
    const source = mnemonic === "PRTS"
      ? `.data\nx: .asciiz "abc" text: .asciiz "d"\n.code\n${example}`
      : `.data\n.code\n${labels} ${example}`;
    const { bytes, entry, version: actual } = loadImage(imageOf(source));
    const code = hexOf(bytes.subarray(entry));
    assert.equal(parseInt(code.slice(0, 2), 16), number, example);
    assert.equal(actual, version, example);
    if (label !== undefined) {
      assert.equal(code.slice(2), mnemonic === "PRTS" ? "000400" : "004400", example);
    } else if (expected[example] !== undefined) {
      assert.equal(code, expected[example], example);
    }
  }
});

Deno.test("B1: constants are in the image, padded to a multiple of four", () => {
  const image = loadImage(imageOf(".data\nhello: .asciiz 'Hello'\n.code\nprts @hello\nhlt"));
  assert.equal(hexOf(image.readOnly), "48656c6c6f000000");
  assert.equal(image.entry, HEADER_BYTES + 8);
  assert.equal(hexOf(image.bytes.subarray(image.entry)), "15000000" + "05000000");
});

Deno.test("B7: whatever cannot be read is an error with its place, and reading goes on", () => {
  assert.deepEqual(errorsOf("inc $1 %%% inc $2"), ["ParseError 1:8+3"]);
  assert.deepEqual(errorsOf("inc $1\n ~ dec\n!"), [
    "ParseError 2:2+1",
    "OperandMismatch 2:4+3",
    "ParseError 3:1+1",
  ]);
  assert.equal(
    bodyOf("load $0, #1\nmy_label: inc $0 ; a\n; b\n; c\n; d\ndjmpe @my_label\nend:"),
    "00000001 12000000 14004800",
  );
});

Deno.test("B8: LOAD holds 0 to 65535; what is larger or negative is LOAD and LUI", () => {
  const loads: readonly (readonly [string, string])[] = [
    ["#0", "00010000"],
    ["#32768", "00018000"],
    ["#40000", "00019c40"],
    ["#65535", "0001ffff"],
    ["#65536", "00010001 27010000"],
    ["#70000", "00010001 27011170"],
    ["#-1", "0001ffff 2701ffff"],
    ["#-32768", "0001ffff 27018000"],
    ["#-50000", "0001ffff 27013cb0"],
    ["#-2147483648", "00018000 27010000"],
    ["#2147483647", "00017fff 2701ffff"],
    ["#0xDEADbeef", "0001dead 2701beef"],
    ["#0x1f", "0001001f"],
  ];
  for (const [number, code] of loads) assert.equal(bodyOf(`load $1 ${number}`), code, number);
  // Several of them, and the labels behind them.
  assert.equal(
    bodyOf("load $1 #-1\na: load $2 #70000\nb: djmpe @a djmpe @b"),
    "0001ffff 2701ffff 00020001 27021170 14004c00 14005400",
  );
});

Deno.test("B9: labels count instructions only, wherever sections and constants stand", () => {
  assert.equal(
    codeOf(".data\na: .asciiz 'abc'\nb: .integer #1\n.code\nx: jmp $1\ndjmpe @x"),
    "06010000 14004c00",
  );
  assert.equal(codeOf(".code\nx: jmp $1\ndjmpe @x\n.data"), "06010000 14004400");
  assert.equal(
    codeOf(".code\nload $0 @b\nhlt\n.data\na: .asciiz 'abc'\nb: .integer #1"),
    "00000004 05000000",
  );
});

Deno.test("B10: operands are checked against the instruction's", () => {
  const wrong: readonly (readonly [string, string])[] = [
    ["inc", "OperandMismatch 1:1+3"],
    ["hlt $1", "OperandMismatch 1:5+2"],
    ["add $0 $1", "OperandMismatch 1:1+3"],
    ["add $0 $1 #2", "OperandMismatch 1:11+2"],
    ["add $0 $1 $2 $3", "OperandMismatch 1:14+2"],
    ["load #1 $0", "OperandMismatch 1:6+2"],
    ["load $0 'x'", "OperandMismatch 1:9+3"],
    ["load $0 #1.5", "OperandMismatch 1:9+4"],
    ["djmpe $0", "OperandMismatch 1:7+2"],
    ["l: jmp @l", "OperandMismatch 1:8+2"],
    ["l: cloop @l", "OperandMismatch 1:10+2"],
    ["l: prts @l", "OperandMismatch 1:9+2"],
    ["jmpe $0 $1 $2", "OperandMismatch 1:9+2"],
    ["shl $0 $1", "OperandMismatch 1:8+2"],
    ["shl", "OperandMismatch 1:1+3"],
  ];
  for (const [source, error] of wrong) assert.equal(errorsOf(source)[0], error, source);
  const { diagnostics } = assemble(".data\n.code\nadd $0 #1 $2");
  assert.equal(
    diagnostics[0]!.message,
    "add takes a register, a register and a register, got a register, an integer and a register",
  );
  assert.equal(diagnostics[0]!.hint, "as in add $0 $1 $2");
});

Deno.test("B11: a shift count is in B; none is 0, which means 16", () => {
  assert.equal(bodyOf("shl $1 #4 shr $2 #31 shl $3"), "21010400 22021f00 21030000");
  assert.deepEqual(errorsOf("shl $1 #1024 shl $1 #-1"), [
    "ImmediateOutOfRange 1:8+5",
    "ImmediateOutOfRange 1:21+3",
  ]);
  assert.deepEqual(warningsOf(".data\n.code\nshl $1 #32\nshr $1 #0"), [
    "ShiftCount 3:8+3",
    "ShiftCount 4:8+2",
  ]);
});

Deno.test("B12: mnemonics may have digits; LOADF64 takes 0 to 65535", () => {
  assert.equal(
    bodyOf("loadf64 $1 #5 ADDF64 $1 $2 $3 LoadF64 $1 #2.0"),
    "16010005 17010203 16010002",
  );
  assert.deepEqual(errorsOf("loadf64 $1 #70000"), ["ImmediateOutOfRange 1:12+6"]);
  assert.deepEqual(errorsOf("loadf64 $1 #1.5"), ["OperandMismatch 1:12+4"]);
});

Deno.test("B13: an unknown mnemonic is an error, and igl is 100", () => {
  assert.deepEqual(errorsOf("lod $0 #1"), ["UnknownMnemonic 1:1+3"]);
  assert.equal(bodyOf("igl"), "64000000");
});

Deno.test("B14: an undefined label is an error, with the name that was meant", () => {
  const { diagnostics } = assemble(
    ".data\n.code\nagain: inc $0\n  djmpe @agian\n call @nothing_like_it",
  );
  assert.deepEqual(diagnostics.map(short), ["UndefinedSymbol 4:9+6", "UndefinedSymbol 5:7+16"]);
  assert.equal(diagnostics[0]!.hint, 'did you mean "again"?');
  assert.equal(diagnostics[1]!.hint, undefined);
});

Deno.test("B15: instructions without operands may follow one another", () => {
  assert.equal(bodyOf("nop\nnop hlt ret"), "10000000 10000000 05000000 2f000000");
});

Deno.test("B16: comments stand anywhere", () => {
  const source =
    ";1\n;2\n;3\n.data;4\nt: ;5\n.asciiz ;6\n'x;y';7\n;8\n.code;9\nload;10\n$1;11\n#2;12\n;13";
  assert.equal(hexOf(loadImage(imageOf(source)).readOnly), "783b7900");
  assert.equal(codeOf(source), "00010002");
});

Deno.test("B17: addresses beyond 16 bits make version 1, where labels are loaded in two", () => {
  const nops = "nop\n".repeat(16_366);
  const fits = loadImage(imageOf(`.data\n.code\n${nops}hlt\ndjmpe @x`.replace("hlt", "x: hlt")));
  assert.equal(fits.version, 0);
  const source = (last: string) =>
    `.data\n.code\nload $1 @far\ncall @far\nload $2 @near\nnear:\n${nops}${last}`;
  const beyond = loadImage(imageOf(source("far: hlt")));
  assert.equal(beyond.version, 1);
  const far = 68 + 4 * (2 + 1 + 2 + 16_366);
  assert.equal(far, 0x1_0010);
  assert.equal(
    hexOf(beyond.bytes.subarray(68, 68 + 20)),
    "00010001" + "27010010" + "2e001001" + "00020000" + "27020058",
  );
  // A far label that nobody uses changes nothing.
  assert.equal(loadImage(imageOf(`.data .code ${nops} nop nop nop far: hlt`)).version, 0);
  // Version 1 for another reason does not make loads longer.
  const extended = loadImage(imageOf(".data\n.code\nload $1 @x\nx: prti $1"));
  assert.equal(extended.version, 1);
  assert.equal(hexOf(extended.bytes.subarray(68)), "00010048" + "30010000");
  assert.deepEqual(errorsOf("call #0x1000000"), ["AddressOutOfRange 1:6+10"]);
  assert.deepEqual(errorsOf("call #-4"), ["AddressOutOfRange 1:6+3"]);
  assert.equal(bodyOf("call #0x123456 call #68"), "2e345612 2e004400");
});

Deno.test("B18: what made the original panic are errors", () => {
  assert.deepEqual(errorsOf("load $0\nload $0 #4294967296 load $0 #-2147483649"), [
    "OperandMismatch 1:1+4",
    "ImmediateOutOfRange 2:9+11",
    "ImmediateOutOfRange 2:29+12",
  ]);
  assert.deepEqual(errorsOf("inc $32 inc $256 inc $99999999999999999999 inc $31"), [
    "RegisterOutOfRange 1:5+3",
    "RegisterOutOfRange 1:13+4",
    "RegisterOutOfRange 1:22+21",
  ]);
});

Deno.test("B19: the same source gives the same image any number of times", () => {
  const source = ".data\na: .asciiz 'x'\n.code\nb: hlt";
  assert.deepEqual(imageOf(source), imageOf(source));
});

Deno.test("B22: one .data and one .code, whichever comes first", () => {
  const errors = (source: string) => assemble(source).diagnostics.map(short);
  assert.ok(errors(".code\nhlt\n.code").includes("InsufficientSections 3:1+5"));
  assert.deepEqual(errors(".data\n.code\nhlt\n.data"), ["InsufficientSections 4:1+5"]);
  assert.deepEqual(errors(".data"), ["InsufficientSections 1:1+5"]);
  assert.deepEqual(warningsOf(".code hlt .data"), []);
  assert.deepEqual(warningsOf(".code hlt"), ["InsufficientSections 1:1+5"]);
  assert.deepEqual(warningsOf("load $0 #1\nhlt"), ["InsufficientSections 1:1+4"]);
  assert.deepEqual(warningsOf("hlt .data .code hlt"), ["NoSegmentDeclarationFound 1:1+3"]);
  assert.deepEqual(errors("x: hlt .data .code"), [
    "NoSegmentDeclarationFound 1:1+1",
    "NoSegmentDeclarationFound 1:4+3",
  ]);
  assert.deepEqual(errors(""), ["ParseError 1:1+1"]);
});

Deno.test("B23: constants without a label and unknown sections are not passed over", () => {
  const found = (source: string) => assemble(source).diagnostics.map(short);
  assert.deepEqual(found(".data\n.asciiz 'x'\n.code\nhlt"), [
    "StringConstantDeclaredWithoutLabel 2:1+7",
  ]);
  assert.deepEqual(warningsOf(".data\n.integer #1\n.code\nhlt"), ["UnreachableConstant 2:1+8"]);
  assert.deepEqual(warningsOf(".data\nx: .integer #1\n.integer #2\n.code\nhlt"), []);
  assert.deepEqual(found(".DATA\n.code\nhlt\n.text $1"), [
    "UnknownDirectiveFound 1:1+5",
    "InsufficientSections 2:1+5",
    "UnknownDirectiveFound 4:1+5",
  ]);
  assert.equal(assemble(".DATA\n.code hlt").diagnostics[0]!.hint, 'did you mean ".data"?');
});

Deno.test("tokens need no white space between them, lines mean nothing, a mark may lead", () => {
  assert.equal(bodyOf("load$0#5hlt"), "00000005 05000000");
  assert.equal(bodyOf("x:inc$1djmpe@x ret"), "12010000 14004400 2f000000");
  assert.equal(bodyOf("add\n$0\r\n$1\t$ 2\nload $1 # -1"), "01000102 0001ffff 2701ffff");
  assert.equal(hexOf(imageOf("\ufeff.data .code hlt")), hexOf(imageOf(".data\n\n.code\nhlt\n")));
});

Deno.test("lui takes 16 bits as a pattern, as the original does", () => {
  assert.equal(bodyOf("lui $1 #-1 lui $1 #65535"), "2701ffff 2701ffff");
  assert.deepEqual(errorsOf("lui $1 #-32769 lui $1 #65536 cloop #-1"), [
    "ImmediateOutOfRange 1:8+7",
    "ImmediateOutOfRange 1:23+6",
    "ImmediateOutOfRange 1:36+3",
  ]);
});

Deno.test("labels: several on one place, at the end, digits only, named as an instruction", () => {
  assert.equal(
    bodyOf(
      "a: b:\nhlt: 7: .x.y_Z: inc $0\ndjmpe @a djmpe @b djmpe @hlt djmpe @7 djmpe @.x.y_Z call @end end:",
    ),
    "12000000 14004400 14004400 14004400 14004400 14004400 2e006000",
  );
});

Deno.test("data directives: each gives its bytes", () => {
  const data: readonly (readonly [string, string])[] = [
    [".asciiz 'a\\n\"b'", "615c6e226200"],
    [`.asciiz "a\\n\\"\\t\\r\\e\\0\\\\\\'\\x7f\\u{1f600}ü"`, "610a22090d1b005c277ff09f9880c3bc00"],
    [".asciiz ''", "00"],
    [".ascii 'two\nlines'", "74776f0a6c696e6573"],
    [".integer #1 #-1, #0xffffffff", "01000000ffffffffffffffff"],
    [".word @x @code", "0000000058000000"],
    [".byte #1, #-1 #255", "01ffff"],
    [".float #1.5 #-2 #.5e1", "000000000000f83f00000000000000c00000000000001440"],
    [".space #3", "000000"],
  ];
  for (const [directive, bytes] of data) {
    const source = `.data\nx: ${directive}\n.code\ncode: hlt`;
    const { readOnly, entry } = loadImage(imageOf(source));
    const expected = bytes.replace("58000000", `${entry.toString(16)}000000`);
    assert.equal(hexOf(readOnly), expected.padEnd(readOnly.length * 2, "0"), directive);
    assert.ok(readOnly.length - expected.length / 2 < 4, directive);
  }
});

Deno.test("data directives: wrong operands are errors at their place", () => {
  const wrong: readonly (readonly [string, string])[] = [
    [".asciiz", "OperandMismatch 2:4+7"],
    [".asciiz #1", "OperandMismatch 2:12+2"],
    [".asciiz 'a' 'b'", "OperandMismatch 2:16+3"],
    [".byte #256", "ImmediateOutOfRange 2:10+4"],
    [".byte @x", "OperandMismatch 2:10+2"],
    [".integer #4294967296", "ImmediateOutOfRange 2:13+11"],
    [".integer #1.5", "OperandMismatch 2:13+4"],
    [".word @y", "UndefinedSymbol 2:10+2"],
    [".float 'x'", "OperandMismatch 2:11+3"],
    [".float #1e999", "ImmediateOutOfRange 2:11+6"],
    [".space #-1", "ImmediateOutOfRange 2:11+3"],
    [".space #99999999999", "ImmediateOutOfRange 2:11+12"],
    [".flaot #1", "UnknownDirectiveFound 2:4+6"],
    [".asciiz 'x", "UnterminatedString 2:12+2"],
    ['.asciiz "x', "UnterminatedString 2:12+2"],
    ['.asciiz "x\\q"', "ParseError 2:14+2"],
    ['.asciiz "\\u{110000}"', "ParseError 2:13+10"],
    ['.asciiz "\\xff"', "ParseError 2:13+2"],
    ["inc $1", "WrongSection 2:4+3"],
  ];
  for (const [directive, error] of wrong) {
    const { diagnostics } = assemble(`.data\nx: ${directive}\n.code\nhlt`);
    assert.deepEqual(diagnostics.map(short), [error], directive);
  }
  const { diagnostics } = assemble(".data\nx: .space #16777000 .space #16777000\n.code hlt");
  assert.deepEqual(diagnostics.map(short), ["AddressOutOfRange 1:1+1"]);
});

Deno.test("other errors: each code with its place", () => {
  const wrong: readonly (readonly [string, readonly string[]])[] = [
    ["a: a: hlt", ["SymbolAlreadyDeclared 1:4+1"]],
    ["x: $1 inc $1", ["NonOpcodeInOpcodeField 1:4+2"]],
    ["load $0 500", ["OperandMismatch 1:1+4", "NonOpcodeInOpcodeField 1:9+3"]],
    ["inc $", ["ParseError 1:5+1"]],
    ["inc $r1", ["ParseError 1:5+3"]],
    ["load $1 #", ["ParseError 1:9+1"]],
    ["load $1 #0x", ["ParseError 1:9+3"]],
    ["call @", ["ParseError 1:6+1"]],
    ["inc $1 : hlt", ["ParseError 1:8+1"]],
    [", hlt", ["ParseError 1:1+1"]],
    ["inc $1,", ["ParseError 1:7+1"]],
    ["add $1,,$2 $3", ["ParseError 1:7+1"]],
    [".asciiz 'x'", ["WrongSection 1:1+7"]],
    [".header", ["OperandMismatch 1:1+7"]],
    [".header #3 #1", ["ImmediateOutOfRange 1:9+2"]],
    [".header #63 #1 #1", ["ImmediateOutOfRange 1:9+3"]],
    [".header #4 #9", ["InvalidImage 1:1+7"]],
    [".header #5 #1 #0 #0 #255", ["InvalidImage 1:1+7"]],
    [".header #4 'x'", ["OperandMismatch 1:12+3"]],
    [".byte #1\nhlt", ["WrongSection 1:1+5"]],
    [".word #1.5", ["OperandMismatch 1:7+4"]],
    [".word", ["OperandMismatch 1:1+5"]],
    ["hlt 'a\nb", ["UnterminatedString 1:5+2", "UnknownMnemonic 2:1+1"]],
  ];
  for (const [source, errors] of wrong) assert.deepEqual(errorsOf(source), errors, source);
});

Deno.test("raw code: .word is any instruction, .byte what is left of a last one", () => {
  const image = imageOf(".data\n.code\n.word #0x01020304 #-1 inc $1\n.byte #1 #2");
  assert.equal(hexOf(image.subarray(68)), "01020304" + "ffffffff" + "12010000" + "0102");
});

Deno.test("assembleLines() takes known labels and gives new ones", () => {
  const known = new Map<string, ProgramSymbol>([
    ["sub", { name: "sub", section: "code", value: 0x1_2344 }],
    ["text", { name: "text", section: "data", value: 8 }],
  ]);
  const { code, symbols, diagnostics, version } = assembleLines(
    "here: call @sub djmpe @here prts @text\nload $1 @sub",
    { address: 100, symbols: known },
  );
  assert.deepEqual(diagnostics, []);
  assert.equal(version, 1);
  assert.deepEqual(symbols, [{ name: "here", section: "code", value: 100 }]);
  assert.equal(hexOf(code!), "2e234401" + "14006400" + "15000800" + "00010001" + "27012344");
  const narrow = assembleLines("sub: load $1 @sub", { address: 68, symbols: known });
  assert.equal(hexOf(narrow.code!), "00010044");
  assert.equal(narrow.version, 0);
  assert.deepEqual(assembleLines("", { address: 68 }).code, new Uint8Array());
  for (
    const [line, error] of [
      ["call @nowhere", "UndefinedSymbol 1:6+8"],
      [".data", "WrongSection 1:1+5"],
      ["x: .asciiz 'x'", "WrongSection 1:4+7"],
      [".byte #1", "WrongSection 1:1+5"],
      [".header #4 #1", "UnknownDirectiveFound 1:1+7"],
    ]
  ) {
    const { code, diagnostics } = assembleLines(line!, { address: 68 });
    assert.equal(code, undefined, line);
    assert.equal(short(diagnostics[0]!), error);
  }
});
