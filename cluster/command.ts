/** `toolkit cluster`: what it takes; what it does is loaded when it is called. */

import { buildCommand, buildRouteMap, type RouteMap } from "@stricli/core";
import type { CliContext } from "../cli/context.ts";
import { REPORT_FLAGS, type ReportFlags } from "../cli/flags.ts";

export interface MembersFlags extends ReportFlags {
  readonly watch: boolean;
  readonly all: boolean;
}

export interface KeygenFlags {
  readonly out: string;
}

const members = buildCommand<MembersFlags, [], CliContext>({
  loader: async () => (await import("./commands/members.ts")).default,
  parameters: {
    flags: {
      ...REPORT_FLAGS,
      watch: {
        kind: "boolean",
        default: false,
        withNegated: false,
        brief: "go on showing changes; q or Ctrl-C ends it",
      },
      all: {
        kind: "boolean",
        default: false,
        withNegated: false,
        brief: "those too that left more than a minute ago",
      },
    },
    aliases: { w: "watch", a: "all" },
  },
  docs: {
    brief: "who is there, as seen from the running node",
    fullDescription: "Shows who is there, as seen from the running node.\n\nExamples:\n" +
      "  toolkit cluster members\n  toolkit cluster members --watch\n" +
      "  toolkit cluster members --json | jq -r '.members[].alias'",
  },
});

const keygen = buildCommand<KeygenFlags, [], CliContext>({
  loader: async () => (await import("./commands/keygen.ts")).default,
  parameters: {
    flags: {
      out: {
        kind: "parsed",
        parse: (text: string) => text,
        brief: "where to write it; an existing file is never overwritten",
        placeholder: "FILE",
      },
    },
    aliases: { o: "out" },
  },
  docs: {
    brief: "make a new cluster key",
    fullDescription: "Makes a new cluster key, readable by its owner only. Every host of the " +
      "cluster needs a copy.\n\nExample:\n  toolkit cluster keygen --out /etc/toolkit/cluster.key",
  },
});

const status = buildCommand<ReportFlags, [], CliContext>({
  loader: async () => (await import("./commands/status.ts")).default,
  parameters: { flags: REPORT_FLAGS },
  docs: {
    brief: "how the running node itself is doing",
    fullDescription:
      "Shows how the running node itself is doing: who it is, where it listens, how " +
      "late its loop is.\n\nExample:\n  toolkit cluster status",
  },
});

const ID = {
  brief: "its ID, the first eight digits of it, or its name",
  parse: (text: string) => text,
  placeholder: "ID",
} as const;

const ban = buildCommand<ReportFlags, [string], CliContext>({
  loader: async () => (await import("./commands/ban.ts")).ban,
  parameters: { flags: REPORT_FLAGS, positional: { kind: "tuple", parameters: [ID] } },
  docs: {
    brief: "keep a node out, on all members",
    fullDescription:
      "Keeps a node out, although it holds the cluster key: a stolen host, until the " +
      "key is changed on the others. Told to all members and kept by them.\n\nExample:\n" +
      "  toolkit cluster ban 7f3a91c2",
  },
});

const unban = buildCommand<ReportFlags, [string], CliContext>({
  loader: async () => (await import("./commands/ban.ts")).unban,
  parameters: { flags: REPORT_FLAGS, positional: { kind: "tuple", parameters: [ID] } },
  docs: {
    brief: "let a banned node in again",
    fullDescription: "Lets a banned node in again.\n\nExample:\n  toolkit cluster unban 7f3a91c2",
  },
});

const bans = buildCommand<ReportFlags, [], CliContext>({
  loader: async () => (await import("./commands/ban.ts")).bans,
  parameters: { flags: REPORT_FLAGS },
  docs: {
    brief: "the nodes that are kept out",
    fullDescription: "Lists the nodes that are kept out.\n\nExample:\n  toolkit cluster bans",
  },
});

const command: RouteMap<CliContext> = buildRouteMap({
  routes: { members, status, keygen, ban, unban, bans },
  docs: { brief: "who is there, keys, bans" },
});
export default command;
