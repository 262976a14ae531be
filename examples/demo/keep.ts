/** The demo left running: live strips of all nodes, and keys that press, kill and start. */

import type { CliContext } from "../../cli/context.ts";
import { END_KEYS, readKeys } from "../../cli/keys.ts";
import { formatTable } from "../../cli/table.ts";
import { describeReminder, drawStrip } from "../../reminder/commands/text.ts";
import { DEFAULT_LAMP_COUNT, divideStrip } from "../../reminder/lights/strip.ts";
import type { ReminderReport } from "../../reminder/report.ts";
import { colourOf, type Level, OFF, type Rgb } from "../../reminder/urgency.ts";
import type { House } from "./house.ts";
import type { DemoNode } from "./node.ts";

const REDRAW_MS = 250;

interface Status {
  readonly reminders: readonly ReminderReport[];
  readonly cluster_time: string;
}

/** Settled when the person has had enough. Needs a terminal. */
export async function keepRunning(context: CliContext, house: House): Promise<void> {
  const { terminal, paint } = context;
  context.print("");
  let redrawing = true;
  let killing = false;
  const ended = Promise.withResolvers<void>();
  const stopKeys = readKeys((key) => {
    if (END_KEYS.includes(key)) return ended.resolve();
    const node = /^[1-9]$/.test(key) ? house.nodes[Number(key) - 1] : undefined;
    if (node !== undefined && killing) void (node.running ? node.kill() : node.start());
    else if (node?.running) {
      void house.ask(context, node, "reminder.done", { name: "cat-litter" }).catch(() => {});
    }
    killing = key === "k";
  });
  const draw = async () => {
    while (redrawing) {
      const rows = await Promise.all(house.nodes.map((node, i) => rowOf(context, house, node, i)));
      if (!redrawing) return;
      const keys = killing
        ? "kill, or start again, which one? (1-3)"
        : "1-3: done in that room · k and a number: kill it, or start it again · q: quit";
      terminal.live([
        ...formatTable(rows),
        "",
        paint.dim("an hour is a second here"),
        paint.dim(keys),
      ]);
      await new Promise((resolve) => setTimeout(resolve, REDRAW_MS));
    }
  };
  const drawn = draw();
  await ended.promise;
  redrawing = false;
  await drawn;
  terminal.live([]);
  stopKeys();
  for (const node of house.nodes) if (!node.running) await node.start();
}

async function rowOf(
  context: CliContext,
  house: House,
  node: DemoNode,
  index: number,
): Promise<string[]> {
  const { paint } = context;
  const name = `${paint.dim(String(index + 1))} ${node.alias}`;
  if (!node.running) return [name, drawStrip(stripOf(OFF), paint), paint.red("killed")];
  try {
    const status = await house.ask(context, node, "reminder.status") as unknown as Status;
    const report = status.reminders[0]!;
    const level = report.level.replaceAll("_", " ") as Level;
    const colour = report.dark === null ? colourOf(level, performance.now()) : OFF;
    const [, ...words] = describeReminder(report, Date.parse(status.cluster_time), paint);
    return [name, drawStrip(stripOf(colour), paint), ...words];
  } catch {
    return [name, drawStrip(stripOf(OFF), paint), paint.dim("starting")];
  }
}

function stripOf(colour: Rgb): Rgb[] {
  return divideStrip([colour], DEFAULT_LAMP_COUNT);
}
