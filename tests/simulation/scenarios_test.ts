import assert from "node:assert/strict";
import { plant, PLANTED_BUGS, type PlantedBug } from "../../cluster/planted.ts";
import { type Scenario, SCENARIOS } from "./scenarios.ts";
import { Swarm } from "./swarm.ts";

/** Seeds for every scenario; more of them with TOOLKIT_TEST_ALL. */
const SEEDS = Deno.env.has("TOOLKIT_TEST_ALL") ? 100 : 15;

for (const [name, run] of Object.entries(SCENARIOS)) {
  Deno.test(`simulated: ${name}`, () => {
    for (let seed = 1; seed <= SEEDS; seed++) run(seed);
  });
}

/** By what, and within how many seeds, each planted bug is found. */
const FOUND_BY: Readonly<Record<PlantedBug, readonly [Scenario | "swarm", number]>> = {
  "gossip-never-retires": ["swarm", 1],
  "no-refutation": ["swarm", 10],
  "no-list-exchange": ["swarm", 3],
  "no-reclaim": [
    "after a partition of ten seconds or ten minutes all is one again within three",
    15,
  ],
  "ack-before-save": ["what another node has acknowledged survives a power cut of both", 10],
  "no-digests": [
    "after a partition of ten seconds or ten minutes all is one again within three",
    3,
  ],
  "no-repeat": ["a press is everywhere within a second and a half, at ten percent loss", 5],
  "no-skew-bound": [
    "who was alone with a fast clock is refused, told so, and follows the house",
    3,
  ],
  "local-clock-stamps": [
    "ten nodes without a clock chip after a power cut: the house is not frozen",
    3,
  ],
};

for (const bug of PLANTED_BUGS) {
  const [finder, seeds] = FOUND_BY[bug];
  Deno.test(`simulated: the planted bug ${bug} is found within ${seeds} seeds`, () => {
    using _ = plant(bug);
    for (let seed = 1; seed <= seeds; seed++) {
      try {
        if (finder === "swarm") new Swarm(seed).run();
        else SCENARIOS[finder](seed);
      } catch (error) {
        // A fault of the test itself proves nothing.
        if (error instanceof assert.AssertionError) return;
        if (error instanceof Error && error.message.startsWith(`seed ${seed}: `)) return;
        throw error;
      }
    }
    assert.fail("nobody noticed");
  });
}
