/** `toolkit up`: one node, one identity, one port, one membership, with every part on it. */

import { buildCommand, type Command } from "@stricli/core";
import type { PartName } from "./config/schema.ts";
import type { CliContext } from "./context.ts";
import {
  CLIENT_ALIASES,
  CLIENT_FLAGS,
  type ClientFlags,
  NODE_ALIASES,
  NODE_FLAGS,
  type NodeFlags,
} from "./flags.ts";
import type { PartMaker } from "./part.ts";

export type Parts = Readonly<Record<PartName, () => Promise<PartMaker>>>;

const DEFAULT_PORT = 2254;

export function upCommand(parts: Parts): Command<CliContext> {
  return buildCommand<NodeFlags & ClientFlags, [], CliContext>({
    async func(flags) {
      const { loadConfigFor } = await import("./settings.ts");
      const { config, path } = await loadConfigFor(this, flags);
      const makers: PartMaker[] = [];
      for (const name of config.up.parts) makers.push(await parts[name]());
      const { runNode } = await import("./run_node.ts");
      await runNode(this, { config, configPath: path, defaultPort: DEFAULT_PORT, parts: makers });
    },
    parameters: {
      flags: { ...NODE_FLAGS, ...CLIENT_FLAGS },
      aliases: { ...NODE_ALIASES, ...CLIENT_ALIASES },
    },
    docs: {
      brief: "run every part that the config enables, as one node",
      fullDescription:
        "Runs every part that [up] parts names as one node, until a signal ends it.\n" +
        "\n" +
        "Examples:\n" +
        "  toolkit up\n" +
        "  toolkit up -H 0.0.0.0 --key-file /etc/toolkit/cluster.key\n" +
        "  toolkit up --join 192.168.1.20 --data-dir /tmp/second -P 2300",
    },
  });
}
