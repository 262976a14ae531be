/** `deno task bench [NAME] [ARGS]`: runs one benchmark, or says which there are. */

import { report, reportTable } from "./support.ts";

interface Bench {
  readonly file: string;
  readonly says: string;
  readonly flags?: readonly string[];
}

const BENCHES: Readonly<Record<string, Bench>> = {
  start: { file: "start.ts", says: "how soon a command answers, and a first program (10 s)" },
  idle: { file: "idle.ts", says: "CPU and memory of idle nodes, beside serf (3 min)" },
  press: { file: "reminder/press.ts", says: "press to lights, beside mosquitto (3 min)" },
  vm: { file: "vm/engines.ts", says: "the VM's engines, beside other languages (1 min)" },
  "vm-length": { file: "vm/translation.ts", says: "translating and running long programs (1 min)" },
  "vm-assembler": { file: "vm/assembler.ts", says: "lines a second, both ways (20 s)" },
  house: { file: "cluster/house.ts", says: "crashes and partitions, beside serf; root (8 min)" },
  membership: {
    file: "cluster/membership.ts",
    says: "failure detection, simulated: crash | quiet | all, and a scale (20 min)",
  },
  "membership-scale": {
    file: "cluster/membership_scale.ts",
    says: "the membership core alone at 50, 500 and 5000 (1 min, 8 GB)",
    flags: ["--v8-flags=--max-old-space-size=16000"],
  },
};

const [name = "", ...args] = Deno.args;
const bench = BENCHES[name];
if (bench === undefined) {
  report("deno task bench NAME [ARGS]", "");
  reportTable(Object.entries(BENCHES).map(([name, { says }]) => [name, says]));
  Deno.exit(name === "" ? 0 : 2);
}
const path = new URL(bench.file, import.meta.url).pathname;
const command = new Deno.Command(Deno.execPath(), {
  args: ["run", "-A", "--unstable-net", ...bench.flags ?? [], path, ...args],
});
Deno.exit((await command.spawn().status).code);
