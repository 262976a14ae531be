/**
 * `deno task demo`: what toolkit does, shown on one machine in half a minute. `--keep` lets it run;
 * `deno task demo vm` tells more of that part.
 */

import { CliContext } from "../../cli/context.ts";
import { formatFailure } from "../../cli/failure.ts";
import { CORE_CONFIG, coreStory } from "./core.ts";
import { House } from "./house.ts";
import { keepRunning } from "./keep.ts";
import { Story } from "./story.ts";
import { VM_CONFIG, vmLine, vmStory } from "./vm.ts";

/** A demo that takes longer has failed; the first download is before it. */
const LIMIT_MS = 30_000;

const context = new CliContext(Deno.env.toObject());
const keep = Deno.args.includes("--keep");
const isVm = Deno.args[0] === "vm";
const unknown = Deno.args.slice(isVm ? 1 : 0).find((arg) => isVm || arg !== "--keep");
if (unknown !== undefined) {
  context.note(`error: no argument ${unknown}`, "  try: deno task demo, demo --keep or demo vm");
  Deno.exit(2);
}
if (keep && !(context.terminal.stdinIsTerminal && context.terminal.stdoutIsTerminal)) {
  context.note("error: --keep needs a terminal");
  Deno.exit(2);
}
const house = await House.build(isVm ? VM_CONFIG : CORE_CONFIG);

async function tell(): Promise<void> {
  const story = new Story(context, "toolkit: a handful of small machines act as one");
  const limit = setTimeout(() => void fail(new Error("it took more than 30 s")), LIMIT_MS);
  if (isVm) await vmStory(context, story, house);
  else {
    await coreStory(context, story, house);
    await vmLine(story);
  }
  clearTimeout(limit);
  if (keep) await keepRunning(context, house);
  await house.stopAll(story);
  story.end();
}

async function fail(error: unknown): Promise<never> {
  context.note(formatFailure(error, context.errorPaint, true));
  for (const node of house.nodes) context.note(...node.lastWords(10));
  await house.tearDown();
  Deno.exit(1);
}

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  Deno.addSignalListener(signal, () => void house.tearDown().finally(() => Deno.exit(130)));
}
try {
  await tell();
} catch (error) {
  await fail(error);
}
await house.tearDown();
Deno.exit(0);
