/**
 * The two engines beside each other and beside other languages: five programs, the best of five runs each,
 * as ratios to the WebAssembly engine.
 *
 *     deno run -A bench/vm/engines.ts [RUNS]
 */

import { imageOf } from "../../tests/support/vm_image.ts";
import { assert } from "../../cluster/errors.ts";
import { engineFor } from "../../vm/engine.ts";
import type { Engine } from "../../vm/machine.ts";
import { createMachine } from "../../vm/state.ts";
import { machine, report, reportTable } from "../support.ts";
import { PEERS } from "./peers.ts";
import { type BenchProgram, PROGRAMS } from "./programs.ts";

const RUNS = 5;
/** As a program that shares its thread is run. */
const SLICE_FUEL = 1_000_000;

interface Timed {
  readonly ms: number;
  readonly result: number;
}

/** From the image to the end: translating and compiling count. */
function runEngine({ source, resultIn }: BenchProgram, name: Engine["name"]): Timed {
  const image = imageOf(source);
  const started = performance.now();
  const engine = engineFor(name, image);
  const machine = createMachine(image);
  let exit = engine.run(machine, SLICE_FUEL);
  while (exit.kind === "outOfFuel") exit = engine.run(machine, SLICE_FUEL);
  return { ms: performance.now() - started, result: machine.registers[resultIn]! };
}

async function best(runs: number, run: () => Promise<Timed> | Timed): Promise<Timed> {
  let best = await run();
  for (let i = 1; i < runs; i++) {
    const timed = await run();
    if (timed.ms < best.ms) best = timed;
  }
  return best;
}

async function rowOf(program: BenchProgram, runs: number, folder: string): Promise<string[]> {
  const wasm = await best(runs, () => runEngine(program, "wasm"));
  const ratio = ({ ms, result }: Timed) => {
    assert(result === wasm.result, `${program.name}: ${result} instead of ${wasm.result}`);
    return (ms / wasm.ms).toFixed(2);
  };
  const row = [program.name, `${wasm.ms.toFixed(1)} ms`, "1"];
  row.push(ratio(await best(runs, () => runEngine(program, "interpreter"))));
  for (const peer of PEERS) {
    row.push(peer.isHere ? ratio(await best(runs, () => peer.run(program, folder))) : "–");
  }
  return row;
}

if (import.meta.main) {
  const runs = Number(Deno.args[0] ?? RUNS);
  report(machine(), "", "time as a multiple of the WebAssembly engine's; smaller is faster", "");
  const rows = [["program", "wasm", "wasm", "interpreter", ...PEERS.map(({ name }) => name)]];
  const folder = await Deno.makeTempDir();
  try {
    for (const program of PROGRAMS) rows.push(await rowOf(program, runs, folder));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
  reportTable(rows);
}
