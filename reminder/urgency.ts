/** From the time since "done" to a colour: pure, and all of it. */

import type { Night, ReminderSettings, Thresholds } from "./settings.ts";

/** Red, green and blue, 0 to 255. */
export type Rgb = readonly [number, number, number];

/** Least urgent first. */
export const LEVELS = ["light green", "dark green", "orange", "red", "blinking red"] as const;
export type Level = (typeof LEVELS)[number];

export const OFF: Rgb = [0, 0, 0];

/** The seed's colours. */
export const COLOURS: Readonly<Record<Level, Rgb>> = {
  "light green": [0, 60, 0],
  "dark green": [0, 20, 0],
  "orange": [255, 60, 0],
  "red": [255, 0, 0],
  "blinking red": [255, 0, 0],
};

/** Half a period of blinking. */
export const BLINK_MS = 500;

/** What has never been done is due, but nobody is late yet: red, not blinking. */
export const NEVER_DONE_LEVEL: Level = "red";

export function levelAfter(elapsedMs: number, thresholds: Thresholds): Level {
  if (elapsedMs >= thresholds.blinkMs) return "blinking red";
  if (elapsedMs >= thresholds.redMs) return "red";
  if (elapsedMs >= thresholds.orangeMs) return "orange";
  if (elapsedMs >= thresholds.darkGreenMs) return "dark green";
  return "light green";
}

/** The level that comes next, and when, counted from "done"; undefined after the last. */
export function nextLevel(
  elapsedMs: number,
  thresholds: Thresholds,
): { readonly level: Level; readonly afterMs: number } | undefined {
  const steps: readonly (readonly [Level, number])[] = [
    ["dark green", thresholds.darkGreenMs],
    ["orange", thresholds.orangeMs],
    ["red", thresholds.redMs],
    ["blinking red", thresholds.blinkMs],
  ];
  // Of steps at the same time only the last is ever seen.
  const next = steps.find(([, afterMs]) => afterMs > elapsedMs);
  if (next === undefined) return undefined;
  return { level: levelAfter(next[1], thresholds), afterMs: next[1] };
}

/** Whether it is night by the clock on the wall there. */
export function isNight(epochMs: number, { night, timeZone }: ReminderSettings): boolean {
  if (night === null) return false;
  const minute = localMinute(epochMs, timeZone);
  return within(minute, night);
}

function within(minute: number, { fromMinute, toMinute }: Night): boolean {
  if (fromMinute <= toMinute) return minute >= fromMinute && minute < toMinute;
  return minute >= fromMinute || minute < toMinute;
}

/** Minutes after midnight in that time zone, daylight saving included. */
function localMinute(epochMs: number, timeZone: string): number {
  const local = Temporal.Instant.fromEpochMilliseconds(epochMs).toZonedDateTimeISO(timeZone);
  return local.hour * 60 + local.minute;
}

/** Milliseconds until the minute changes: night begins and ends on whole minutes. */
export function untilNextMinute(epochMs: number): number {
  return 60_000 - (epochMs % 60_000);
}

/** What the lamp shows at this moment; `nowMs` only sets the rhythm of blinking. */
export function colourOf(level: Level, nowMs: number): Rgb {
  if (level === "blinking red" && Math.floor(nowMs / BLINK_MS) % 2 === 1) return OFF;
  return COLOURS[level];
}
