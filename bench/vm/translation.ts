/**
 * What length costs: programs of 100 to 100 000 instructions, which are functions that call one another across
 * regions; translating, then running on both engines.
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

/** Functions, each of 16 instructions. */
const FUNCTIONS = [6, 60, 600, 6_000];
/** Calls from outside, spread over the functions; each is some ten thousand instructions long. */
const CALLS = 20;
const ROUNDS = 20;
const SLICE_FUEL = 1_000_000;
/** In which V8 optimises what is hot. */
const WARM_MS = 4_000;

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

if (import.meta.main) {
  report(machine(), "");
  const rows = [[
    "instructions",
    "translated in",
    "wasm, first run",
    "wasm, warm",
    "interpreter, warm",
  ]];
  translateProgram(decode(imageOfLength(FUNCTIONS[0]!))); // so that this code itself is warm
  for (const count of FUNCTIONS) {
    const image = imageOfLength(count);
    const program = decode(image);
    const started = performance.now();
    translateProgram(program);
    const ms = performance.now() - started;
    const wasm = engineFor("wasm", image);
    const interpreter = engineFor("interpreter", image);
    const paces = [pace(wasm, image), warmPace(wasm, image), warmPace(interpreter, image)];
    const cells = paces.map((ns) => `${ns.toFixed(2)} ns`);
    rows.push([String(program.instructions), `${ms.toFixed(1)} ms`, ...cells]);
  }
  reportTable(rows);
}
