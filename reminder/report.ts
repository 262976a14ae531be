/** The reminders in the shape that `--json` prints; times as RFC 3339, durations in milliseconds. */

import type { RefusalView } from "../cluster/consensus/replica.ts";
import type { ReminderView } from "./core.ts";
import { HISTORY, parsePress, type Press } from "./state.ts";

export interface ReminderReport {
  readonly name: string;
  /** light_green, dark_green, orange, red or blinking_red. */
  readonly level: string;
  /** Why the lamp is dark: night or snoozed; null if it shines. */
  readonly dark: string | null;
  readonly done_at: string | null;
  readonly done_by: string | null;
  /** button, key or command. */
  readonly done_how: string | null;
  readonly elapsed_ms: number | null;
  readonly next_level: string | null;
  readonly next_in_ms: number | null;
  readonly snoozed_until: string | null;
}

export function reportReminder(view: ReminderView, clusterMs: number): ReminderReport {
  const { done, next } = view;
  return {
    name: view.name,
    level: levelKey(view.level),
    dark: view.dark,
    done_at: done === undefined ? null : rfc3339(done.at),
    done_by: done?.by ?? null,
    done_how: done?.how ?? null,
    elapsed_ms: view.elapsedMs === null ? null : Math.round(view.elapsedMs),
    next_level: next === null ? null : levelKey(next.level),
    next_in_ms: next === null ? null : Math.round(next.inMs),
    snoozed_until: view.snoozedMs > 0 ? rfc3339(clusterMs + view.snoozedMs) : null,
  };
}

export interface PressReport {
  readonly reminder: string;
  readonly action: "done" | "snooze";
  readonly at: string;
  readonly by: string;
  readonly how: string;
  readonly for_ms: number | null;
}

export function reportPress(press: Press): PressReport {
  return {
    reminder: press.reminder,
    action: press.action,
    at: rfc3339(press.at),
    by: press.by,
    how: press.how,
    for_ms: press.forMs,
  };
}

/** A change that was not taken, because its stamp is too far ahead of the cluster's clock. */
export interface RefusalReport {
  readonly reminder: string;
  readonly by: string;
  /** The node whose clock made the stamp. */
  readonly stamped_by: string;
  readonly ahead_ms: number;
  readonly text: string;
}

export function reportRefusal(
  { item, by, aheadMs }: RefusalView,
  nameOf: (id: RefusalView["by"]) => string,
): RefusalReport {
  const reminder = item.collection === HISTORY
    ? parsePress(item.value)?.reminder ?? item.key
    : item.key;
  const stamper = nameOf(item.stamp.node);
  return {
    reminder,
    by: nameOf(by),
    stamped_by: stamper,
    ahead_ms: Math.round(aheadMs),
    text:
      `${nameOf(by)} refuses the change of ${reminder} by ${stamper}: its stamp is ahead of the ` +
      `cluster's clock; set the clock of ${stamper}, or press again`,
  };
}

function levelKey(level: string): string {
  return level.replaceAll(" ", "_");
}

function rfc3339(epochMs: number): string {
  return new Date(epochMs).toISOString();
}
