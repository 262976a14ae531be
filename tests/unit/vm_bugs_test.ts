/**
 * Faults of the original by their numbers in docs/iridium.md, from source to what a program does; those of
 * the assembler alone, of traps and of the REPL are in the tests of these.
 */

import assert from "node:assert/strict";
import { assemble } from "../../vm/assembler/index.ts";
import { decode } from "../../vm/decode.ts";
import { type Image, loadImage } from "../../vm/image.ts";
import { Trap } from "../../vm/machine.ts";
import { assertStopped, assertTrap, onBoth, runImage } from "../support/vm_machines.ts";

const MIN = -0x8000_0000;
const MAX = 0x7fff_ffff;

/** An image from source without errors; sections are added if there are none. */
function imageOf(source: string): Image {
  const whole = source.includes(".code") ? source : `.data\n.code\n${source}`;
  const { image, diagnostics } = assemble(whole);
  assert.ok(image !== undefined, JSON.stringify(diagnostics));
  return loadImage(image);
}

onBoth("B1: code begins behind the constants, and the first instruction runs first", (engine) => {
  const image = imageOf(".data\na: .asciiz 'abcd'\nb: .integer #7\n.code\nload $1 #3\nhlt");
  assert.equal(image.entry, 68 + 12);
  const ran = runImage(image, engine);
  assertStopped(ran, 0, image.entry + 4);
  assert.equal(ran.machine.registers[1], 3);
});

onBoth("B2: PRTS prints constants of the image", (engine) => {
  const source = ".data\na: .asciiz 'Hello '\nb: .asciiz 'wörld'\n.code\nprts @a prts @b hlt";
  const ran = runImage(imageOf(source), engine);
  assertStopped(ran, 0);
  assert.equal(ran.host.text, "Hello wörld");
});

const LOADS = [0, 32_767, 32_768, 40_000, 65_535, 65_536, 70_000, MAX, -1, -32_768, -32_769, MIN];
for (const value of [...LOADS, -50_000]) {
  onBoth(`B8: #${value} loads ${value}`, (engine) => {
    const { machine } = runImage(imageOf(`load $1 #5 load $1 #${value} load $2 #6`), engine);
    assert.deepEqual([...machine.registers.subarray(0, 3)], [0, value, 6]);
  });
}

onBoth("B9: a label behind constants and long loads leads to its instruction", (engine) => {
  const source = ".data\na: .asciiz 'abc'\nb: .integer #1 #2\n.code\nload $3 #-70000\n" +
    "call @sub\nhlt\nigl\nsub: load $0 #9\nret";
  const ran = runImage(imageOf(source), engine);
  assertStopped(ran, 0);
  assert.equal(ran.machine.registers[0], 9);
});

onBoth("B11: shl $0 #4 shifts by four", (engine) => {
  const { machine } = runImage(imageOf("load $0 #3 shl $0 #4 load $1 #3 shl $1"), engine);
  assert.deepEqual([...machine.registers.subarray(0, 2)], [48, 3 << 16]);
});

onBoth("B12: float instructions can be written", (engine) => {
  const source = ".data\nhalf: .float #0.5\n.code\nloadf64 $1 #3 load $0 @half\n" +
    "loadrof64 $0 $2 MULF64 $1 $2 $3 hlt";
  assert.equal(runImage(imageOf(source), engine).machine.floats[3], 1.5);
});

onBoth("B15: what follows an instruction without operands runs", (engine) => {
  const ran = runImage(imageOf("nop\nnop\nload $0 #1\nnop\nload $1 #2\nhlt\nload $0 #3"), engine);
  assertStopped(ran, 0);
  assert.deepEqual([...ran.machine.registers.subarray(0, 2)], [1, 2]);
});

onBoth("B17: a call beyond 65 535 gets there, and back", (engine) => {
  const source = `.data\n.code\nload $5 @far\ncall @far\nload $1 #1\njmp $5\nback: hlt\n${
    "nop\n".repeat(16_400)
  }far: inc $0\nload $2 #2\neq $0 $2\ndjmpe @back\nret`;
  const ran = runImage(imageOf(source), engine);
  assertStopped(ran, 0);
  assert.deepEqual([...ran.machine.registers.subarray(0, 2)], [2, 1]);
  assert.ok(ran.machine.registers[5]! > 0xffff);
});

onBoth("B18: a register beyond the last in an image traps 4, and only when it is run", (engine) => {
  for (const register of [32, 200, 255]) {
    const image = imageOf(`load $0 #1\n.word #${0x1200_0000 + register * 0x1_0000}\nhlt`);
    assertTrap(runImage(image, engine), Trap.illegal, image.entry + 4);
    assert.match(decode(image).warnings[0]!, /^72: INC of register \d+; it traps 4/);
    const never = imageOf(`hlt\n.word #${0x1200_0000 + register * 0x1_0000}`);
    assertStopped(runImage(never, engine), 0);
  }
});

onBoth("B24: MIN / -1 is MIN and leaves no remainder", (engine) => {
  const { machine } = runImage(imageOf(`load $0 #${MIN} load $1 #-1 div $0 $1 $2`), engine);
  assert.deepEqual([machine.registers[2], machine.remainder], [MIN, 0]);
});

onBoth("B25: integers wrap, in every instruction that can overflow", (engine) => {
  const cases: readonly [string, number, number, number][] = [
    ["add $0 $1 $2", MAX, 1, MIN],
    ["add $0 $1 $2", MIN, MIN, 0],
    ["sub $0 $1 $2", MIN, 1, MAX],
    ["sub $0 $1 $2", 0, MIN, MIN],
    ["mul $0 $1 $2", MAX, MAX, 1],
    ["mul $0 $1 $2", MIN, -1, MIN],
    ["mul $0 $1 $2", 0x1_0001, 0x1_0001, 0x2_0001],
    ["add $0 $31 $2 inc $2", MAX, 0, MIN],
    ["add $0 $31 $2 dec $2", MIN, 0, MAX],
  ];
  for (const [source, a, b, result] of cases) {
    const { machine } = runImage(imageOf(`load $0 #${a} load $1 #${b} ${source}`), engine);
    assert.equal(machine.registers[2], result, `${source}: ${a}, ${b}`);
  }
});

onBoth("B43: a last instruction that is cut off is filled up with zeros, and said", (engine) => {
  const whole = imageOf("load $0 #7 load $1 #0x0200").bytes;
  for (const [missing, value] of [[1, 0x0200], [2, 0], [3, 0]] as const) {
    const image = loadImage(whole.slice(0, whole.length - missing));
    assert.deepEqual(image.warnings, [
      `the last instruction has ${4 - missing} of 4 bytes; zeros are added`,
    ]);
    const ran = runImage(image, engine);
    assertStopped(ran, 1, 76);
    const expected = missing === 3 ? [0, 0] : [7, value];
    assert.deepEqual([...ran.machine.registers.subarray(0, 2)], expected);
  }
});

Deno.test("each fault of the original in docs/iridium.md has a test that is named after it", async () => {
  const page = await Deno.readTextFile(new URL("../../docs/iridium.md", import.meta.url));
  const numbers = [...page.matchAll(/^\| B(\d+) /gm)].map(([, number]) => Number(number));
  assert.ok(numbers.length >= 37);
  const names: string[] = [];
  for (const folder of ["unit", "system"]) {
    for await (const { name } of Deno.readDir(new URL(`../${folder}/`, import.meta.url))) {
      if (!name.startsWith("vm_")) continue;
      const text = await Deno.readTextFile(new URL(`../${folder}/${name}`, import.meta.url));
      for (const [, title] of text.matchAll(/(?:Deno\.test|onBoth)\(\s*["`]([^"`]*)/g)) {
        names.push(title!);
      }
    }
  }
  const untested = numbers.filter((number) =>
    !names.some((title) => new RegExp(`\\bB${number}\\b`).test(title))
  );
  assert.deepEqual(untested, []);
});
