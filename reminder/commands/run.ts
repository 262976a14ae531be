import type { CliContext } from "../../cli/context.ts";
import { loadConfigFor } from "../../cli/settings.ts";
import { runNode } from "../../cli/run_node.ts";
import type { RunFlags } from "../command.ts";
import reminderPart from "./part.ts";

const DEFAULT_PORT = 5300;

export default async function run(this: CliContext, flags: RunFlags): Promise<void> {
  const { config, path } = await loadConfigFor(this, flags);
  await runNode(this, {
    config,
    configPath: path,
    defaultPort: DEFAULT_PORT,
    parts: [reminderPart],
  });
}
