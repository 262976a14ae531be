import assert from "node:assert/strict";
import { Swarm } from "./swarm.ts";

/** Seeds of every run; with TOOLKIT_TEST_ALL many, and others every day. */
const everything = Deno.env.has("TOOLKIT_TEST_ALL");
const SEEDS = everything ? 400 : 40;
const FRESH_SEEDS = everything ? 100 : 0;

Deno.test(`simulated: ${SEEDS} swarms of faults end with one membership and one state`, () => {
  for (let seed = 1; seed <= SEEDS; seed++) new Swarm(seed).run();
});

Deno.test({
  name: `simulated: ${FRESH_SEEDS} swarms that nobody has seen before`,
  ignore: FRESH_SEEDS === 0,
  fn() {
    // A failing seed names itself and the command that repeats it.
    const first = Math.floor(Date.now() / 86_400_000) * 1_000;
    for (let seed = first; seed < first + FRESH_SEEDS; seed++) new Swarm(seed).run();
  },
});

Deno.test("simulated: the same seed gives the same trace, byte for byte, another seed another", () => {
  const traceOf = (seed: number) => {
    const swarm = new Swarm(seed);
    const { traceHash, events } = swarm.run();
    return { traceHash, events, last: swarm.cluster.world.trace.last(2_000) };
  };
  for (const seed of [5, 13, 36]) assert.deepEqual(traceOf(seed), traceOf(seed));
  assert.notEqual(traceOf(5).traceHash, traceOf(13).traceHash);
});
