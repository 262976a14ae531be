/** What goes wrong in a program, and where its state ends: traps, limits, jumps to nowhere. */

import assert from "node:assert/strict";
import { decode } from "../../vm/decode.ts";
import { Trap, TRAP_TEXTS } from "../../vm/machine.ts";
import { Program, type ProgramOptions } from "../../vm/program.ts";
import { imageOf, load32 } from "../support/vm_image.ts";
import { assertStopped, assertTrap, onBoth, run, TestHost } from "../support/vm_machines.ts";

/** Address of the n-th instruction, from 0, of a program without read-only data. */
const at = (n: number) => 68 + 4 * n;
const SMALL = { memoryBytes: 1_024, stackWords: 100 };

/** A program for each trap, with what it takes to get there and where that is. */
const GOLDEN: Readonly<Record<keyof typeof Trap, readonly [string, number, ProgramOptions?]>> = {
  divisionByZero: ["load $0 #1\ndiv $0 $1 $2", 1],
  stack: ["more: push $0\nnop\neq $0 $0\ndjmpe @more", 0, { limits: SMALL }],
  illegal: ["nop\n.word #4278190080", 1],
  heapRange: ["load $0 #61\nnop\nloadm $0 $1", 2],
  readOnlyRange: ["nop\nprts #0", 1],
  badJump: ["load $0 #70\nnop\njmp $0", 2],
  memoryLimit: ["load $0 #500\nmore: aloc $0\neq $0 $0\ndjmpe @more", 1, { limits: SMALL }],
  fuelLimit: ["eq $0 $0\nagain: inc $1\ndjmpe @again", 2, { fuelLimit: 1_000 }],
  killed: ["eq $0 $0\nagain: inc $1\ndjmpe @again", 2],
};

for (const name of Object.keys(GOLDEN) as (keyof typeof GOLDEN)[]) {
  onBoth(`vm: trap ${Trap[name]}, ${TRAP_TEXTS[Trap[name]]}`, (engine) => {
    const [source, index, options] = GOLDEN[name];
    for (const slice of [1, 7, 1_000]) {
      const program = new Program(imageOf(source), new TestHost(), { engine, ...options });
      assert.equal(program.engine.name, engine);
      // Enough for all of them but the one that runs until it is killed.
      for (let paid = 0; paid < 2_000; paid += slice) program.run(slice);
      program.kill();
      // Slices end anywhere in a loop of two; the others end where they do.
      const { pc } = program.machine;
      const place = name === "killed" ? pc : at(index);
      assert.deepEqual(program.state, { kind: "trapped", code: Trap[name], pc: place });
      assert.equal(pc, place);
      assert.deepEqual(program.events.map(({ kind }) => kind), ["Start", "Crash"]);
      assert.equal(program.run(1_000), program.state, "what has ended stays so");
    }
  });
}

onBoth("vm: B24 dividing by zero traps 2, in all four divisions", (engine) => {
  for (const mnemonic of ["div", "rem", "divu", "remu"]) {
    const ran = run(`load $0 #7\n${mnemonic} $0 $1 $2`, engine);
    assertTrap(ran, Trap.divisionByZero, at(1));
    assert.deepEqual([...ran.machine.registers.subarray(0, 3)], [7, 0, 0]);
    assert.equal(ran.machine.pc, at(1));
    assert.equal(ran.machine.fuelUsed, 2, "the instruction that traps has begun");
  }
});

onBoth("vm: B6 POP and RET on an empty stack trap 3", (engine) => {
  assertTrap(run("nop\npop $0", engine), Trap.stack, at(1));
  assertTrap(run("nop\nret", engine), Trap.stack, at(1));
});

onBoth("vm: B6 RET discards what the callee left on the stack", (engine) => {
  const { machine, exit } = run(
    "push $1\ncall @sub\nload $0 #1\nhlt\nsub: push $2\npush $2\nret",
    engine,
  );
  assert.deepEqual(exit, { kind: "stopped", code: 0, pc: at(3) });
  assert.deepEqual([machine.registers[0], machine.sp, machine.bp], [1, 1, 0]);
});

onBoth("vm: CALL pushes the absolute address of the next instruction, then bp", (engine) => {
  const { machine } = run("push $0\ncall @sub\nsub: call @in\nin: hlt", engine);
  assert.deepEqual([...machine.stack()], [0, at(2), 0, at(3), 3]);
  assert.deepEqual([machine.sp, machine.bp], [5, 5]);
});

onBoth("vm: a forged bp reaches nothing outside the stack", (engine) => {
  for (const forged of [1, 6, 100, 1_000_000, -1, -0x8000_0000, 0x7fff_ffff, 0x4000_0000]) {
    // The first RET takes the forged bp off the stack, the second one would use it.
    const source = `${load32(1, forged)}call @sub\nnop\nret\nsub: sets $1 #0\nret`;
    const ran = run(source, engine);
    assertTrap(ran, Trap.stack, at(4));
    assert.equal(ran.machine.bp, forged);
    assert.equal(ran.machine.sp, 0);
  }
});

onBoth("vm: a bp one word above the stack is above it", (engine) => {
  for (const words of [1, 2, 5]) {
    const push = "push $0\n".repeat(words);
    const source = `load $1 #${words + 1}\n${push}call @sub\nret\nsub: sets $1 #0\nret`;
    const ran = run(source, engine);
    assertTrap(ran, Trap.stack, at(words + 2));
    assert.deepEqual([ran.machine.sp, ran.machine.bp], [words, words + 1]);
  }
});

onBoth("vm: a forged bp within the stack takes what stands there", (engine) => {
  const source = "load $0 @end\npush $0\npush $2\npush $2\nload $1 #2\ncall @sub\nret\n" +
    "sub: sets $1 #0\nret\nend: load $5 #9\nhlt";
  const { machine, exit } = run(source, engine);
  assert.deepEqual(exit, { kind: "stopped", code: 0, pc: at(10) });
  assert.deepEqual([machine.registers[5], machine.sp, machine.bp], [9, 0, 0]);
});

onBoth(
  "vm: RET to where no instruction is traps 7 or ends the program, as a jump does",
  (engine) => {
    const source = (target: number) => `${load32(0, target)}call @sub\nhlt\nsub: sets $0 #1\nret`;
    for (const target of [0, 64, at(0) + 2, at(3) + 1]) {
      const ran = run(source(target), engine);
      assertTrap(ran, Trap.badJump, at(5));
      assert.deepEqual([ran.machine.sp, ran.machine.bp], [0, 0], "RET itself was done");
    }
    for (const target of [at(6), 0x7fff_fffc, -4]) {
      assertStopped(run(source(target), engine), 1, target >>> 0);
    }
  },
);

onBoth("vm: jumps by register to nowhere", (engine) => {
  for (const target of [0, 64, 67, at(1) + 2]) {
    const ran = run(`${load32(0, target)}nop\njmp $0`, engine);
    assertTrap(ran, Trap.badJump, at(3));
    assert.equal(ran.machine.fuelUsed, 4);
  }
  for (const target of [at(4), at(4) + 1, -1, -0x8000_0000]) {
    const ran = run(`${load32(0, target)}nop\njmp $0`, engine);
    assertStopped(ran, 1, target >>> 0);
    assert.equal(ran.machine.fuelUsed, 4, "no fuel for what is not there");
    assert.equal(ran.machine.pc, target >>> 0);
  }
  assertTrap(run("eq $0 $0\njmpe $0", engine), Trap.badJump, at(1));
  assertTrap(run("load $0 #1\njmpf $0", engine), Trap.badJump, at(1));
  assertTrap(run("load $0 #70\njmpb $0", engine), Trap.badJump, at(1));
  assertStopped(run("load $0 #1000\njmpb $0", engine), 1, at(1) + 2 - 1_000 >>> 0);
  const called = run("load $0 #4\ncallr $0", engine);
  assertTrap(called, Trap.badJump, at(1));
  assert.equal(called.machine.sp, 2, "CALLR itself was done");
});

onBoth("vm: jumps by address to nowhere", (engine) => {
  assertTrap(run("eq $0 $0\ndjmpe #4", engine), Trap.badJump, at(1));
  assertTrap(run("eq $0 $0\ndjmpe #70", engine), Trap.badJump, at(1));
  assertStopped(run("eq $0 $0\ndjmpe #1000", engine), 1, 1_000);
  const looped = run("cloop #3\nloop #2", engine);
  assertTrap(looped, Trap.badJump, at(1));
  assert.equal(looped.machine.loopCounter, 2, "LOOP itself was done");
  const called = run("call #0", engine);
  assertTrap(called, Trap.badJump, at(0));
  assert.equal(called.machine.sp, 2);
  assertStopped(run("call #4000", engine), 1, 4_000);
  assertStopped(run("neq $0 $0\ndjmpe #4", engine), 1, at(2));
});

onBoth("vm: jumps into the read-only data trap 7", (engine) => {
  const readOnly = new Uint8Array(8);
  assertTrap(run("load $0 #72\njmp $0", engine, { readOnly }), Trap.badJump, at(3));
});

onBoth(
  "vm: B27 registers beyond the last and unknown opcodes trap 4 when they are run",
  (engine) => {
    for (
      const word of [0x01_00_20_00, 0x2c_ff_00_00, 0x11_20_00_00, 0x4d_00_00_00, 0xff_00_00_00]
    ) {
      const ran = run(`load $0 #1\n.word #${word}`, engine);
      assertTrap(ran, Trap.illegal, at(1));
      assert.equal(ran.machine.fuelUsed, 2);
    }
    assertStopped(run("hlt\n.word #255", engine), 0);
  },
);

Deno.test("vm: B27 what would trap 4 is said when the image is loaded", () => {
  const { warnings } = decode(imageOf("hlt\nadd $0 $32 $1\n.word #4278190080"));
  assert.deepEqual(warnings, [
    "72: ADD of register 32; it traps 4 if it is run",
    "76: unknown opcode 255; it traps 4 if it is run",
  ]);
  const noise = decode(imageOf(".word #4278190080\n".repeat(50)));
  assert.equal(noise.warnings.length, 21);
});

onBoth("vm: images of version 0 have no instructions from 48 up, but IGL", (engine) => {
  assertTrap(run("heap $0", engine, { version: 0 }), Trap.illegal, at(0));
  assertTrap(run("prti $0", engine, { version: 0 }), Trap.illegal, at(0));
  assertStopped(run("igl", engine, { version: 0 }), 1, at(0));
});

onBoth("vm: B17 addresses have 24 bits in version 1, 16 in version 0", (engine) => {
  const far = `eq $0 $0\ndjmpe @far\nload $1 #1\n${"nop\n".repeat(17_000)}far: hlt`;
  const { machine, exit } = run(far, engine);
  assert.deepEqual([exit.kind, machine.registers[1], machine.fuelUsed], ["stopped", 0, 3]);
  const called = `cloop #1\ncall @far\nhlt\n${
    "nop\n".repeat(17_000)
  }back: ret\nfar: loop @back\nigl`;
  assertStopped(run(called, engine), 0, at(2));
  const readOnly = new Uint8Array(70_000);
  readOnly.set([72, 105], 66_000);
  assert.equal(run("prts #66000", engine, { readOnly }).host.text, "Hi");
  // The C byte counts for nothing there: 0x011234 is 0x1234.
  assertStopped(run("eq $0 $0\ndjmpe #70196", engine, { version: 0 }), 1, 0x1234);
});

onBoth("vm: B26 the heap's bounds, unsigned, at every width", (engine) => {
  const cases: readonly [string, number][] = [
    ["loadm $0 $1", 4],
    ["setm $0 $1", 4],
    ["loadb $0 $1", 1],
    ["setb $0 $1", 1],
    ["loadmf64 $0 $1", 8],
    ["setmf64 $0 $1", 8],
  ];
  for (const [source, size] of cases) {
    for (const offset of [64 - size + 1, 64, 0x7fff_ffff, -1, -size, -0x8000_0000]) {
      assertTrap(run(`${load32(0, offset)}${source}`, engine), Trap.heapRange, at(2));
    }
    for (const offset of [0, 64 - size]) {
      assertStopped(run(`load $0 #${offset}\n${source}`, engine), 1);
    }
  }
});

onBoth("vm: B26 ALOC of a negative size traps 5, beyond the limit 8", (engine) => {
  assertTrap(run(`${load32(0, -1)}aloc $0`, engine), Trap.heapRange, at(2));
  const full = run("load $0 #960\naloc $0\nload $0 #1\naloc $0", engine, { limits: SMALL });
  assertTrap(full, Trap.memoryLimit, at(3));
  assert.equal(full.machine.heap().length, 1_024);
  assert.equal(full.machine.fuelUsed, 4 + 15, "one unit per 64 bytes, none for what was refused");
});

onBoth("vm: the heap grows, keeps what it holds, and is zero where it is new", (engine) => {
  const source = "load $0 #60\nload $1 #77\nsetm $0 $1\nload $2 #100\ncloop #30\n" +
    "more: aloc $2\nheap $3\nload $4 #4\nsub $3 $4 $3\nloadm $3 $5\nadd $6 $5 $6\n" +
    "setm $3 $1\nloop @more\nloadm $0 $7\nheap $8";
  const { machine } = run(source, engine);
  const [, , , , , , sum, kept, length] = machine.registers;
  assert.deepEqual([sum, kept, length], [0, 77, 64 + 31 * 100]);
});

onBoth("vm: the stack grows to its limit, and keeps what it holds", (engine) => {
  const filled = run("more: push $0\ninc $0\neq $1 $1\ndjmpe @more", engine, { limits: SMALL });
  assertTrap(filled, Trap.stack, at(0));
  assert.deepEqual([...filled.machine.stack()], Array.from({ length: 100 }, (_, index) => index));
  const called = run("push $0\nagain: call @again", engine, { limits: SMALL });
  assertTrap(called, Trap.stack, at(1));
  assert.equal(called.machine.sp, 99, "CALL pushes both words or none");
  const byRegister = run("load $0 @at\npush $0\nat: callr $0", engine, { limits: SMALL });
  assertTrap(byRegister, Trap.stack, at(2));
});

onBoth("vm: LOADS and SETS stay within the stack", (engine) => {
  for (const mnemonic of ["loads", "sets"]) {
    assertTrap(run(`push $0\n${mnemonic} $0 #1`, engine), Trap.stack, at(1));
    assertTrap(run(`push $0\n${mnemonic} $0 #65535`, engine), Trap.stack, at(1));
    assertStopped(run(`push $0\n${mnemonic} $0 #0`, engine), 1);
  }
});

onBoth("vm: B42 PRTS without an end, or outside the read-only data, traps 6", (engine) => {
  const readOnly = Uint8Array.of(65, 0, 66, 67);
  assertTrap(run("prts #2", engine, { readOnly }), Trap.readOnlyRange, at(1));
  assertTrap(run("prts #4", engine, { readOnly }), Trap.readOnlyRange, at(1));
  assertTrap(run("prts #0", engine), Trap.readOnlyRange, at(0));
});

onBoth("vm: B42 PRTS writes bytes that are no UTF-8 as they are", (engine) => {
  const { host } = run("prts #0", engine, { readOnly: Uint8Array.of(0xff, 0xc0, 65, 0) });
  assert.deepEqual(host.output, [0xff, 0xc0, 65]);
});

onBoth("vm: read-only loads stay within the read-only data", (engine) => {
  const readOnly = new Uint8Array(12);
  for (const [mnemonic, size] of [["loadro", 4], ["loadrob", 1], ["loadrof64", 8]] as const) {
    for (const offset of [12 - size + 1, -1, -size, 0x7fff_ffff]) {
      const ran = run(`${load32(0, offset)}${mnemonic} $0 $1`, engine, { readOnly });
      assertTrap(ran, Trap.readOnlyRange, at(5));
      assertTrap(run(`${mnemonic} $0 $1`, engine), Trap.readOnlyRange, at(0));
    }
    assertStopped(run(`load $0 #${12 - size}\n${mnemonic} $0 $1`, engine, { readOnly }), 1);
  }
});

onBoth("vm: GETL puts nothing outside the heap", (engine) => {
  const input = ["text"];
  assertTrap(run("load $0 #60\nload $1 #5\ngetl $0 $1 $2", engine, { input }), 5, at(2));
  assertTrap(run(`${load32(1, -1)}getl $0 $1 $2`, engine, { input }), 5, at(2));
});

onBoth("vm: a NaN that is stored is the canonical one", (engine) => {
  const source = `${load32(1, 0xfff8_0001)}load $0 #4\nsetm $0 $1\nload $0 #0\nload $1 #5\n` +
    "setm $0 $1\nloadmf64 $0 $3\nload $0 #8\nsetmf64 $0 $3\ndivf64 $0 $0 $1\nload $0 #16\n" +
    "setmf64 $0 $1";
  const { machine } = run(source, engine);
  const heap = machine.heap();
  const view = new DataView(heap.buffer, heap.byteOffset, heap.length);
  assert.equal(view.getBigUint64(8, true), 0x7ff8_0000_0000_0000n);
  assert.equal(view.getBigUint64(16, true), 0x7ff8_0000_0000_0000n);
});

onBoth("vm: B28 the epsilon of EQF64 and NEQF64 is absolute and strict", (engine) => {
  const flags = (a: number, b: number) =>
    ["eqf64", "neqf64"].map((mnemonic) => {
      const prepare = ({ floats }: { floats: Float64Array }) => floats.set([a, b]);
      return run(`${mnemonic} $0 $1`, engine, { prepare }).machine.flag;
    });
  assert.deepEqual(flags(1, 1), [true, false]);
  assert.deepEqual(flags(0, 2 ** -52), [false, false], "exactly the epsilon is neither");
  assert.deepEqual(flags(0, 2 ** -53), [true, false]);
  assert.deepEqual(flags(0, 2 ** -51), [false, true]);
  assert.deepEqual(flags(Infinity, Infinity), [false, false]);
  assert.deepEqual(flags(Infinity, -Infinity), [false, true]);
  assert.deepEqual(flags(NaN, 1), [false, false]);
});

onBoth("vm: B3 every instruction is four bytes, whatever its operands", (engine) => {
  const source = "load $0 #99\nload $1 #8\naloc $1\npush $1\npop $2\nsetm $1 $2\nloadm $1 $3\nnop";
  const { machine } = run(source, engine);
  assert.deepEqual([...machine.registers.subarray(0, 4)], [99, 8, 8, 8]);
});

onBoth("vm: B4 JMPE that is not taken goes on with the next instruction", (engine) => {
  const { machine } = run("load $5 @no\nneq $0 $0\njmpe $5\nload $0 #1\nhlt\nno: igl", engine);
  assert.equal(machine.registers[0], 1);
});

onBoth("vm: B5 SETM writes", (engine) => {
  const source = `${load32(1, 0x1234_5678)}load $0 #1\nsetm $0 $1`;
  assert.deepEqual([...run(source, engine).machine.heap().subarray(0, 6)], [
    0,
    0x78,
    0x56,
    0x34,
    0x12,
    0,
  ]);
});

onBoth("vm: B29 LOOP runs its body once more than CLOOP says; CALL does not save it", (engine) => {
  const most = run("cloop #65535\nagain: inc $0\nloop @again", engine);
  assert.equal(most.machine.registers[0], 65_536);
  const called = run("cloop #5\ncall @sub\nhlt\nsub: loop @sub\nret", engine);
  assert.equal(called.machine.loopCounter, 0);
});
