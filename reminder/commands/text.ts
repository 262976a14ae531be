/** Reminders in words, for terminals. */

import type { Paint } from "../../cli/colour.ts";
import { formatDuration } from "../../cli/duration.ts";
import type { ReminderReport } from "../report.ts";
import { COLOURS, type Level, type Rgb } from "../urgency.ts";

/** Lamps are far brighter than letters on a screen: dark ones are lifted to be seen. */
const SCREEN_COLOURS: Readonly<Record<Level, Rgb>> = {
  ...COLOURS,
  "light green": [90, 220, 90],
  "dark green": [0, 130, 0],
  "orange": [255, 140, 0],
};

/** Nobody wants to know how many milliseconds ago. */
const JUST_NOW_MS = 1_500;

function levelOf(report: ReminderReport): Level {
  return report.level.replaceAll("_", " ") as Level;
}

/** The cells of one line: name, colour, what was, what comes. */
export function describeReminder(report: ReminderReport, now: number, paint: Paint): string[] {
  const level = levelOf(report);
  const lamp = report.dark === null
    ? `${paint.rgb(SCREEN_COLOURS[level], "●")} ${level}`
    : `${paint.dim("○")} ${level}, dark: ${report.dark}`;
  return [report.name, lamp, describeDone(report), describeNext(report, now)];
}

function describeDone(
  { done_by: by, done_how: how, elapsed_ms: elapsedMs }: ReminderReport,
): string {
  if (elapsedMs === null) return "never done";
  if (elapsedMs < JUST_NOW_MS) return `done just now by ${by} (${how})`;
  return `done ${formatDuration(elapsedMs)} ago by ${by} (${how})`;
}

function describeNext(report: ReminderReport, now: number): string {
  if (report.snoozed_until !== null) {
    return `snoozed for ${formatDuration(Date.parse(report.snoozed_until) - now)} more`;
  }
  if (report.next_level === null || report.next_in_ms === null) return "";
  return `${report.next_level.replaceAll("_", " ")} in ${formatDuration(report.next_in_ms)}`;
}

/** A strip as blocks of colour. */
export function drawStrip(lamps: readonly Rgb[], paint: Paint): string {
  return lamps.map((lamp) => drawLamp(lamp, paint)).join("");
}

function drawLamp(lamp: Rgb, paint: Paint): string {
  if (lamp.every((part) => part === 0)) return paint.dim("··");
  const brightest = Math.max(...lamp);
  // The hue at a brightness that a screen shows, the difference between the greens kept.
  const lift = brightest < 30 ? 130 : brightest < 128 ? 220 : 255;
  const [r, g, b] = lamp.map((part) => Math.round(part * lift / brightest));
  return paint.rgb([r!, g!, b!], "██");
}
