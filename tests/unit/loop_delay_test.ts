import assert from "node:assert/strict";
import { LoopDelay } from "../../cluster/loop_delay.ts";

Deno.test("LoopDelay tells the worst delay of the last minute, and of all time", () => {
  const delay = new LoopDelay(0);
  delay.note(1_003, 1_000);
  delay.note(2_040, 2_000);
  delay.note(2_100, 2_200);
  assert.equal(delay.recentMs(3_000), 40);
  delay.note(30_007, 30_000);
  assert.equal(delay.recentMs(55_000), 40);
  assert.equal(delay.recentMs(66_000), 7, "the 40 ms are more than a minute old");
  assert.equal(delay.recentMs(1_000_000), 0);
  assert.equal(delay.maxMs, 40);
});
