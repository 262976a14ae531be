/**
 * The reminders as seen from one node: what each shows now, and what a press does to it. Pure; the
 * state lives in a replica, time comes in.
 */

import type { Item } from "../cluster/consensus/lww.ts";
import { stampKey } from "../cluster/consensus/stamp.ts";
import type { ReminderSettings } from "./settings.ts";
import {
  DONE,
  type Done,
  HISTORY,
  parseDone,
  parsePress,
  parseSnooze,
  type Press,
  SNOOZE,
  type Snooze,
  type Source,
} from "./state.ts";
import {
  BLINK_MS,
  colourOf,
  isNight,
  type Level,
  levelAfter,
  NEVER_DONE_LEVEL,
  nextLevel,
  OFF,
  type Rgb,
  untilNextMinute,
} from "./urgency.ts";

/** Why a lamp is dark. */
export type Darkness = "night" | "snoozed" | null;

/** One reminder at one moment. */
export interface ReminderView {
  readonly name: string;
  readonly level: Level;
  readonly dark: Darkness;
  /** Undefined if it never was. */
  readonly done: Done | undefined;
  /** Milliseconds since it was done; null if it never was. */
  readonly elapsedMs: number | null;
  readonly next: { readonly level: Level; readonly inMs: number } | null;
  /** Milliseconds that it is still snoozed; 0 if it is not. */
  readonly snoozedMs: number;
}

/** A moment on both clocks. */
export interface Moment {
  /** Monotonic milliseconds. */
  readonly now: number;
  /** Milliseconds since 1970 on the cluster's clock. */
  readonly clusterMs: number;
}

/** The part of a replica that is needed here. */
export interface ReminderStore {
  get(collection: string, key: string): Item | undefined;
  items(collection: string): Item[];
}

/** A value to be put into the replica. */
export interface Put {
  readonly collection: string;
  readonly key: string;
  readonly value: Done | Snooze | Press;
}

/** A time this far ahead is a wrong clock and not a difference between two good ones. */
const AHEAD_TOLERANCE_MS = 1_000;

export class ReminderCore {
  readonly settings: readonly ReminderSettings[];
  readonly #store: ReminderStore;
  readonly #alias: string;
  /** When this node first saw the present value of each register, on its monotonic clock. */
  readonly #firstSeen = new Map<string, { readonly stamp: string; readonly now: number }>();

  constructor(settings: readonly ReminderSettings[], store: ReminderStore, alias: string) {
    this.settings = settings;
    this.#store = store;
    this.#alias = alias;
  }

  named(name: string): ReminderSettings | undefined {
    return this.settings.find((settings) => settings.name === name);
  }

  // -- pressing -----------------------------------------------------------------------------------

  done({ clusterMs }: Moment, name: string, how: Source): Put[] {
    const done: Done = { at: clusterMs, by: this.#alias, how };
    return [
      { collection: DONE, key: name, value: done },
      { collection: SNOOZE, key: name, value: { from: clusterMs, forMs: 0 } },
      this.#press({ reminder: name, action: "done", at: clusterMs, how, forMs: null }),
    ];
  }

  snooze({ clusterMs }: Moment, name: string, forMs: number, how: Source): Put[] {
    return [
      { collection: SNOOZE, key: name, value: { from: clusterMs, forMs } },
      this.#press({ reminder: name, action: "snooze", at: clusterMs, how, forMs }),
    ];
  }

  #press(press: Omit<Press, "by">): Put {
    return { collection: HISTORY, key: "", value: { ...press, by: this.#alias } };
  }

  // -- looking ------------------------------------------------------------------------------------

  /** The newest `limit` presses, newest first; of one reminder, if it is named. */
  history(limit: number, name?: string): Press[] {
    const presses: Press[] = [];
    if (limit < 1) return presses;
    for (const item of this.#store.items(HISTORY).reverse()) {
      const press = parsePress(item.value);
      if (press === undefined || (name !== undefined && press.reminder !== name)) continue;
      presses.push(press);
      if (presses.length >= limit) break;
    }
    return presses;
  }

  view(moment: Moment, settings: ReminderSettings): ReminderView {
    const done = this.#done(settings.name);
    const elapsedMs = done === undefined ? null : this.#elapsedMs(moment, settings.name, done);
    const snoozedMs = this.#snoozedMs(moment, settings.name);
    const level = elapsedMs === null
      ? NEVER_DONE_LEVEL
      : levelAfter(elapsedMs, settings.thresholds);
    const next = elapsedMs === null ? undefined : nextLevel(elapsedMs, settings.thresholds);
    return {
      name: settings.name,
      level,
      dark: snoozedMs > 0 ? "snoozed" : isNight(moment.clusterMs, settings) ? "night" : null,
      done,
      elapsedMs,
      next: next === undefined || elapsedMs === null
        ? null
        : { level: next.level, inMs: next.afterMs - elapsedMs },
      snoozedMs,
    };
  }

  views(moment: Moment): ReminderView[] {
    return this.settings.map((settings) => this.view(moment, settings));
  }

  /** What each reminder's lamp shows at this moment. */
  colours(moment: Moment): Rgb[] {
    return this.views(moment).map(({ dark, level }) =>
      dark === null ? colourOf(level, moment.now) : OFF
    );
  }

  /** When the colours may change by the mere passing of time, on the monotonic clock. */
  nextChangeAt(moment: Moment): number {
    const { now, clusterMs } = moment;
    // Never later than the next minute: nights begin on one, and clocks may be set meanwhile.
    let wait = untilNextMinute(clusterMs);
    for (const { level, dark, next, snoozedMs } of this.views(moment)) {
      if (next !== null) wait = Math.min(wait, next.inMs);
      if (snoozedMs > 0) wait = Math.min(wait, snoozedMs);
      if (dark === null && level === "blinking red") {
        wait = Math.min(wait, BLINK_MS - (now % BLINK_MS));
      }
    }
    return now + Math.max(1, wait);
  }

  #done(name: string): Done | undefined {
    return parseDone(this.#store.get(DONE, name)?.value);
  }

  /**
   * Time since "done". A time that is still to come was set by a wrong clock, or this clock is the
   * wrong one: then it counts from when this node first saw it, so that no lamp stays green for ever.
   */
  #elapsedMs(moment: Moment, name: string, { at }: Done): number {
    const seenAt = this.#seenAt(moment, DONE, name);
    const elapsedMs = moment.clusterMs - at;
    return elapsedMs >= -AHEAD_TOLERANCE_MS ? Math.max(0, elapsedMs) : moment.now - seenAt;
  }

  /** What is left of a snooze: by the cluster's clock, and never longer than it was meant. */
  #snoozedMs(moment: Moment, name: string): number {
    const snooze = parseSnooze(this.#store.get(SNOOZE, name)?.value);
    if (snooze === undefined) return 0;
    const left = snooze.from + snooze.forMs - moment.clusterMs;
    const longest = snooze.forMs - (moment.now - this.#seenAt(moment, SNOOZE, name));
    return Math.max(0, Math.min(left, longest));
  }

  #seenAt({ now }: Moment, collection: string, name: string): number {
    const item = this.#store.get(collection, name);
    const stamp = item === undefined ? "" : stampKey(item.stamp);
    const place = `${collection} ${name}`;
    const seen = this.#firstSeen.get(place);
    if (seen?.stamp === stamp) return seen.now;
    this.#firstSeen.set(place, { stamp, now });
    return now;
  }
}
