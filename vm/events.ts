/** Iridium's events of a program, as lines of text. */

import type { JobEnd } from "./workers/messages.ts";

/** "GracefulStop, code 0" or "Crash, code 2 (division by zero) at loop.iasm:7". */
export function endText(end: JobEnd): string {
  switch (end.kind) {
    case "stopped":
      return `GracefulStop, code ${end.code}`;
    case "trapped":
      return `Crash, code ${end.code} (${end.text}) at ${end.place}`;
    case "refused":
      return "it is no program";
    case "quit":
      return "it was told to end";
    case "failed":
      return `toolkit failed: ${end.text}`;
  }
}

/** As the original shows them when a program that was spawned has ended. */
export function eventLines(end: JobEnd): string[] {
  if (end.kind !== "stopped" && end.kind !== "trapped") return [];
  return end.events.map((event) => {
    const at = new Date(event.atMs).toISOString();
    return `  ${at}  ${event.kind === "Start" ? "Start" : endText(end)}`;
  });
}
