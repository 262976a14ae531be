/** `deno task demo`: what toolkit does, shown on one machine in half a minute. `--keep` lets it run. */

import { CliContext } from "../../cli/context.ts";
import { formatFailure } from "../../cli/failure.ts";
import { coreStory, House, leaving } from "./core.ts";
import { keepRunning } from "./keep.ts";
import { Story } from "./story.ts";
import { vmLine } from "./vm.ts";

/** A demo that takes longer has failed; the first download is before it. */
const LIMIT_MS = 30_000;

const context = new CliContext(Deno.env.toObject());
const keep = Deno.args.includes("--keep");
const unknown = Deno.args.find((arg) => arg !== "--keep");
if (unknown !== undefined) {
  context.note(`error: no argument ${unknown}`, "  try: deno task demo, or deno task demo --keep");
  Deno.exit(2);
}
if (keep && !(context.terminal.stdinIsTerminal && context.terminal.stdoutIsTerminal)) {
  context.note("error: --keep needs a terminal");
  Deno.exit(2);
}
const house = await House.build();

async function tell(): Promise<void> {
  const story = new Story(context, "toolkit: a handful of small machines act as one");
  const limit = setTimeout(() => void fail(new Error("it took more than 30 s")), LIMIT_MS);
  await coreStory(context, story, house);
  await vmLine(story);
  clearTimeout(limit);
  if (keep) await keepRunning(context, house);
  await leaving(story, house);
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
