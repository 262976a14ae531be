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

const command: RouteMap<CliContext> = buildRouteMap({
  routes: { members, keygen },
  docs: { brief: "who is there, keys, bans" },
});
export default command;
