/** `toolkit cluster ban`, `unban` and `bans`. */

import { ask } from "../../cli/ask.ts";
import type { CliContext } from "../../cli/context.ts";
import type { ReportFlags } from "../../cli/flags.ts";
import { loadConfigFor } from "../../cli/settings.ts";
import { formatTable } from "../../cli/table.ts";
import { shortId } from "../ids.ts";
import type { NodeId } from "../ids.ts";

/** What the node answers; see node_methods.ts, which makes it. */
interface BanAnswer {
  readonly id: NodeId;
  readonly members: number;
  readonly held_by: number;
  readonly not_held_by: readonly string[];
}

interface BansAnswer {
  readonly bans: readonly { readonly id: NodeId; readonly by: string; readonly at: string }[];
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
  const { id: whole, members, held_by: heldBy, not_held_by: missing } =
    answer as unknown as BanAnswer;
  const who = heldBy === members
    ? `all ${members} members know`
    : `${heldBy} of ${members} members know, not yet ${missing.join(", ")}`;
  context.print(`${whole} ${text}; ${who}`);
}

export async function bans(this: CliContext, flags: ReportFlags): Promise<void> {
  const { config } = await loadConfigFor(this, flags);
  const answer = await ask(this, config, { method: "cluster.bans" });
  if (flags.json) return this.printJson(answer);
  const { bans } = answer as unknown as BansAnswer;
  if (bans.length === 0) return this.note("no node is banned");
  this.print(...formatTable(bans.map(({ id, by, at }) => [shortId(id), id, `by ${by}`, at])));
}
