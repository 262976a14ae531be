/** How programs become WebAssembly: regions, deep nesting, where translated code can be entered, falling back. */

import assert from "node:assert/strict";
import { decode } from "../../vm/decode.ts";
import { engineFor } from "../../vm/engine.ts";
import { HostCalls } from "../../vm/host.ts";
import { Interpreter } from "../../vm/interpreter.ts";
import type { Engine, Machine } from "../../vm/machine.ts";
import { createMachine } from "../../vm/state.ts";
import { MAX_TRANSLATED_INSTRUCTIONS, WasmEngine } from "../../vm/wasm/engine.ts";
import { translateProgram } from "../../vm/wasm/module.ts";
import { cutRegions, GRANULE, MAX_REGION } from "../../vm/wasm/regions.ts";
import { NO_LOG } from "../../cluster/log.ts";
import { imageOf } from "../support/vm_image.ts";
import { runImage, TestHost } from "../support/vm_machines.ts";

/** Functions that call one another over all distances, and loop. */
function functions(count: number): string {
  const lines = ["load $9 #3", "call @f0", "hlt"];
  for (let i = 0; i < count; i++) {
    lines.push(`f${i}: inc $0`, "load $1 #0", `l${i}: inc $1`, "add $2 $1 $2", "neq $1 $9");
    lines.push(`djmpe @l${i}`, `load $3 #${count - 1}`, `load $4 #${i}`, "eq $3 $4");
    lines.push(`djmpe @e${i}`, `call @f${Math.min(count - 1, i + 1)}`, `e${i}: ret`);
  }
  return lines.join("\n");
}

function seen(machine: Machine): unknown {
  const { pc, sp, bp, flag, loopCounter, fuelUsed } = machine;
  return [...machine.registers, ...machine.stack(), pc, sp, bp, flag, loopCounter, fuelUsed];
}

Deno.test("vm: a long program runs the same in regions, in slices of every size", () => {
  const image = imageOf(functions(500));
  for (const slice of [700, 1_500, 3_000, 1e9]) {
    const [one, other] = ["interpreter", "wasm"].map((name) => {
      const machine = createMachine(image);
      const engine = engineFor(name as Engine["name"], image);
      let exit = engine.run(machine, slice);
      while (exit.kind === "outOfFuel") exit = engine.run(machine, slice);
      return { exit, seen: seen(machine) };
    });
    assert.deepEqual(other, one);
  }
});

Deno.test("vm: what benchmarks compare with counts no fuel, and computes the same", () => {
  const program = decode(imageOf(functions(500)));
  for (const maxRegion of [GRANULE, MAX_REGION]) {
    const [plain, counted] = [false, true].map((countsFuel) => {
      const machine = createMachine(program.image);
      const exit = new WasmEngine(program, { countsFuel, maxRegion }).run(machine, 1e9);
      return { exit, registers: machine.registers, fuelUsed: machine.fuelUsed };
    });
    assert.deepEqual([plain!.exit, plain!.registers], [counted!.exit, counted!.registers]);
    assert.ok(plain!.fuelUsed < counted!.fuelUsed / 100);
  }
});

Deno.test("vm: regions are whole granules, none too long, and cover the program", () => {
  const program = decode(imageOf(functions(1_000)));
  const regions = cutRegions(program, MAX_REGION);
  let end = 0;
  for (const region of regions) {
    assert.equal(region.start, end);
    assert.equal(region.start % GRANULE, 0);
    assert.ok(region.end - region.start <= MAX_REGION);
    end = region.end;
  }
  assert.equal(end, program.instructions);
  assert.ok(regions.length <= 2 * program.instructions / MAX_REGION + 1);
});

Deno.test("vm: a cut goes around a loop rather than through it", () => {
  // The loop lies across the middle of where the cut may be.
  const source = `${"nop\n".repeat(800)}again: ${"nop\n".repeat(680)}eq $0 $1\ndjmpe @again\n` +
    "nop\n".repeat(800);
  const program = decode(imageOf(source));
  const [first] = cutRegions(program, MAX_REGION);
  assert.ok(first!.end <= 800 || first!.end >= 1_482, `cut at ${first!.end}`);
});

Deno.test("vm: heads of loops, return sites and what follows a host call can be entered", () => {
  const source = "load $0 #3\nagain: dec $0\nneq $0 $1\ndjmpe @again\ncall @sub\nprti $0\nhlt\n" +
    "sub: nop\nret";
  const { entries } = translateProgram(decode(imageOf(source)));
  assert.deepEqual([...entries.keys()].filter((index) => entries[index] === 1), [0, 1, 5, 6]);
});

Deno.test("vm: addresses that are loaded can be entered if the program jumps by register", () => {
  const source =
    "load $0 @there\nnop\nnop\nload $1 #10\nhere: jmpf $1\nnop\nthere: nop\nthen: nop\nhlt";
  const { entries } = translateProgram(decode(imageOf(source)));
  assert.deepEqual([...entries.keys()].filter((index) => entries[index] === 1), [0, 6, 7]);
});

Deno.test("vm: so can addresses in the read-only data, at any offset", () => {
  const source = "loadro $0 $1\ncallr $1\nhlt\nnop\nnop\nnop";
  const readOnly = Uint8Array.of(65, 0, 68 + 8 + 16, 0, 0, 0);
  const { entries } = translateProgram(decode(imageOf(source, { readOnly })));
  assert.deepEqual([...entries.keys()].filter((index) => entries[index] === 1), [0, 2, 4]);
});

Deno.test("vm: where jumps lead that nobody could foresee, can be entered after a while", () => {
  // JMPF goes over 0, 1, 2 ... of the INCs, by a number that is computed.
  const source = "load $9 #8\nload $8 #20000\nagain: inc $0\nload $1 #3\nand $0 $1 $2\n" +
    "shl $2 #2\ninc $2\ninc $2\njmpf $2\ninc $3\ninc $4\ninc $5\ninc $6\nneq $0 $8\n" +
    "djmpe @again\nhlt";
  const image = imageOf(source);
  const reference = runImage(image, "interpreter");
  for (const slice of [100, 1e9]) {
    const engine = new WasmEngine(decode(image));
    const machine = createMachine(image);
    while (engine.run(machine, slice).kind === "outOfFuel");
    assert.deepEqual(seen(machine), seen(reference.machine));
    assert.equal(engine.translations, 2);
  }
});

Deno.test("vm: host calls, and growing, are no reason to translate again", () => {
  const image = imageOf("load $8 #5000\nagain: push $0\nprti $0\ninc $0\nneq $0 $8\ndjmpe @again");
  const host = new TestHost();
  const calls = new HostCalls(image, host);
  const engine = new WasmEngine(decode(image));
  const machine = createMachine(image);
  for (;;) {
    const exit = engine.run(machine, 1e6);
    if (exit.kind !== "host") break;
    calls.perform(exit.call, machine);
  }
  assert.equal(machine.sp, 5_000);
  assert.equal(engine.translations, 1);
});

Deno.test("vm: thousands of blocks in a row, nested as deep, translate and run", () => {
  for (const count of [700, 5_000]) {
    // Each branch leads to the end, so that each next block is dominated by all before it.
    const source = `load $1 #9\n${
      "eq $0 $1\ndjmpe @end\ninc $0\ndec $0\n".repeat(count)
    }end: inc $0\nhlt`;
    const image = imageOf(source);
    const [one, other] = [runImage(image, "interpreter"), runImage(image, "wasm")];
    assert.deepEqual(seen(other.machine), seen(one.machine));
    assert.equal(other.machine.registers[0], 1);
  }
});

Deno.test("vm: every instruction its own target: as many entries as instructions", () => {
  const lines = Array.from({ length: 1_400 }, (_, i) => `l${i}: load $0 @l${(i * 7 + 1) % 1_400}`);
  const image = imageOf(`${lines.join("\n")}\njmp $0`);
  const limited = { fuel: 50_000 };
  const [one, other] = [runImage(image, "interpreter", limited), runImage(image, "wasm", limited)];
  assert.deepEqual(seen(other.machine), seen(one.machine));
});

Deno.test("vm: what cannot be compiled is interpreted, and that is said once", () => {
  const lines: string[] = [];
  const log = { ...NO_LOG, warn: (line: string) => lines.push(line) };
  const image = imageOf("load $0 #1\nhlt");
  assert.equal(engineFor("auto", image, log).name, "wasm");
  const { Module } = WebAssembly;
  try {
    WebAssembly.Module = class extends Module {
      constructor() {
        super(new Uint8Array());
      }
    };
    assert.equal(engineFor("auto", image, log).name, "interpreter");
    assert.throws(() => engineFor("wasm", image), WebAssembly.CompileError);
  } finally {
    WebAssembly.Module = Module;
  }
  assert.equal(lines.length, 1);
  assert.match(lines[0]!, /^program is interpreted, which is slower: WebAssembly.Module/);
});

Deno.test("vm: a program that would take seconds to translate is interpreted", () => {
  const image = imageOf("hlt\n");
  const program = { ...decode(image), instructions: MAX_TRANSLATED_INSTRUCTIONS + 1 };
  assert.throws(() => new WasmEngine(program), RangeError);
});

Deno.test("vm: engines take turns on one machine", () => {
  const image = imageOf(functions(50));
  const program = decode(image);
  const engines = [new Interpreter(program), new WasmEngine(program)];
  const machine = createMachine(image);
  let turn = 0;
  while (engines[turn++ % 2]!.run(machine, 777).kind === "outOfFuel");
  const alone = createMachine(image);
  engines[0]!.run(alone, 1e9);
  assert.deepEqual(seen(machine), seen(alone));
});

Deno.test("vm: single steps come to the same as a run", () => {
  const image = imageOf(
    "load $0 #3\nagain: call @sub\ndec $0\nneq $0 $1\ndjmpe @again\nhlt\nsub: ret",
  );
  const interpreter = new Interpreter(decode(image));
  const [stepped, ran] = [createMachine(image), createMachine(image)];
  let steps = 1;
  while (interpreter.step(stepped).kind === "outOfFuel") steps++;
  interpreter.run(ran, 1_000);
  assert.deepEqual(seen(stepped), seen(ran));
  assert.equal(steps, ran.fuelUsed);
  assert.equal(stepped.fuelOwed, 0);
});
