/** Programs in slices: fuel to the unit, input, kill, events. */

import assert from "node:assert/strict";
import { engineFor } from "../../vm/engine.ts";
import { Program, type ProgramOptions } from "../../vm/program.ts";
import { createMachine } from "../../vm/state.ts";
import { imageOf } from "../support/vm_image.ts";
import { onBoth, TestHost } from "../support/vm_machines.ts";

function programOf(source: string, options: ProgramOptions, input: readonly string[] = []) {
  const host = new TestHost();
  host.input.push(...input);
  const image = imageOf(source, { readOnly: new TextEncoder().encode("hello, world\0") });
  return { host, program: new Program(image, host, options) };
}

const LOOP = "load $1 #1000\nagain: inc $0\nneq $0 $1\ndjmpe @again\nhlt";

onBoth("vm: a slice ends after exactly its fuel, and the next one goes on", (engine) => {
  const { program } = programOf(LOOP, { engine });
  let slices = 0;
  while (program.run(7).kind === "running") {
    slices++;
    assert.equal(program.machine.fuelUsed, 7 * slices);
  }
  assert.deepEqual(program.state, { kind: "stopped", code: 0 });
  assert.equal(program.machine.fuelUsed, 1 + 3 * 1_000 + 1);
  assert.equal(slices, Math.floor(3_002 / 7));
});

onBoth("vm: the fuel limit is exact", (engine) => {
  const enough = programOf(LOOP, { engine, fuelLimit: 3_002 }).program;
  assert.deepEqual(enough.run(1e9), { kind: "stopped", code: 0 });
  for (const slice of [1, 10, 1e9]) {
    const short = programOf(LOOP, { engine, fuelLimit: 3_001 }).program;
    while (short.run(slice).kind === "running");
    assert.deepEqual(short.state, { kind: "trapped", code: 9, pc: short.image.entry + 16 });
    assert.equal(short.machine.fuelUsed, 3_001);
  }
});

onBoth("vm: the end of the image needs no fuel", (engine) => {
  const { program } = programOf("nop\nnop", { engine, fuelLimit: 2 });
  assert.deepEqual(program.run(2), { kind: "stopped", code: 1 });
  assert.equal(program.machine.fuelUsed, 2);
});

onBoth("vm: output and ALOC cost one unit more per 64 bytes, paid before going on", (engine) => {
  const { program, host } = programOf("prts #0\nprti $0\nhlt", { engine });
  assert.equal(program.run(1).kind, "running");
  assert.equal(host.text, "hello, world");
  assert.deepEqual([program.machine.fuelUsed, program.machine.fuelOwed], [2, 1]);
  program.run(1);
  assert.deepEqual([program.machine.fuelUsed, host.text], [2, "hello, world"]);
  program.run(1);
  assert.deepEqual([program.machine.fuelUsed, host.text], [4, "hello, world0"]);
  assert.deepEqual(program.run(2), { kind: "stopped", code: 0 });
  const aloc = programOf("load $0 #6400\naloc $0\nhlt", { engine, fuelLimit: 50 }).program;
  assert.deepEqual(aloc.run(1e9), { kind: "trapped", code: 9, pc: aloc.image.entry + 8 });
});

onBoth("vm: GETL waits, gives long lines in pieces, and says when there is no more", (engine) => {
  const source = "load $1 #4\nagain: getl $0 $1 $2\nprti $2\ndjmpe @again\nhlt";
  const { program, host } = programOf(source, { engine }, [
    "wait",
    "wait",
    "123456789",
    "",
    "1234",
  ]);
  assert.equal(program.run(1e6).kind, "waiting");
  const used = program.machine.fuelUsed;
  assert.equal(program.run(1e6).kind, "waiting");
  assert.equal(program.machine.fuelUsed, used, "waiting costs nothing");
  assert.deepEqual(program.run(1e6), { kind: "stopped", code: 0 });
  assert.equal(host.text, "441040");
});

onBoth("vm: events tell of the start and of the end", (engine) => {
  const kinds = (program: Program) =>
    program.events.map((event) => event.kind === "Start" ? "Start" : `${event.kind} ${event.code}`);
  const ran = (source: string, options: ProgramOptions = {}) => {
    const { program } = programOf(source, { engine, ...options });
    program.run(1_000);
    return program;
  };
  assert.deepEqual(kinds(ran("hlt")), ["Start", "GracefulStop 0"]);
  assert.deepEqual(kinds(ran("igl")), ["Start", "GracefulStop 1"]);
  assert.deepEqual(kinds(ran("nop")), ["Start", "GracefulStop 1"]);
  assert.deepEqual(kinds(ran("div $0 $0 $0")), ["Start", "Crash 2"]);
  assert.deepEqual(kinds(ran(LOOP, { fuelLimit: 5 })), ["Start", "Crash 9"]);
  const killed = ran(LOOP);
  killed.kill();
  killed.kill();
  assert.deepEqual(kinds(killed), ["Start", "Crash 10"]);
  assert.equal(killed.run(1_000).kind, "trapped");
});

onBoth("vm: B44 reset puts everything back but the fuel used and the events", (engine) => {
  const source = "load $0 #5\nitof $0 $3\npush $0\nsetm $0 $0\naloc $0\ncloop #5\neq $0 $0\nhlt";
  const { program } = programOf(source, { engine });
  const { machine } = program;
  const seen = () => [
    ...[machine.pc, machine.sp, machine.bp, machine.loopCounter, machine.remainder],
    ...[machine.flag, ...machine.registers, ...machine.floats, ...machine.heap()],
  ];
  const before = seen();
  program.run(1_000);
  const fuel = machine.fuelUsed;
  assert.notDeepEqual(seen(), before);
  program.reset();
  assert.deepEqual(seen(), before);
  assert.equal(machine.fuelUsed, fuel);
  assert.deepEqual(program.run(1_000), { kind: "stopped", code: 0 });
  assert.equal(machine.fuelUsed, 2 * fuel);
  assert.equal(program.events.length, 4);
});

onBoth("vm: whoever holds a machine may move its pc; nowhere is found without fuel", (engine) => {
  const image = imageOf("nop\nhlt");
  const machine = createMachine(image);
  machine.pc = 72;
  assert.deepEqual(engineFor(engine, image).run(machine, 5), { kind: "stopped", code: 0, pc: 72 });
  machine.pc = 70;
  assert.deepEqual(engineFor(engine, image).run(machine, 0), { kind: "trap", code: 7, pc: 70 });
  machine.pc = 0xffff_fff0;
  assert.deepEqual(engineFor(engine, image).run(machine, 0), {
    kind: "stopped",
    code: 1,
    pc: 0xffff_fff0,
  });
});

onBoth(
  "vm: without room for output a program waits at the instruction, and prints once",
  (engine) => {
    const { program, host } = programOf("prti $0\nprts #0\nclock $1 $2\nhlt", { engine });
    host.full = true;
    for (let n = 0; n < 3; n++) {
      assert.deepEqual(program.run(1e9), { kind: "waiting", for: "output" });
      assert.deepEqual([program.machine.pc, program.machine.fuelUsed], [program.image.entry, 1]);
    }
    host.full = false;
    assert.deepEqual(program.run(1e9), { kind: "stopped", code: 0 });
    assert.equal(host.text, "0hello, world");
    assert.equal(program.machine.fuelUsed, 4 + 2);
  },
);
