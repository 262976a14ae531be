/**
 * The two engines beside each other and beside other languages: five programs, each contestant once in
 * every round, the best of the rounds; then ratios, their geometric means, and what they have to be. What
 * a typical round of ours is slower than the best one is the noise of the machine.
 *
 *     deno run -A bench/vm/engines.ts [ROUNDS]
 */

import process from "node:process";
import { assert } from "../../cluster/errors.ts";
import { imageOf } from "../../tests/support/vm_image.ts";
import { decode } from "../../vm/decode.ts";
import { engineFor } from "../../vm/engine.ts";
import type { Image } from "../../vm/image.ts";
import type { Engine } from "../../vm/machine.ts";
import { createMachine } from "../../vm/state.ts";
import { WasmEngine } from "../../vm/wasm/engine.ts";
import { geometricMean, machine, percentile, report, reportTable } from "../support.ts";
import { GCC, LUA, LUAJIT, LUAJIT_OFF, PEERS, PYTHON, type Runner, type Timed } from "./peers.ts";
import { type BenchProgram, PROGRAMS } from "./programs.ts";

const ROUNDS = 5;
/** Short programs get more rounds, until so much time has gone: one disturbance is as long as they are. */
const MIN_MS = 8_000;
/** As a program that shares its thread is run. */
const SLICE_FUEL = 1_000_000;
/** So that V8 has optimised translated code before it is compared with other translated code. */
const WARM_RUNS = 3;

const WASM = "wasm";
const INTERPRETER = "interpreter";
const WARM = "warm, fuel";
const WARM_FREE = "warm, no fuel";

interface Timings {
  readonly best: Timed;
  /** Of all rounds. */
  readonly all: readonly number[];
  /** Milliseconds that all threads of this process worked, in the best round; of our engines only. */
  readonly cpuMs: number | undefined;
}

/** By contestant. */
type Row = ReadonlyMap<string, Timings>;

/** Until the end, in slices. */
function runToEnd(engine: Engine, image: Image, resultIn: number): Timed & { fuel: number } {
  const started = performance.now();
  const machine = createMachine(image);
  let exit = engine.run(machine, SLICE_FUEL);
  while (exit.kind === "outOfFuel") exit = engine.run(machine, SLICE_FUEL);
  const ms = performance.now() - started;
  return { ms, result: machine.registers[resultIn]!, fuel: machine.fuelUsed };
}

/** From the image to the end: translating and compiling count. */
function coldRunner(image: Image, name: Engine["name"], resultIn: number): Runner {
  return () => {
    const started = performance.now();
    const { result } = runToEnd(engineFor(name, image), image, resultIn);
    return { ms: performance.now() - started, result };
  };
}

/** With an engine that has run the program before. */
function warmRunner(image: Image, countsFuel: boolean, resultIn: number): Runner {
  const engine = new WasmEngine(decode(image), { countsFuel });
  for (let i = 0; i < WARM_RUNS; i++) runToEnd(engine, image, resultIn);
  return () => runToEnd(engine, image, resultIn);
}

async function race(
  runners: ReadonlyMap<string, Runner>,
  rounds: number,
): Promise<Map<string, Timings>> {
  const timings = new Map<string, Timings>();
  const enough = performance.now() + MIN_MS;
  for (let round = 0; round < rounds || performance.now() < enough; round++) {
    for (const [name, run] of runners) {
      const before = process.cpuUsage();
      const timed = await run();
      const { user, system } = process.cpuUsage(before);
      const last = timings.get(name);
      const isBest = last === undefined || timed.ms < last.best.ms;
      const isOurs = name === WASM || name === INTERPRETER;
      timings.set(name, {
        best: isBest ? timed : last.best,
        all: [...last?.all ?? [], timed.ms],
        cpuMs: isBest && isOurs ? (user + system) / 1_000 : last?.cpuMs,
      });
    }
  }
  return timings;
}

async function rowOf(program: BenchProgram, rounds: number, folder: string): Promise<Row> {
  const image = imageOf(program.source);
  const { resultIn } = program;
  const runners = new Map<string, Runner>([
    [WASM, coldRunner(image, "wasm", resultIn)],
    [INTERPRETER, coldRunner(image, "interpreter", resultIn)],
    [WARM, warmRunner(image, true, resultIn)],
    [WARM_FREE, warmRunner(image, false, resultIn)],
  ]);
  for (const peer of PEERS) {
    if (peer.isHere) runners.set(peer.name, await peer.prepare(program, folder));
  }
  const timings = await race(runners, rounds);
  const expected = timings.get(WASM)!.best.result;
  for (const [name, { best }] of timings) {
    assert(best.result === expected, `${program.name}, ${name}: ${best.result}, not ${expected}`);
  }
  return timings;
}

/** How many times as long as the WebAssembly engine somebody takes. */
function ratio(row: Row, name: string): number {
  return row.get(name)!.best.ms / row.get(WASM)!.best.ms;
}

interface Goal {
  readonly what: string;
  /** The contestants whose times are divided. */
  readonly of: readonly [string, string];
  readonly atLeast?: number;
  readonly atMost?: number;
  /** Leaves out what LuaJIT cannot do as we do. */
  readonly fairOnly?: boolean;
}

const GOALS: readonly Goal[] = [
  { what: "as fast as LuaJIT -joff", of: [LUAJIT_OFF, WASM], atLeast: 3.5, fairOnly: true },
  { what: "as fast as Lua 5.4", of: [LUA, WASM], atLeast: 3.5 },
  { what: "as fast as Python 3", of: [PYTHON, WASM], atLeast: 30 },
  { what: "as fast as our interpreter", of: [INTERPRETER, WASM], atLeast: 8 },
  { what: "the time of gcc -O2", of: [WASM, GCC], atMost: 3 },
  { what: "the time of LuaJIT", of: [WASM, LUAJIT], atMost: 1.5, fairOnly: true },
  { what: "the time without fuel", of: [WARM, WARM_FREE], atMost: 1.2 },
];

function goalRow(goal: Goal, rows: readonly Row[]): string[] {
  const { what, of: [slow, fast], atLeast, atMost, fairOnly = false } = goal;
  const counted = rows.filter((row, index) =>
    row.has(slow) && row.has(fast) && !(fairOnly && PROGRAMS[index]!.isUnfairToLuaJit)
  );
  const wanted = atLeast === undefined ? `at most ${atMost} ×` : `at least ${atLeast} ×`;
  if (counted.length === 0) return [what, "–", wanted, "not installed"];
  const mean = geometricMean(
    counted.map((row) => row.get(slow)!.best.ms / row.get(fast)!.best.ms),
  );
  const isReached = mean >= (atLeast ?? 0) && mean <= (atMost ?? Infinity);
  const without = fairOnly ? " without random numbers" : "";
  return [what + without, `${mean.toFixed(2)} ×`, wanted, isReached ? "reached" : "NOT REACHED"];
}

function reportAll(rows: readonly Row[], fuel: readonly number[], rounds: number): void {
  const names = [WASM, INTERPRETER, ...PEERS.map(({ name }) => name)];
  const table = (cell: (row: Row, name: string) => string) => [
    ["program", ...names],
    ...rows.map((row, index) => [
      PROGRAMS[index]!.name,
      ...names.map((name) => row.has(name) ? cell(row, name) : "–"),
    ]),
  ];
  report("", `milliseconds, best of ${rounds} rounds or more`, "");
  reportTable(table((row, name) => row.get(name)!.best.ms.toFixed(1)));
  report("", "as multiples of wasm; what takes longer is above 1", "");
  const means = names.map((name) => {
    const ratios = rows.flatMap((row) => row.has(name) ? [ratio(row, name)] : []);
    return ratios.length === 0 ? "–" : geometricMean(ratios).toFixed(2);
  });
  reportTable([
    ...table((row, name) => ratio(row, name).toFixed(2)),
    ["geometric mean", ...means],
  ]);
  report("", "our engines: first round, fuel, and nanoseconds of CPU an instruction", "");
  reportTable([
    ["program", "wasm, first", "fuel costs", "wasm, CPU", "interpreter, CPU", "noise"],
    ...rows.map((row, index) => {
      const { all, best } = row.get(WASM)!;
      const cost = row.get(WARM)!.best.ms / row.get(WARM_FREE)!.best.ms - 1;
      const cpu = (name: string) => `${(row.get(name)!.cpuMs! * 1e6 / fuel[index]!).toFixed(2)} ns`;
      return [
        PROGRAMS[index]!.name,
        `${all[0]!.toFixed(1)} ms`,
        `${(100 * cost).toFixed(0)} %`,
        cpu(WASM),
        cpu(INTERPRETER),
        `${(100 * (percentile(all, 0.5) / best.ms - 1)).toFixed(0)} %`,
      ];
    }),
  ]);
  report("", "geometric means, and what they have to be", "");
  reportTable([["", "measured", "wanted", ""], ...GOALS.map((goal) => goalRow(goal, rows))]);
}

if (import.meta.main) {
  const rounds = Number(Deno.args[0] ?? ROUNDS);
  report(machine());
  const missing = PEERS.filter(({ isHere }) => !isHere).map(({ name }) => name);
  if (missing.length > 0) report(`not installed, and left out: ${missing.join(", ")}`);
  const rows: Row[] = [];
  const fuel: number[] = [];
  const folder = await Deno.makeTempDir({ prefix: "toolkit-bench-" });
  try {
    for (const program of PROGRAMS) {
      rows.push(await rowOf(program, rounds, folder));
      const image = imageOf(program.source);
      fuel.push(runToEnd(engineFor("wasm", image), image, program.resultIn).fuel);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
  reportAll(rows, fuel, rounds);
}
