/**
 * The simulated hardware: on a terminal, keys are the buttons and the strip is drawn in colour; on a
 * pipe, a line tells each change.
 */

import { END_KEYS, readKeys } from "../../cli/keys.ts";
import { formatTable } from "../../cli/table.ts";
import type { CliContext } from "../../cli/context.ts";
import { SimulatedButtons } from "../gpio/buttons.ts";
import { SimulatedStrip } from "../lights/strip.ts";
import { reportReminder } from "../report.ts";
import type { ReminderService } from "../service.ts";
import { describeReminder, drawStrip } from "./text.ts";

/** "14 s ago" is redrawn this often, even if nothing happens. */
const REDRAW_MS = 1_000;
/** What presses each reminder, in their order: no s, which snoozes, and no q, which quits. */
const LABELS = "123456789abcdefghijklmnoprtuvwxyz";

export class Face {
  readonly buttons = new SimulatedButtons();
  readonly strip = new SimulatedStrip(undefined, () => this.#changed());
  readonly #context: CliContext;
  #service: ReminderService | undefined;
  #quit: () => void = () => {};
  #timer: ReturnType<typeof setInterval> | undefined;
  #stopKeys: () => void = () => {};
  #snoozeNext = false;
  /** The levels that were told last. */
  #told = new Map<string, string>();

  constructor(context: CliContext) {
    this.#context = context;
  }

  get #interactive(): boolean {
    const { stdinIsTerminal, stdoutIsTerminal } = this.#context.terminal;
    return stdinIsTerminal && stdoutIsTerminal;
  }

  /** The node runs: from now on what the reminders show is drawn, and keys are read. */
  open(service: ReminderService, quit: () => void): void {
    this.#service = service;
    this.#quit = quit;
    if (this.#interactive) {
      this.#stopKeys = readKeys((key) => this.#key(key));
      this.#timer = setInterval(() => this.#draw(), REDRAW_MS);
    }
    this.#changed();
  }

  close(): void {
    this.#service = undefined;
    clearInterval(this.#timer);
    if (!this.#interactive) return;
    this.#context.terminal.live([]);
    this.#stopKeys();
  }

  #changed(): void {
    if (this.#interactive) this.#draw();
    else this.#tell();
  }

  #draw(): void {
    const service = this.#service;
    if (service === undefined) return;
    const { terminal, paint } = this.#context;
    const moment = service.moment();
    const rows = service.core.views(moment).map((view, index) => [
      paint.dim(LABELS[index] ?? " "),
      ...describeReminder(reportReminder(view, moment.clusterMs), moment.clusterMs, paint),
    ]);
    const many = rows.length > 1;
    const keys = many
      ? "its key: done · s and its key: snooze · q: quit"
      : "space or Enter: done · s: snooze · q: quit";
    terminal.live([
      "",
      drawStrip(this.strip.lamps, paint),
      ...formatTable(rows),
      paint.dim(this.#snoozeNext ? "snooze which one? (its key)" : keys),
    ]);
  }

  /** A line for each reminder whose level or darkness has changed. */
  #tell(): void {
    const service = this.#service;
    if (service === undefined) return;
    const moment = service.moment();
    for (const view of service.core.views(moment)) {
      const key = `${view.level} ${view.dark}`;
      if (this.#told.get(view.name) === key) continue;
      this.#told.set(view.name, key);
      const dark = view.dark === null ? "" : ` (dark: ${view.dark})`;
      this.#context.print(`${view.name}: ${view.level}${dark}`);
    }
  }

  #key(key: string): void {
    const names = this.#service?.core.settings.map(({ name }) => name) ?? [];
    const single = names.length === 1;
    if (END_KEYS.includes(key)) return this.#quit();
    const label = LABELS.indexOf(key);
    const named = single && (key === " " || key === "\r") ? names[0] : names[label];
    if (key === "s" && !single) {
      this.#snoozeNext = !this.#snoozeNext;
      return this.#draw();
    }
    const snooze = this.#snoozeNext || (single && key === "s");
    this.#snoozeNext = false;
    const reminder = named ?? (single && key === "s" ? names[0] : undefined);
    if (reminder !== undefined) {
      this.buttons.press({ reminder, action: snooze ? "snooze" : "done" });
    }
    this.#draw();
  }
}
