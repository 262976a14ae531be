/** Repeats swarm runs: `deno task simulate SEED [COUNT]`; a single one prints its trace. */

import { Swarm, Violation } from "./swarm.ts";

const [first = "1", count = "1"] = Deno.args;
let failed = 0;
for (let seed = Number(first); seed < Number(first) + Number(count); seed++) {
  const swarm = new Swarm(seed);
  try {
    const { traceHash, events, faults } = swarm.run();
    if (Number(count) === 1) print(...swarm.cluster.world.trace.last(2_000));
    print(`seed ${seed}: ok, ${events} events, trace ${traceHash}, faults: ${faults.join(" ")}`);
  } catch (error) {
    if (!(error instanceof Violation)) throw error;
    failed++;
    print(...(Number(count) === 1 ? swarm.cluster.world.trace.last(2_000) : error.trace));
    print(error.message);
  }
}
if (failed > 0) {
  print(`${failed} of ${count} seeds fail`);
  Deno.exit(1);
}

function print(...lines: readonly string[]): void {
  // deno-lint-ignore no-console -- it is a report
  for (const line of lines) console.log(line);
}
