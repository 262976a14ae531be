import assert from "node:assert/strict";
import { MNEMONICS } from "../../vm/isa.ts";
import { Trap } from "../../vm/machine.ts";
import { count, fuzz } from "./vm_fuzz.ts";

/** Programs of every run; with TOOLKIT_TEST_ALL many, and others every day. */
const everything = Deno.env.has("TOOLKIT_TEST_ALL");
const SEEDS = everything ? 20_000 : 2_000;
const FRESH_SEEDS = everything ? 5_000 : 0;

Deno.test(`vm: ${SEEDS} random programs are the same on all engines`, () => {
  for (let seed = 1; seed <= SEEDS; seed++) fuzz(seed);
});

Deno.test({
  name: `vm: ${FRESH_SEEDS} random programs that nobody has seen before`,
  ignore: FRESH_SEEDS === 0,
  fn() {
    const first = Math.floor(Date.now() / 86_400_000) * 100_000;
    for (let seed = first; seed < first + FRESH_SEEDS; seed++) fuzz(seed);
  },
});

Deno.test("vm: random programs do all that programs can do", () => {
  const counts = new Map<string, number>();
  for (let seed = 1; seed <= 1_000; seed++) count(seed, counts);
  const seldom = (what: string, least: number) => (counts.get(what) ?? 0) < least;
  const ending = new Set(["HLT", "IGL"]);
  assert.deepEqual(MNEMONICS.filter((name) => seldom(name, ending.has(name) ? 1 : 50)), []);
  const ends = [...counts.keys()].join("\n");
  for (const code of [0, 1]) assert.match(ends, new RegExp(`"stopped","code":${code},`));
  // These come from those who run a program, not from the program.
  const outside: readonly number[] = [Trap.fuelLimit, Trap.killed];
  for (const code of Object.values(Trap).filter((code) => !outside.includes(code))) {
    const told = new RegExp(`"trap","code":${code},|"host".* ${code}$`, "m");
    assert.match(ends, told);
  }
});
