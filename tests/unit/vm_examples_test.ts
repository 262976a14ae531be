/** The programs in examples/vm: they assemble, do what they say, and come back from their images. */

import assert from "node:assert/strict";
import { hexOf } from "../../cluster/bytes.ts";
import { assemble, formatDiagnostics } from "../../vm/assembler/index.ts";
import { disassemble } from "../../vm/disassembler.ts";
import { loadImage } from "../../vm/image.ts";
import { Program } from "../../vm/program.ts";

const FOLDER = new URL("../../examples/vm/", import.meta.url);

interface Run {
  readonly program: Program;
  readonly output: string;
}

/** Runs an example to its end with these lines of input. */
async function run(name: string, input: readonly string[] = [], random = 0): Promise<Run> {
  const source = await Deno.readTextFile(new URL(`${name}.iasm`, FOLDER));
  const image = loadImage(assemble(source).image!);
  const encoder = new TextEncoder();
  const output: number[] = [];
  const lines = [...input];
  const program = new Program(image, {
    write: (bytes) => void output.push(...bytes),
    hasRoom: () => true,
    readLine: () => lines.length === 0 ? "end" : encoder.encode(lines.shift()),
    clockMs: () => 0,
    random32: () => random,
  }, { fuelLimit: 50_000_000 });
  const state = program.run(Infinity);
  assert.equal(state.kind, "stopped", name);
  return { program, output: new TextDecoder().decode(new Uint8Array(output)) };
}

Deno.test("all examples assemble, and come back from their images byte for byte", async () => {
  const names: string[] = [];
  for await (const { name } of Deno.readDir(FOLDER)) names.push(name);
  assert.ok(names.length >= 8);
  for (const name of names) {
    const source = await Deno.readTextFile(new URL(name, FOLDER));
    assert.ok(source.startsWith("; "), `${name} says what it is`);
    for (const debug of [false, true]) {
      const { image, diagnostics } = assemble(source, { fileName: name, debug });
      const said = formatDiagnostics(diagnostics, source, { fileName: name });
      if (name === "counting_loop.iasm") assert.match(said[0]!, /warning\[InsufficientSections\]/);
      else assert.deepEqual(said, []);
      assert.equal(hexOf(assemble(disassemble(image!)).image!), hexOf(image!), name);
    }
  }
});

Deno.test("examples in Iridium's own style end with the registers that they promise", async () => {
  assert.equal((await run("loop")).program.machine.registers[1], 31);
  assert.equal((await run("counting_loop")).program.machine.registers[2], 100);
  const { registers } = (await run("call")).program.machine;
  assert.deepEqual([...registers.subarray(0, 5)], [500, 3, 4, 12, 0]);
});

Deno.test("hello, fibonacci and sieve print what they promise", async () => {
  assert.equal((await run("hello")).output, "Hello, world!\n");
  const numbers = (await run("fibonacci")).output.trimEnd().split("\n");
  assert.equal(numbers.length, 30);
  assert.deepEqual(numbers.slice(0, 7), ["0", "1", "1", "2", "3", "5", "8"]);
  assert.equal(numbers.at(-1), "514229");
  const primes = (await run("sieve")).output.trim().split(" ");
  assert.equal(primes.length, 168);
  assert.deepEqual([...primes.slice(0, 5), primes.at(-1)], ["2", "3", "5", "7", "11", "997"]);
});

Deno.test("mandelbrot draws a picture that is the same upside down", async () => {
  const rows = (await run("mandelbrot")).output.slice(0, -1).split("\n");
  assert.equal(rows.length, 25);
  assert.ok(rows.every((row) => row.length === 72));
  assert.ok(rows[12]!.includes("@@@@@@@@"), rows[12]);
  assert.equal(rows[2], rows[22]);
});

Deno.test("guess answers guesses, and what is none", async () => {
  // 41 mod 100, and one more.
  const { output } = await run("guess", ["50", "20", "x1", "", "42"], 41);
  assert.deepEqual(output.split("Your guess: "), [
    "I think of a number from 1 to 100.\n",
    "Too high.\n",
    "Too low.\n",
    "That is no number.\n",
    "That is no number.\n",
    "Right! Guesses: 3\n",
  ]);
  assert.ok((await run("guess", ["1"], -1)).output.endsWith("Your guess: \nBye.\n"));
});
