/** Commands that ask a running node about its programs. */

import { ask } from "../../cli/ask.ts";
import type { CliContext } from "../../cli/context.ts";
import type { ReportFlags } from "../../cli/flags.ts";
import { loadConfigFor } from "../../cli/settings.ts";
import type { JobStatus } from "../workers/messages.ts";
import { programLines } from "./answers.ts";

interface ProgramAnswer {
  readonly pid: number;
  readonly program: string;
  readonly owner: string;
  readonly state: JobStatus["state"];
  readonly instructions: number;
  readonly started_at: string;
}

export async function ps(this: CliContext, flags: ReportFlags): Promise<void> {
  const { config } = await loadConfigFor(this, flags);
  const answer = await ask(this, config, { method: "vm.ps" });
  if (flags.json) return this.printJson(answer);
  const { programs } = answer as unknown as { readonly programs: readonly ProgramAnswer[] };
  this.print(...programLines(
    programs.map(({ program, started_at, ...others }) => ({
      ...others,
      name: program,
      startedAtMs: Date.parse(started_at),
    })),
  ));
}

export async function spawn(this: CliContext, flags: ReportFlags, path: string): Promise<void> {
  const { config } = await loadConfigFor(this, flags);
  // The node may have been started elsewhere.
  const absolute = path.startsWith("/") ? path : `${Deno.cwd()}/${path}`;
  const answer = await ask(this, config, { method: "vm.spawn", params: { path: absolute } });
  if (flags.json) return this.printJson(answer);
  const { pid } = answer as { readonly pid: number };
  this.print(`program ${pid} started; its output goes to the log of the node`);
}

export async function kill(this: CliContext, flags: ReportFlags, pid: number): Promise<void> {
  const { config } = await loadConfigFor(this, flags);
  const answer = await ask(this, config, { method: "vm.kill", params: { pid } });
  if (flags.json) return this.printJson(answer);
  this.print(`program ${pid} killed`);
}
