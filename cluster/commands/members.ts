/** `toolkit cluster members`. */

import { ask } from "../../cli/ask.ts";
import type { Paint } from "../../cli/colour.ts";
import type { CliContext } from "../../cli/context.ts";
import { formatDuration } from "../../cli/duration.ts";
import { loadConfigFor } from "../../cli/settings.ts";
import { formatTable } from "../../cli/table.ts";
import { LiveView } from "../../cli/live_view.ts";
import type { MembersFlags } from "../command.ts";
import type { Json } from "../control.ts";
import { shortId } from "../ids.ts";
import type { MemberReport } from "../member_report.ts";

interface MembersAnswer {
  readonly members: readonly MemberReport[];
}

export default async function members(this: CliContext, flags: MembersFlags): Promise<void> {
  const { config } = await loadConfigFor(this, flags);
  const params = { all: flags.all };
  if (flags.watch) {
    const view = new LiveView(this);
    const watcher = new Watcher(this, flags.json, view);
    await view.until(ask(this, config, {
      method: "cluster.watch",
      params,
      event: (event) => watcher.take(event as unknown as MembersAnswer),
    }));
    return;
  }
  const answer = await ask(this, config, { method: "cluster.members", params });
  if (flags.json) return this.printJson(answer);
  this.print(...membersTable((answer as unknown as MembersAnswer).members, this.paint));
}

/** Shows each list that comes: redrawn in place on a terminal, a line per change elsewhere. */
class Watcher {
  readonly #states = new Map<string, string>();
  #latest: MembersAnswer = { members: [] };

  constructor(
    readonly context: CliContext,
    readonly json: boolean,
    readonly view: LiveView,
  ) {}

  take(answer: MembersAnswer): boolean {
    this.#latest = answer;
    const changed = answer.members.filter((member) => this.#note(member));
    if (this.json) {
      for (const member of changed) this.context.printJson(member as unknown as Json);
    } else if (this.view.interactive) {
      // Drawn anew every second: the times go on.
      this.view.show(() => membersTable(this.#latest.members, this.context.paint));
    } else {
      for (const { id, alias, address, state } of changed) {
        const time = new Date().toISOString();
        this.context.print(`${time} ${alias ?? "?"} ${shortId(id)} ${address ?? "?"} ${state}`);
      }
    }
    return !this.context.terminal.isBroken;
  }

  /** Whether this member is new or in another state than it was. */
  #note({ id, state }: MemberReport): boolean {
    const before = this.#states.get(id);
    this.#states.set(id, state);
    return before !== state;
  }
}

/** The members as people read them. */
export function membersTable(members: readonly MemberReport[], paint: Paint): string[] {
  const now = Date.now();
  const header = ["NAME", "ID", "ADDRESS", "STATE", "SINCE", "RTT", "FOUND BY", "PARTS"];
  return formatTable([
    header.map((title) => paint.dim(title)),
    ...members.map((member) => [
      (member.alias ?? "?") + (member.self ? "*" : ""),
      shortId(member.id),
      member.address ?? "–",
      paintState(member, paint),
      formatDuration(now - Date.parse(member.since)),
      member.rtt_ms === null ? "–" : formatDuration(member.rtt_ms),
      member.found_by ?? "–",
      member.parts.join(" "),
    ]),
  ]);
}

function paintState({ state }: MemberReport, paint: Paint): string {
  switch (state) {
    case "alive":
      return paint.green(state);
    case "suspect":
      return paint.yellow(state);
    case "failed":
      return paint.red(state);
    case "left":
      return paint.dim(state);
  }
}
