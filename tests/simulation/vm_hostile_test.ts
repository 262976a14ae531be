/**
 * Programs that mean harm, ten thousand of them one after the other in one memory: each is stopped and
 * its end has a name, and neither its host nor a neighbour notices.
 */

import assert from "node:assert/strict";
import { below, chance, SeededRandom } from "../../cluster/random.ts";
import { Arena } from "../../vm/arena.ts";
import { engineFor } from "../../vm/engine.ts";
import { HostCalls } from "../../vm/host.ts";
import { type Image, loadImage, makeImage } from "../../vm/image.ts";
import { type Engine, Trap, TRAP_TEXTS, type TrapCode } from "../../vm/machine.ts";
import { Program } from "../../vm/program.ts";
import { createMachine } from "../../vm/state.ts";
import { imageOf } from "../support/vm_image.ts";
import { onBoth, TestHost } from "../support/vm_machines.ts";

const COUNT = 10_000;
const FUEL = 5_000;
const LIMITS = { memoryBytes: 256 * 1024, stackWords: 2_048 };
/** A run of the test needs about 60 MB; without giving anything back it would be over 1 GB. */
const MAX_GROWTH_BYTES = 300_000_000;
const FOREVER = "eq $0 $0\nagain: djmpe @again";

/** Source and the traps that it may end with; none is the end of the image. */
const KINDS: readonly (readonly [string, readonly TrapCode[]])[] = [
  [FOREVER, [Trap.fuelLimit]],
  ["load $0 @here\nhere: jmp $0", [Trap.fuelLimit]],
  ["load $0 #2\njmpb $0", [Trap.fuelLimit]],
  ["eq $0 $0\nagain: prts #0\nprti $0\ndjmpe @again", [Trap.fuelLimit]],
  ["eq $0 $0\nagain: getl $0 $1 $2\neq $0 $0\ndjmpe @again", [Trap.fuelLimit]],
  // The heap: in one piece, in small ones, in growing ones.
  ["load $0 #16384\nlui $0 #0\naloc $0", [Trap.memoryLimit]],
  ["load $0 #700\neq $0 $0\nagain: aloc $0\ndjmpe @again", [Trap.memoryLimit]],
  ["load $0 #1\neq $0 $0\nagain: aloc $0\nadd $0 $0 $0\ndjmpe @again", [Trap.memoryLimit]],
  ["heap $0\ndec $0\nload $1 #255\nsetb $0 $1\ninc $0\nsetb $0 $1", [Trap.heapRange]],
  ["dec $0\nsetm $0 $0", [Trap.heapRange]],
  // The stack: by words, by calls, beyond its bottom, by a forged frame.
  ["eq $0 $0\nagain: push $0\ndjmpe @again", [Trap.stack]],
  ["again: call @again", [Trap.stack]],
  ["load $0 @again\nagain: callr $0", [Trap.stack]],
  ["push $0\npop $0\npop $0", [Trap.stack]],
  ["load $1 #40000\nlui $1 #40000\ncall @sub\nret\nsub: sets $1 #0\nret", [Trap.stack]],
  ["load $0 #3\njmp $0", [Trap.badJump]],
  ["div $0 $1 $2", [Trap.divisionByZero]],
  [".word #4294967295", [Trap.illegal]],
  ["load $0 #9000\nloadro $0 $1", [Trap.readOnlyRange]],
];
const ANY: readonly TrapCode[] = Object.values(Trap);

function noise(random: SeededRandom): Image {
  const code = Uint8Array.from(
    { length: 4 * (1 + below(random, 40)) },
    (_, at) => below(random, at % 4 === 0 ? 77 : chance(random, 700) ? 32 : 256),
  );
  return loadImage(makeImage({ version: 1, readOnly: new Uint8Array(), code }));
}

class Neighbour {
  static readonly #image = imageOf(
    "load $1 #900\nload $2 #255\nload $5 #3000\naloc $5\nfill: push $2\nsetb $4 $2\ninc $4\n" +
      "neq $4 $1\ndjmpe @fill\nagain: inc $0\neq $0 $0\ndjmpe @again",
  );
  readonly #engine: Engine;
  readonly #machine;

  constructor(name: Engine["name"], arena: Arena) {
    this.#engine = engineFor(name, Neighbour.#image);
    this.#machine = createMachine(Neighbour.#image, LIMITS, arena);
  }

  /** Goes on a little, and looks around. */
  check(): void {
    const machine = this.#machine;
    assert.equal(this.#engine.run(machine, 9_000).kind, "outOfFuel");
    assert.equal(machine.sp, 900);
    assert.ok(machine.stack().every((word) => word === 255));
    const heap = machine.heap();
    assert.equal(heap.length, 3_064);
    assert.ok(heap.every((byte, at) => byte === (at < 900 ? 255 : 0)));
  }
}

onBoth(`vm: ${COUNT} programs that mean harm, in one memory`, (name) => {
  const random = new SeededRandom(11);
  const arena = new Arena();
  const neighbour = new Neighbour(name, arena);
  const images = KINDS.map(([source]) => imageOf(source, { readOnly: Uint8Array.of(65, 66, 0) }));
  const before = Deno.memoryUsage().rss;
  const ends = new Map<string, number>();
  let memoryBytes = 0;
  for (let index = 0; index < COUNT; index++) {
    const kind = index % (KINDS.length + 1);
    const image = images[kind] ?? noise(random);
    const end = runOne(image, name, arena);
    const allowed = KINDS[kind]?.[1] ?? ANY;
    assert.ok(end === "stopped" || allowed.includes(end), `${KINDS[kind]?.[0]} ended with ${end}`);
    if (kind < KINDS.length) assert.notEqual(end, "stopped", KINDS[kind]?.[0]);
    const named = end === "stopped" ? end : TRAP_TEXTS[end];
    ends.set(named, (ends.get(named) ?? 0) + 1);
    if (index % 500 === 499) {
      neighbour.check();
      const grown = Deno.memoryUsage().rss - before;
      assert.ok(grown < MAX_GROWTH_BYTES, `${grown} bytes more after ${index} programs`);
    }
    // Each kind has been there twice: from here on, what others have left is enough.
    if (index === 100) memoryBytes = arena.memory.buffer.byteLength;
  }
  assert.equal(arena.memory.buffer.byteLength, memoryBytes, "memory is used again");
  assert.ok(memoryBytes < 2 * 1024 * 1024);
  assert.equal(ends.size, 9, "all but killed, and stopped");
});

function runOne(image: Image, name: Engine["name"], arena: Arena): TrapCode | "stopped" {
  const engine = engineFor(name, image);
  const machine = createMachine(image, LIMITS, arena);
  const calls = new HostCalls(image, new TestHost());
  try {
    for (;;) {
      const exit = engine.run(machine, Math.max(0, FUEL - machine.fuelUsed));
      if (exit.kind === "trap") return exit.code;
      if (exit.kind === "stopped") return "stopped";
      if (exit.kind === "outOfFuel") return Trap.fuelLimit;
      const outcome = calls.perform(exit.call, machine);
      if (typeof outcome === "number") return outcome;
    }
  } finally {
    machine.release();
  }
}

onBoth("vm: whole programs with memories of their own come and go as well", (engine) => {
  const images = KINDS.map(([source]) => imageOf(source, { readOnly: Uint8Array.of(65, 66, 0) }));
  const before = Deno.memoryUsage().rss;
  for (let index = 0; index < 1_000; index++) {
    const kind = index % KINDS.length;
    const options = { engine, limits: LIMITS, fuelLimit: FUEL };
    const program = new Program(images[kind]!, new TestHost(), options);
    while (program.run(1_000).kind === "running");
    const { state } = program;
    assert.ok(state.kind === "trapped" && KINDS[kind]![1].includes(state.code), KINDS[kind]![0]);
    if (index % 100 === 99) assert.ok(Deno.memoryUsage().rss - before < MAX_GROWTH_BYTES);
  }
});
