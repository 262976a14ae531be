/**
 * What length costs: programs of 100 to 200 000 instructions, which are functions that call one another across
 * regions; translating, then running on both engines. And loops that are longer than a region.
 *
 *     deno run -A bench/vm/translation.ts
 */

import { imageOf } from "../../tests/support/vm_image.ts";
import { decode } from "../../vm/decode.ts";
import { engineFor } from "../../vm/engine.ts";
import type { Image } from "../../vm/image.ts";
import type { Engine } from "../../vm/machine.ts";
import { createMachine } from "../../vm/state.ts";
import { translateProgram } from "../../vm/wasm/module.ts";
import { machine, report, reportTable } from "../support.ts";

/** Functions, each of 16 instructions; each number but the first is about twice the one before. */
const FUNCTIONS = [6, 60, 600, 3_000, 6_000, 12_000];
/** Calls from outside, spread over the functions; each is some ten thousand instructions long. */
const CALLS = 20;
const ROUNDS = 20;
const SLICE_FUEL = 1_000_000;
/** In which V8 optimises what is hot. */
const WARM_MS = 4_000;
const TRANSLATIONS = 5;

/** Of one loop; what the longest costs for each instruction, beside the shortest. */
const LOOP_LENGTHS = [1_000, 5_000, 20_000];
const MAX_LOOP_RATIO = 1.5;
const LOOP_INSTRUCTIONS = 20_000_000;
/** Of what is twice as long. */
const MAX_DOUBLE_RATIO = 2.3;

/** fib, whose one half is the next function and whose other half is itself. */
function fib(number: number, count: number): string {
  return `fib${number}: load $2 #2
lt $0 $2
djmpe @base${number}
push $0
dec $0
call @fib${(number + 1) % count}
pop $0
push $1
load $2 #2
sub $0 $2 $0
call @fib${number}
pop $2
add $1 $2 $1
ret
base${number}: add $0 $31 $1
ret
`;
}

function imageOfLength(count: number): Image {
  const calls = Array.from(
    { length: CALLS },
    (_, call) => `load $0 #15\ncall @fib${Math.floor(call * count / CALLS)}\n`,
  );
  const functions = Array.from({ length: count }, (_, number) => fib(number, count));
  return imageOf(
    `load $21 #${ROUNDS}\nround: ${calls.join("")}inc $20\nlt $20 $21\ndjmpe @round\nhlt\n` +
      functions.join(""),
  );
}

/** One loop with so many instructions in it: arithmetic, with a jump over two instructions in ten. */
function loopOf(length: number): Image {
  const pieces = Array.from({ length: length / 10 }, (_, piece) => {
    const [a, b, c] = [piece % 7, piece % 11 + 7, piece % 5 + 18];
    return `add $${a} $${b} $${c}\nxor $${c} $${a} $${b}\ninc $${a}\nmul $${a} $${c} $${b}\n` +
      `sub $${b} $${a} $${c}\nlt $${a} $${b}\ndjmpe @skip${piece}\ninc $${c}\nor $${a} $${c} $${a}\n` +
      `skip${piece}: and $${b} $${c} $${b}\n`;
  });
  const turns = LOOP_INSTRUCTIONS / length;
  return imageOf(
    `load $31 #${turns}\nload $30 #0\nagain: ${pieces.join("")}inc $30\nlt $30 $31\n` +
      "djmpe @again\nhlt\n",
  );
}

/** Nanoseconds per instruction, with the engine made before. */
function pace(engine: Engine, image: Image): number {
  const machine = createMachine(image);
  const started = performance.now();
  while (engine.run(machine, SLICE_FUEL).kind === "outOfFuel");
  return (performance.now() - started) * 1e6 / machine.fuelUsed;
}

/** The best of all runs of some seconds. */
function warmPace(engine: Engine, image: Image): number {
  const end = performance.now() + WARM_MS;
  let best = Infinity;
  while (performance.now() < end) best = Math.min(best, pace(engine, image));
  return best;
}

/** Milliseconds, the best of some. */
function translationTime(image: Image): number {
  let best = Infinity;
  for (let i = 0; i < TRANSLATIONS; i++) {
    const started = performance.now();
    translateProgram(decode(image));
    best = Math.min(best, performance.now() - started);
  }
  return best;
}

function verdict(isReached: boolean): string {
  return isReached ? "reached" : "NOT REACHED";
}

function reportLengths(): void {
  const heading = ["instructions", "translated in", "wasm, first run", "wasm, warm", "interpreter"];
  const rows = [heading];
  const times: number[] = [];
  /** Of the longest program. */
  let [warm, interpreted] = [NaN, NaN];
  for (const count of FUNCTIONS) {
    const image = imageOfLength(count);
    times.push(translationTime(image));
    const wasm = engineFor("wasm", image);
    const first = pace(wasm, image);
    warm = warmPace(wasm, image);
    interpreted = pace(engineFor("interpreter", image), image);
    rows.push([
      String(decode(image).instructions),
      `${times.at(-1)!.toFixed(1)} ms`,
      ...[first, warm, interpreted].map((ns) => `${ns.toFixed(2)} ns`),
    ]);
  }
  reportTable(rows);
  report(`warm, the longest is ${(interpreted / warm).toFixed(1)} × as fast as interpreted`);
  const ratio = times.at(-1)! / times.at(-2)!;
  report(
    `twice as long is translated in ${ratio.toFixed(2)} × the time ` +
      `(at most ${MAX_DOUBLE_RATIO} ×): ${verdict(ratio <= MAX_DOUBLE_RATIO)}`,
  );
}

function reportLoops(): void {
  const rows = [["loop of", "wasm, first run", "wasm, warm", "interpreter, warm"]];
  const paces: number[] = [];
  for (const length of LOOP_LENGTHS) {
    const image = loopOf(length);
    const wasm = engineFor("wasm", image);
    const first = pace(wasm, image);
    paces.push(warmPace(wasm, image));
    const cells = [first, paces.at(-1)!, warmPace(engineFor("interpreter", image), image)];
    rows.push([`${length} instructions`, ...cells.map((ns) => `${ns.toFixed(2)} ns`)]);
  }
  reportTable(rows);
  const ratio = paces.at(-1)! / paces[0]!;
  report(
    `an instruction of the longest loop costs ${ratio.toFixed(2)} × one of the shortest ` +
      `(aim: ${MAX_LOOP_RATIO} ×): ${verdict(ratio <= MAX_LOOP_RATIO)}`,
  );
}

if (import.meta.main) {
  report(machine(), "");
  translateProgram(decode(imageOfLength(FUNCTIONS[1]!))); // so that this code itself is warm
  reportLengths();
  report("");
  reportLoops();
}
