/** The commands that ask a running node. */

import { ask } from "../../cli/ask.ts";
import type { CliContext } from "../../cli/context.ts";
import { formatDuration } from "../../cli/duration.ts";
import type { ReportFlags } from "../../cli/flags.ts";
import { describeHeld, type HeldReport } from "../../cli/held.ts";
import { loadConfigFor } from "../../cli/settings.ts";
import { formatTable } from "../../cli/table.ts";
import type { Json, Params } from "../../cluster/control.ts";
import type { HistoryFlags } from "../command.ts";
import type { PressReport, RefusalReport, ReminderReport } from "../report.ts";
import { describeReminder } from "./text.ts";

/** What the node answers; see service.ts, which makes it. */
interface StatusAnswer {
  readonly reminders: readonly ReminderReport[];
  readonly cluster_time: string;
  readonly clock_offset_ms: number;
  readonly members: number;
  readonly refusals: readonly RefusalReport[];
  readonly not_saved: { readonly message: string; readonly since: string } | null;
}

interface CommandAnswer extends HeldReport {
  readonly reminder: ReminderReport;
  readonly refusals: readonly RefusalReport[];
}

/** A clock that is further off than this is worth a word. */
const CLOCK_NOTE_MS = 5_000;

async function answerTo<T>(
  context: CliContext,
  flags: ReportFlags,
  method: string,
  params: Params = {},
): Promise<T> {
  const { config } = await loadConfigFor(context, flags);
  // Both sides are of one build: the shape is the node's own.
  return await ask(context, config, { method, params }) as unknown as T;
}

export async function status(this: CliContext, flags: ReportFlags): Promise<void> {
  const answer = await answerTo<StatusAnswer>(this, flags, "reminder.status");
  if (flags.json) return this.printJson(answer as unknown as Json);
  const now = Date.parse(answer.cluster_time);
  const rows = answer.reminders.map((report) => describeReminder(report, now, this.paint));
  this.print(...formatTable(rows));
  if (Math.abs(answer.clock_offset_ms) > CLOCK_NOTE_MS) {
    const way = answer.clock_offset_ms > 0 ? "ahead of" : "behind";
    this.note(
      `this host's clock is ${
        formatDuration(Math.abs(answer.clock_offset_ms))
      } ${way} the cluster's`,
    );
  }
  noteRefusals(this, answer.refusals);
  if (answer.not_saved !== null) {
    this.note(`not saved since ${answer.not_saved.since}: ${answer.not_saved.message}`);
  }
}

export async function list(this: CliContext, flags: ReportFlags): Promise<void> {
  const { reminders } = await answerTo<StatusAnswer>(this, flags, "reminder.status");
  const names = reminders.map(({ name }) => name);
  if (flags.json) this.printJson({ reminders: names });
  else this.print(...names);
}

export async function done(this: CliContext, flags: ReportFlags, name: string): Promise<void> {
  const answer = await answerTo<CommandAnswer>(this, flags, "reminder.done", { name });
  reportCommand(this, flags, answer, `${name} is done`);
}

export async function snooze(
  this: CliContext,
  flags: ReportFlags,
  name: string,
  forMs: number | undefined,
): Promise<void> {
  const params = forMs === undefined ? { name } : { name, for_ms: forMs };
  const answer = await answerTo<CommandAnswer>(this, flags, "reminder.snooze", params);
  const until = answer.reminder.snoozed_until;
  const text = until === null ? "" : ` until ${localTime(until)}`;
  reportCommand(this, flags, answer, `${name} is snoozed${text}`);
}

function reportCommand(
  context: CliContext,
  flags: ReportFlags,
  answer: CommandAnswer,
  text: string,
): void {
  if (flags.json) return context.printJson(answer as unknown as Json);
  const which = describeHeld(answer, "has it", "have it");
  context.print(`${text}; ${which}`);
  noteRefusals(context, answer.refusals);
}

function noteRefusals(context: CliContext, refusals: readonly RefusalReport[]): void {
  // A press is a register and an entry in the history: one word for both.
  const texts = new Set(
    refusals.map(({ text, ahead_ms: aheadMs }) =>
      `${text} (it is ${formatDuration(aheadMs)} ahead)`
    ),
  );
  context.note(...texts);
}

export async function history(
  this: CliContext,
  flags: HistoryFlags,
  name: string | undefined,
): Promise<void> {
  const answer = await answerTo<{ readonly history: readonly PressReport[] }>(
    this,
    flags,
    "reminder.history",
    {
      ...(name === undefined ? {} : { name }),
      ...(flags.limit === undefined ? {} : { limit: flags.limit }),
    },
  );
  if (flags.json) {
    for (const press of answer.history) this.printJson({ ...press });
    return;
  }
  if (answer.history.length === 0) return this.note("nothing has been pressed yet");
  const rows = answer.history.map((press) => [
    localTime(press.at),
    press.reminder,
    press.action === "done" ? "done" : `snoozed ${formatDuration(press.for_ms ?? 0)}`,
    `by ${press.by} (${press.how})`,
  ]);
  this.print(...formatTable(rows));
}

/** Date and time of day on this host's clock, to the second. */
function localTime(rfc3339: string): string {
  const local = Temporal.Instant.from(rfc3339).toZonedDateTimeISO(Temporal.Now.timeZoneId());
  return local.toPlainDateTime().toString({ smallestUnit: "second" }).replace("T", " ");
}
