/** Runs that are looked at: every instruction is told, and nothing else is different. */

import assert from "node:assert/strict";
import { assemble } from "../../vm/assembler/index.ts";
import { CodeMap } from "../../vm/code_map.ts";
import { decode } from "../../vm/decode.ts";
import type { Host } from "../../vm/host.ts";
import { type Image, loadImage } from "../../vm/image.ts";
import { MNEMONICS } from "../../vm/isa.ts";
import { Trap } from "../../vm/machine.ts";
import { ObservedInterpreter, type Observer } from "../../vm/observed.ts";
import { Profiler } from "../../vm/profile.ts";
import { Program, type ProgramOptions } from "../../vm/program.ts";
import { Tracer } from "../../vm/trace.ts";
import { fuzz } from "../simulation/vm_fuzz.ts";
import { instruction } from "../support/vm_image.ts";
import { TestHost } from "../support/vm_machines.ts";

function imageOf(source: string, debug = true): Image {
  const { image, diagnostics } = assemble(source, { debug });
  assert.ok(image !== undefined, JSON.stringify(diagnostics));
  return loadImage(image);
}

function observed(
  image: Image,
  observer: Observer,
  { host = new TestHost(), ...options }: ProgramOptions & { readonly host?: Host } = {},
): Program {
  const engine = new ObservedInterpreter(decode(image), observer);
  return new Program(image, host, { ...options, engine });
}

/** The lines of a trace, each without address, line and label. */
function traced(source: string, slice = Infinity, input: readonly string[] = []): string[] {
  const image = imageOf(`.data\nhi: .asciiz "hi\\n"\n.code\n${source}`);
  const lines: string[] = [];
  const tracer = new Tracer(image, new CodeMap(image), (line) => lines.push(line));
  const inner = new TestHost();
  inner.input.push(...input);
  const host: Host = {
    write: (bytes) => tracer.printed(bytes, program.machine),
    hasRoom: () => true,
    readLine: () => inner.readLine(),
    clockMs: () => inner.clockMs(),
    random32: () => inner.random32(),
  };
  const program = observed(image, tracer, { host });
  while (program.run(slice).kind === "running" || program.state.kind === "waiting");
  tracer.end(program.machine);
  const from = tracer.heading.indexOf("INSTRUCTION");
  return lines.map((line) => line.slice(from).replaceAll(/ {3,}/g, "  "));
}

Deno.test("an observed interpreter is told each instruction once, whatever the slices", () => {
  const source = ".data\n.code\ncloop #2\nagain: nop\nloop @again\nhlt\n";
  const expected = [0, 4, 8, 4, 8, 4, 8, 12];
  const image = imageOf(source, false);
  for (const slice of [1, 2, 3, 100]) {
    const told: number[] = [];
    const program = observed(image, { begin: (pc) => told.push(pc - image.entry) });
    while (program.run(slice).kind === "running");
    assert.deepEqual(told, expected);
    assert.deepEqual(program.state, { kind: "stopped", code: 0 });
    assert.equal(program.machine.fuelUsed, expected.length);
  }
});

Deno.test("an observed interpreter ends where the others do, with the same fuel", () => {
  for (let seed = 50_001; seed <= 50_150; seed++) fuzz(seed);
});

Deno.test("an observed interpreter tells nothing at the end, and at the fuel limit", () => {
  const told: number[] = [];
  const image = imageOf(".data\n.code\nnop\n", false);
  const program = observed(image, { begin: (pc) => told.push(pc - image.entry) });
  assert.deepEqual(program.run(10), { kind: "stopped", code: 1 });
  assert.deepEqual(told, [0]);
  const limited = observed(imageOf(".data\n.code\nx: eq $0 $0\ndjmpe @x\n", false), {
    begin: (pc) => told.push(pc),
  }, { fuelLimit: 3 });
  assert.equal(limited.run(10).kind, "trapped");
  assert.equal(limited.machine.fuelUsed, 3);
  assert.equal(told.length, 4);
});

Deno.test("a trace tells registers, flag, stack, heap and jumps", () => {
  const source = `load $0 #5
load $0 #5
push $0
pop $1
eq $0 $1
djmpe @on
nop
on: load $2 #8
setm $2 $0
load $3 #300
setb $2 $3
itof $0 $4
setmf64 $2 $4
div $3 $0 $6
call @sub
prts @hi
aloc $2
div $0 $9 $9
sub: ret`;
  assert.deepEqual(traced(source), [
    "load $0 #5  $0 = 5",
    "load $0 #5  $0 = 5",
    "push $0  sp = 1",
    "pop $1  $1 = 5  sp = 0",
    "eq $0 $1  flag = true",
    "djmpe @on  → on",
    "load $2 #8  $2 = 8",
    "setm $2 $0  heap[8] = 5",
    "load $3 #300  $3 = 300",
    "setb $2 $3  heap[8] = 44",
    "itof $0 $4  f4 = 5",
    "setmf64 $2 $4  heap[8] = 5",
    "div $3 $0 $6  $6 = 60",
    "call @sub  sp = 2  bp = 2  → sub",
    "ret  sp = 0  bp = 0  → on + 32",
    'prts @hi  prints "hi\\n"',
    "aloc $2  heap = 72",
    "div $0 $9 $9",
  ]);
});

Deno.test("a trace is the same in slices, and tells what a host call brought", () => {
  const source = "load $1 #9 getl $0 $1 $2 rand $3\nx: loop @x\nhlt";
  const whole = traced(source, Infinity, ["wait", "line"]);
  assert.deepEqual(whole.slice(1, 3), ["getl $0 $1 $2  $2 = 4  flag = true", whole[2]]);
  assert.match(whole[2]!, /^rand \$3 {2}\$3 = -?\d+$/);
  assert.deepEqual(traced(source, 1, ["wait", "line"]), whole);
});

Deno.test("a trace without debug information names what the program jumps to", () => {
  const image = imageOf(".data\n.code\nnop\nx: neq $0 $0\ndjmpe @x\nhlt\n", false);
  const lines: string[] = [];
  const tracer = new Tracer(image, new CodeMap(image), (line) => lines.push(line));
  const program = observed(image, tracer);
  program.run(100);
  tracer.end(program.machine);
  assert.deepEqual(lines.slice(1, 3), [
    "     72  label_72         neq $0 $0             flag = false",
    "     76  label_72 + 4     djmpe @label_72",
  ]);
});

Deno.test("a trace knows what every instruction may do", () => {
  for (const mnemonic of MNEMONICS) {
    const image = loadImage(
      Uint8Array.of(
        ...imageOf(".header #4 #1\n.data\n.code\n", false).bytes,
        ...instruction(mnemonic, 1, 2, 3),
      ),
    );
    const lines: string[] = [];
    const tracer = new Tracer(image, new CodeMap(image), (line) => lines.push(line));
    const program = observed(image, tracer, { fuelLimit: 100 });
    program.machine.registers.fill(8);
    program.run(100);
    tracer.end(program.machine);
    assert.ok(lines.length > 0, mnemonic);
  }
});

Deno.test("a profile sums by label and by line, and counts calls", () => {
  const image = imageOf(`.data
.code
load $0 #3
again: call @sub call @sub
dec $0
neq $0 $1
djmpe @again
div $0 $1 $2
sub: ret
`);
  const profiler = new Profiler(image);
  const program = observed(image, profiler);
  assert.deepEqual(program.run(1_000), {
    kind: "trapped",
    code: Trap.divisionByZero,
    pc: program.machine.pc,
  });
  const map = new CodeMap(image);
  assert.equal(profiler.total, program.machine.fuelUsed);
  const { entry } = image;
  assert.deepEqual(profiler.byLabel(map), [
    { name: "again", isKnown: true, address: entry + 4, line: 4, instructions: 16, calls: 0 },
    { name: "sub", isKnown: true, address: entry + 28, line: 9, instructions: 6, calls: 6 },
    { name: undefined, isKnown: false, address: entry, line: 3, instructions: 1, calls: 0 },
  ]);
  assert.deepEqual(profiler.byLine(map).slice(0, 3), [
    { line: 4, address: entry + 4, instructions: 6 },
    { line: 9, address: entry + 28, instructions: 6 },
    { line: 5, address: entry + 12, instructions: 3 },
  ]);
});

Deno.test("a profile of an image without names goes by what it jumps to and calls", () => {
  const image = imageOf(".data\n.code\ncall @sub\nhlt\nsub: ret\n", false);
  const profiler = new Profiler(image);
  observed(image, profiler).run(1_000);
  const counts = profiler.byLabel(new CodeMap(image));
  assert.deepEqual(
    counts.map(({ name, isKnown, line, calls }) => ({ name, isKnown, line, calls })),
    [
      { name: undefined, isKnown: false, line: undefined, calls: 0 },
      { name: "sub_76", isKnown: false, line: undefined, calls: 1 },
    ],
  );
});
