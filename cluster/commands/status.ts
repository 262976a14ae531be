/** `toolkit cluster status`. */

import { ask } from "../../cli/ask.ts";
import type { CliContext } from "../../cli/context.ts";
import { formatDuration } from "../../cli/duration.ts";
import type { ReportFlags } from "../../cli/flags.ts";
import { loadConfigFor } from "../../cli/settings.ts";
import { formatTable } from "../../cli/table.ts";

/** What the node answers; see node_methods.ts, which makes it. */
interface StatusAnswer {
  readonly id: string;
  readonly alias: string;
  readonly pid: number;
  readonly addresses: readonly string[];
  readonly port: number;
  readonly uptime_ms: number;
  readonly members_living: number;
  readonly health: number;
  readonly loop_delay_ms: number;
  readonly loop_delay_max_ms: number;
  readonly bytes_sent: number;
  readonly bytes_received: number;
  readonly memory_bytes: number;
}

export default async function status(this: CliContext, flags: ReportFlags): Promise<void> {
  const { config } = await loadConfigFor(this, flags);
  const answer = await ask(this, config, { method: "node.status" });
  if (flags.json) return this.printJson(answer);
  const status = answer as unknown as StatusAnswer;
  const health = status.health === 0
    ? "well"
    : `slow or badly connected (${status.health} of 4): it judges others more patiently`;
  this.print(...formatTable([
    ["node", `${status.alias} (${status.id})`],
    ["process", `${status.pid}, for ${formatDuration(status.uptime_ms)}`],
    ["reachable at", status.addresses.join(", ") || `port ${status.port}, but at no address yet`],
    ["members", `${status.members_living} alive`],
    ["health", health],
    [
      "loop delay",
      `${formatDuration(status.loop_delay_ms)} at worst in the last minute, ` +
      `${formatDuration(status.loop_delay_max_ms)} ever`,
    ],
    [
      "traffic",
      `${kilobytes(status.bytes_sent)} sent, ${kilobytes(status.bytes_received)} received`,
    ],
    ["memory", `${Math.round(status.memory_bytes / 1e6)} MB`],
  ]));
}

function kilobytes(bytes: number): string {
  return bytes < 10e6 ? `${Math.round(bytes / 1e3)} kB` : `${Math.round(bytes / 1e6)} MB`;
}
