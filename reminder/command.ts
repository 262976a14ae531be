/** `toolkit reminder`: what it takes; what it does is loaded when it is called. */

import { buildCommand, buildRouteMap, type RouteMap } from "@stricli/core";
import type { CliContext } from "../cli/context.ts";
import { parseDuration } from "../cli/duration.ts";
import {
  NODE_ALIASES,
  NODE_FLAGS,
  type NodeFlags,
  REPORT_FLAGS,
  type ReportFlags,
} from "../cli/flags.ts";

export interface RunFlags extends NodeFlags {
  readonly gpio?: "auto" | "chardev" | "sysfs" | "simulated";
}

export interface HistoryFlags extends ReportFlags {
  readonly limit?: number;
}

const NAME = {
  brief: "the reminder, as in: toolkit reminder list",
  parse: (text: string) => text,
  placeholder: "NAME",
} as const;

const run = buildCommand<RunFlags, [], CliContext>({
  loader: async () => (await import("./commands/run.ts")).default,
  parameters: {
    flags: {
      ...NODE_FLAGS,
      gpio: {
        kind: "enum",
        values: ["auto", "chardev", "sysfs", "simulated"],
        optional: true,
        brief: "where buttons and lights are",
      },
    },
    aliases: NODE_ALIASES,
  },
  docs: {
    brief: "run a reminder node until a signal ends it (also: toolkit reminder)",
    fullDescription: "Runs a reminder node until a signal ends it. On a terminal, keys are the " +
      "buttons and the strip is drawn.\n\nExamples:\n" +
      "  toolkit reminder\n" +
      "  toolkit reminder run --gpio simulated --join 192.168.1.20\n" +
      "  toolkit reminder --data-dir /tmp/second     a second node on this host",
  },
});

const status = buildCommand<ReportFlags, [], CliContext>({
  loader: async () => (await import("./commands/ask.ts")).status,
  parameters: { flags: REPORT_FLAGS },
  docs: {
    brief: "what each reminder shows now",
    fullDescription: "Shows what each reminder shows now, asked from the running node.\n\n" +
      "Examples:\n  toolkit reminder status\n  toolkit reminder status --json",
  },
});

const list = buildCommand<ReportFlags, [], CliContext>({
  loader: async () => (await import("./commands/ask.ts")).list,
  parameters: { flags: REPORT_FLAGS },
  docs: {
    brief: "the names of the reminders",
    fullDescription: "Lists the names of the reminders, one a line.\n\n" +
      "Example:\n  toolkit reminder list",
  },
});

const done = buildCommand<ReportFlags, [string], CliContext>({
  loader: async () => (await import("./commands/ask.ts")).done,
  parameters: { flags: REPORT_FLAGS, positional: { kind: "tuple", parameters: [NAME] } },
  docs: {
    brief: "it is done: back to green, on all nodes",
    fullDescription:
      "Marks a reminder as done, on all nodes. Returns when that is saved here, and " +
      "says how many members have it.\n\nExample:\n  toolkit reminder done cat-litter",
  },
});

const snooze = buildCommand<ReportFlags, [string, number | undefined], CliContext>({
  loader: async () => (await import("./commands/ask.ts")).snooze,
  parameters: {
    flags: REPORT_FLAGS,
    positional: {
      kind: "tuple",
      parameters: [NAME, {
        brief: 'for how long, such as "30m" or "2h"; else as configured',
        parse: parseSnooze,
        placeholder: "FOR",
        optional: true,
      }],
    },
  },
  docs: {
    brief: "put its light out for a while, on all nodes",
    customUsage: ["<NAME> [FOR]"],
    fullDescription: "Puts a reminder's light out for a while, on all nodes.\n\nExamples:\n" +
      "  toolkit reminder snooze cat-litter\n  toolkit reminder snooze cat-litter 30m",
  },
});

const history = buildCommand<HistoryFlags, [string | undefined], CliContext>({
  loader: async () => (await import("./commands/ask.ts")).history,
  parameters: {
    flags: {
      ...REPORT_FLAGS,
      limit: {
        kind: "parsed",
        parse: parseLimit,
        optional: true,
        brief: "the newest N only",
        placeholder: "N",
      },
    },
    aliases: { n: "limit" },
    positional: { kind: "tuple", parameters: [{ ...NAME, optional: true }] },
  },
  docs: {
    brief: "the presses of late, newest first",
    customUsage: ["[NAME] [--limit N]"],
    fullDescription: "Shows the presses of late on all nodes, newest first; the newest 200 are " +
      "kept.\n\nExamples:\n  toolkit reminder history\n  toolkit reminder history cat-litter -n 5",
  },
});

function parseSnooze(text: string): number {
  const ms = parseDuration(text);
  if (ms === undefined || ms <= 0) throw new Error('expected a duration such as "30m" or "2h"');
  return ms;
}

function parseLimit(text: string): number {
  const limit = Number(text);
  if (!Number.isInteger(limit) || limit < 1) throw new Error("expected a number from 1 up");
  return limit;
}

const command: RouteMap<CliContext> = buildRouteMap({
  routes: { run, status, list, done, snooze, history },
  docs: { brief: "a button and a light in every room: press any, all lights know" },
});
export default command;
