/** Where machines live: areas in one memory, and several machines side by side in it. */

import assert from "node:assert/strict";
import { Arena } from "../../vm/arena.ts";
import { engineFor } from "../../vm/engine.ts";
import { DEFAULT_LIMITS } from "../../vm/machine.ts";
import { createMachine, Layout, wordOf } from "../../vm/state.ts";
import { imageOf } from "../support/vm_image.ts";
import { onBoth } from "../support/vm_machines.ts";

Deno.test("Arena gives areas that do not overlap, zero, and reuses what comes back", () => {
  const arena = new Arena();
  const one = arena.allocate(100)!;
  const other = arena.allocate(100)!;
  assert.ok(other >= one + 100);
  new Uint8Array(arena.memory.buffer, one, 100).fill(7);
  arena.release(one, 100);
  const again = arena.allocate(90)!;
  assert.equal(again, one, "of the same power of two");
  assert.ok(new Uint8Array(arena.memory.buffer, again, 90).every((byte) => byte === 0));
  const large = arena.allocate(1_000_000)!;
  assert.ok(large + 1_000_000 <= arena.memory.buffer.byteLength);
  assert.equal(arena.allocate(2 ** 33), undefined, "more than a memory has");
});

Deno.test("a machine begins small", () => {
  const machine = createMachine(imageOf("hlt"));
  assert.equal(machine.heap().length, 64);
  assert.equal(machine.views().stack.length, 64);
  assert.equal(machine.pc, 68);
  assert.ok(machine.arena.memory.buffer.byteLength <= 65_536);
});

Deno.test("the fields of a block are words of their own", () => {
  const fields = Object.keys(Layout).filter((field) =>
    field !== "bytes"
  ) as (keyof typeof Layout)[];
  assert.equal(new Set(fields.map(wordOf)).size, fields.length);
  for (const field of fields) assert.ok(Layout[field] % 4 === 0 && Layout[field] < Layout.bytes);
  assert.ok(Layout.floats >= 32 * 4 && Layout.flag >= Layout.floats + 32 * 8);
});

onBoth("vm: machines in one memory do not see one another while they grow", (name) => {
  const source = "load $1 #500\nmore: push $0\npush $0\naloc $2\nsetm $3 $0\ninc $4\nneq $4 $1\n" +
    "djmpe @more\nhlt";
  const image = imageOf(source);
  const engine = engineFor(name, image);
  const arena = new Arena();
  const machines = Array.from({ length: 8 }, (_, index) => {
    const machine = createMachine(image, DEFAULT_LIMITS, arena);
    machine.registers[0] = 0x1111 * index;
    machine.registers[2] = 10 + index;
    machine.registers[3] = 8 * index;
    return machine;
  });
  for (let running = 8; running > 0;) {
    running = 0;
    for (const machine of machines) {
      if (engine.run(machine, 100).kind === "outOfFuel") running++;
    }
  }
  machines.forEach((machine, index) => {
    const value = 0x1111 * index;
    assert.equal(machine.sp, 1_000);
    assert.ok(machine.stack().every((word) => word === value));
    const heap = machine.heap();
    assert.equal(heap.length, 64 + 500 * (10 + index));
    assert.equal(new DataView(heap.buffer, heap.byteOffset).getInt32(8 * index, true), value);
    assert.equal(heap.reduce((sum, byte) => sum + byte, 0), 2 * 0x11 * index);
  });
});
