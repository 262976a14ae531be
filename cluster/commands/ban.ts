/** `toolkit cluster ban`, `unban` and `bans`. */

import { ask } from "../../cli/ask.ts";
import type { CliContext } from "../../cli/context.ts";
import { formatDuration } from "../../cli/duration.ts";
import type { ReportFlags } from "../../cli/flags.ts";
import { describeHeld, type HeldReport } from "../../cli/held.ts";
import { loadConfigFor } from "../../cli/settings.ts";
import { formatTable } from "../../cli/table.ts";
import { shortId } from "../ids.ts";
import type { NodeId } from "../ids.ts";

/** What the node answers; see node_methods.ts, which makes it. */
interface BanAnswer extends HeldReport {
  readonly id: NodeId;
  readonly alias: string | null;
}

interface BansAnswer {
  readonly bans: readonly {
    readonly id: NodeId;
    readonly alias: string | null;
    readonly by: string;
    readonly at: string;
  }[];
}

export async function ban(this: CliContext, flags: ReportFlags, id: string): Promise<void> {
  await set(this, flags, id, "cluster.ban", "is banned");
}

export async function unban(this: CliContext, flags: ReportFlags, id: string): Promise<void> {
  await set(this, flags, id, "cluster.unban", "may join again");
}

async function set(
  context: CliContext,
  flags: ReportFlags,
  id: string,
  method: string,
  text: string,
): Promise<void> {
  const { config } = await loadConfigFor(context, flags);
  const answer = await ask(context, config, { method, params: { id } });
  if (flags.json) return context.printJson(answer);
  const { alias, id: whole } = answer as unknown as BanAnswer;
  const name = alias === null ? whole : `${alias} (${shortId(whole)})`;
  const who = describeHeld(answer as unknown as BanAnswer, "knows", "know");
  context.print(`${name} ${text}; ${who}`);
}

export async function bans(this: CliContext, flags: ReportFlags): Promise<void> {
  const { config } = await loadConfigFor(this, flags);
  const answer = await ask(this, config, { method: "cluster.bans" });
  if (flags.json) return this.printJson(answer);
  const { bans } = answer as unknown as BansAnswer;
  if (bans.length === 0) return this.note("no node is banned");
  this.print(...formatTable([
    ["NAME", "ID", "BY", "SINCE"].map((title) => this.paint.dim(title)),
    ...bans.map(({ id, alias, by, at }) => [
      alias ?? "?",
      id,
      by,
      formatDuration(Date.now() - Date.parse(at)),
    ]),
  ]));
}
