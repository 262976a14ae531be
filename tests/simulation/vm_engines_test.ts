import { fuzz } from "./vm_fuzz.ts";

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
