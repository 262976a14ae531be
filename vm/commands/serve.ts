import type { CliContext } from "../../cli/context.ts";
import { runNode } from "../../cli/run_node.ts";
import { loadConfigFor } from "../../cli/settings.ts";
import type { ServeFlags } from "./session_commands.ts";
import { vmPartWith } from "./part.ts";
import { loadProgram } from "./source.ts";

const DEFAULT_PORT = 2254;

export default async function serve(
  this: CliContext,
  flags: ServeFlags,
  ...programs: readonly string[]
): Promise<void> {
  // What is wrong with a program is told before anything runs.
  for (const program of programs) await loadProgram(this, program);
  const { config, path } = await loadConfigFor(this, flags);
  await runNode(this, {
    config,
    configPath: path,
    defaultPort: DEFAULT_PORT,
    parts: [vmPartWith(programs)],
  });
}
