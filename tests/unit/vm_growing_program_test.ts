/** Programs that grow line by line: what a line costs, and which engine runs them. */

import assert from "node:assert/strict";
import { below, SeededRandom } from "../../cluster/random.ts";
import { assemble } from "../../vm/assembler/index.ts";
import { decode } from "../../vm/decode.ts";
import { type Image, loadImage } from "../../vm/image.ts";
import { Interpreter } from "../../vm/interpreter.ts";
import type { Machine } from "../../vm/machine.ts";
import { createMachine } from "../../vm/state.ts";
import { GrowingCode } from "../../vm/repl/growing_code.ts";
import { GrowingProgram, type Outcome } from "../../vm/repl/growing_program.ts";
import { NameIndex } from "../../vm/repl/name_index.ts";
import { imageOf, instruction } from "../support/vm_image.ts";
import { runImage, TestHost } from "../support/vm_machines.ts";

const EXAMPLES = new URL("../../examples/vm/", import.meta.url);

/** Goes on until it is over or waits; `fuel` is that of a slice. */
function finish(program: GrowingProgram, fuel = 1_000_000): Outcome {
  for (;;) {
    const outcome = program.run(fuel);
    if (outcome.kind !== "running") return outcome;
  }
}

function seen(machine: Machine, host: TestHost): unknown {
  const { pc, sp, bp, flag, loopCounter, remainder, fuelUsed } = machine;
  const specials = { pc, sp, bp, flag, loopCounter, remainder, fuelUsed };
  const { registers, floats } = machine;
  const { output } = host;
  return { specials, registers, floats, stack: machine.stack(), heap: machine.heap(), output };
}

Deno.test("growing: a line takes time for what it adds, however much is there", () => {
  const program = new GrowingProgram(new TestHost());
  const started = performance.now();
  for (let line = 0; line < 20_000; line++) {
    program.append(`l${line}: inc $0 djmpe @l${Math.max(0, line - 1)}`);
    finish(program);
    program.placeText(program.machine.pc - 4);
  }
  // Ten times what it takes; to do everything anew for each line takes minutes.
  assert.ok(performance.now() - started < 8_000);
  assert.equal(program.machine.registers[0], 20_000);
  assert.equal(program.end, 68 + 20_000 * 8);
});

Deno.test("growing: what has grown is what would have been loaded and decoded at once", () => {
  const random = new SeededRandom(7);
  for (const version of [0, 1] as const) {
    const image = imageOf("djmpe @end\nheap $1\nend: nop\n.word #4294967295", {
      version,
      readOnly: Uint8Array.of(1, 2, 3),
    });
    const original = image.bytes.slice();
    const code = new GrowingCode(image);
    const first = code.decoded;
    for (let i = 0; i < 200; i++) {
      const raise = i === 100 ? 1 : 0;
      const piece = Array.from({ length: below(random, 9) }, () => [
        ...instruction(raise === 1 ? "HEAP" : "LOAD", below(random, 40), below(random, 65_536)),
      ]).flat();
      code.append(Uint8Array.from(piece), raise);
      const expected = decode(loadImage(code.image.bytes.slice()));
      const { decoded } = code;
      assert.deepEqual({ ...code.image, warnings: [] }, expected.image);
      assert.deepEqual(decoded.code.subarray(0, expected.code.length), expected.code);
      assert.deepEqual(
        [decoded.image, decoded.entry, decoded.bytes, decoded.instructions],
        [code.image, expected.entry, expected.bytes, expected.instructions],
      );
    }
    assert.equal(code.image.version, 1);
    assert.deepEqual(image.bytes, original, "the image itself is as it was");
    assert.deepEqual(first, decode(image), "and so is what was made of it");
  }
});

Deno.test("growing: a loaded file runs on the fast engine until something is added", () => {
  const program = new GrowingProgram(new TestHost());
  const engine = () => program.engine.name;
  const image = imageOf("again: inc $0\ndjmpe @again\nhlt");
  assert.equal(engine(), "interpreter");
  program.append("inc $0");
  assert.equal(engine(), "interpreter");
  program.replace(image, []);
  assert.equal(engine(), "wasm");
  program.breakpoints.add(72);
  assert.equal(engine(), "interpreter");
  program.breakpoints.delete(72);
  assert.equal(engine(), "wasm");
  program.append("bogus");
  assert.equal(engine(), "wasm", "nothing was added");
  finish(program);
  program.reset();
  assert.equal(engine(), "wasm");
  program.append("inc $0");
  assert.equal(engine(), "interpreter");
  program.reset();
  assert.equal(engine(), "interpreter");
  program.replace(image, []);
  assert.equal(engine(), "wasm");
  program.clear();
  assert.equal(engine(), "interpreter");
});

Deno.test("growing: it is the fast engine that does the work", () => {
  const program = new GrowingProgram(new TestHost());
  program.replace(imageOf("load $1 #30000\nlui $1 #0\nagain: dec $1\ndjmpe @again"), []);
  const { engine } = program;
  const run = engine.run.bind(engine);
  let given = 0;
  engine.run = (machine, fuel) => {
    given += fuel;
    return run(machine, fuel);
  };
  program.run(3);
  assert.equal(given, 3);
});

/** The program of a file, to its end, with engines, steps and slices as dice tell. */
function runMixed(
  image: Image,
  input: readonly string[],
  seed: number,
  engines: Set<string>,
): unknown {
  const random = new SeededRandom(seed);
  const host = new TestHost();
  host.input.push(...input);
  const program = new GrowingProgram(host);
  program.replace(image, []);
  // Nothing ever begins there, but it is in the way of the fast engine.
  const nowhere = 2;
  let outcome: Outcome = { kind: "running" };
  while (outcome.kind === "running" || outcome.kind === "waiting") {
    switch (below(random, 4)) {
      case 0:
        outcome = program.step();
        break;
      case 1:
        program.breakpoints.add(nowhere);
        engines.add(program.engine.name);
        outcome = program.run(1 + below(random, 5_000));
        program.breakpoints.delete(nowhere);
        break;
      default:
        engines.add(program.engine.name);
        outcome = program.run(1 + below(random, 200_000));
    }
  }
  return [outcome, seen(program.machine, host)];
}

Deno.test("growing: nothing tells which engine it was, nor when they took turns", async () => {
  const engines = new Set<string>();
  for await (const { name } of Deno.readDir(EXAMPLES)) {
    const { image } = assemble(await Deno.readTextFile(new URL(name, EXAMPLES)));
    const loaded = loadImage(image!);
    const input = ["wait", "50", "x", "wait", "20", "70"];
    const { machine, host, exit } = runImage(loaded, "interpreter", {
      fuel: 1e9,
      input: input.filter((line) => line !== "wait"),
    });
    assert.equal(exit.kind, "stopped", name);
    const { code } = exit as { code: number };
    const expected = [{ kind: "stopped", code }, seen(machine, host)];
    for (let seed = 1; seed <= 5; seed++) {
      const actual = runMixed(loaded, input, seed, engines);
      assert.deepEqual(actual, expected, `${name}, seed ${seed}`);
    }
  }
  assert.equal(engines.size, 2);
});

Deno.test("growing: slices end before the same instruction on both engines", () => {
  const image = imageOf("again: inc $0\npush $0\npop $1\nadd $0 $1 $2\neq $3 $3\ndjmpe @again");
  for (const slice of [1, 7, 100, 12_345, 1_000_000]) {
    const program = new GrowingProgram(new TestHost());
    program.replace(image, []);
    program.run(slice);
    const machine = createMachine(image);
    new Interpreter(decode(image)).run(machine, slice);
    assert.deepEqual(seen(program.machine, new TestHost()), seen(machine, new TestHost()));
  }
});

Deno.test("growing: code that is added goes on where the fast engine left the machine", () => {
  const program = new GrowingProgram(new TestHost());
  const { image, symbols } = assemble(
    ".data\n.code\nload $1 #50000\nagain: inc $0\npush $0\nneq $0 $1\ndjmpe @again\nhlt",
  );
  program.replace(loadImage(image!), symbols);
  program.run(100_003);
  const [before, { sp }] = [program.machine.registers[0]!, program.machine];
  assert.ok(before > 10_000 && before < 50_000);
  program.append("pop $2 pop $3 djmpe @again");
  assert.equal(finish(program).kind, "stopped");
  assert.equal(program.machine.registers[0], 50_000);
  assert.equal(program.machine.sp, sp - 2 + 50_000 - before);
});

Deno.test("growing: cleared code leaves no names behind, those of debug information neither", () => {
  const program = new GrowingProgram(new TestHost());
  const source = ".data\ntext: .asciiz 'x'\n.code\nthere: djmpe @there\nhlt";
  const { image, symbols } = assemble(source, { debug: true });
  const loaded = loadImage(image!);
  program.replace(loaded, symbols);
  assert.match(program.placeText(loaded.entry), /\(there\): djmpe @there$/);
  program.clear();
  program.append(`djmpe #${loaded.entry} prts @text`);
  assert.equal(program.placeText(loaded.entry), `${loaded.entry}: djmpe #${loaded.entry}`);
  assert.match(program.placeText(loaded.entry + 4), /: prts @text$/);
});

Deno.test("growing: a label that is declared again names its new place only", () => {
  const program = new GrowingProgram(new TestHost());
  program.append("x: y: inc $0 z: inc $0");
  assert.match(program.placeText(68), /^68 \(y\)/);
  program.append("y: inc $0 djmpe @x djmpe @y");
  assert.match(program.placeText(68), /^68 \(x\)/);
  assert.match(program.placeText(76), /^76 \(y\)/);
  assert.match(program.placeText(80), /^80 \(y \+ 4\): djmpe @x$/);
  assert.match(program.placeText(84), /^84 \(y \+ 8\): djmpe @y$/);
});

Deno.test("NameIndex tells the same as a look at all names", () => {
  const random = new SeededRandom(3);
  const index = new NameIndex();
  let all: { name: string; section: "data" | "code"; value: number }[] = [];
  for (let round = 0; round < 2_000; round++) {
    const value = 4 * below(random, 30);
    const section = below(random, 3) === 0 ? "data" : "code";
    if (below(random, 3) > 0 || all.length === 0) {
      const symbol = { name: `n${round}`, section, value } as const;
      index.add(symbol);
      all.push(symbol);
    } else {
      const [gone] = all.splice(below(random, all.length), 1);
      index.remove(gone!);
    }
    if (round === 1_000) {
      index.clear();
      all = [];
    }
    const here = all.filter((symbol) => symbol.section === section && symbol.value === value);
    assert.deepEqual(index.at(section, value), here.map(({ name }) => name));
    const below_ = all.filter((symbol) => symbol.section === "code" && symbol.value <= value);
    const nearest = Math.max(...below_.map((symbol) => symbol.value));
    const best = below_.findLast((symbol) => symbol.value === nearest);
    assert.equal(index.labelBefore(value), best);
  }
});
