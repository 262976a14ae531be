/** What a reminder is, as configured. */

export interface Thresholds {
  /** Milliseconds since "done" after which each colour begins. */
  readonly darkGreenMs: number;
  readonly orangeMs: number;
  readonly redMs: number;
  readonly blinkMs: number;
}

/** Local time in which no light shines; over midnight if it ends before it begins. */
export interface Night {
  /** Minutes after midnight. */
  readonly fromMinute: number;
  readonly toMinute: number;
}

export interface ReminderSettings {
  readonly name: string;
  readonly thresholds: Thresholds;
  /** Null: light at night too. */
  readonly night: Night | null;
  /** An IANA name such as "Europe/Berlin". */
  readonly timeZone: string;
  /** How long "snooze" without a duration keeps the light out. */
  readonly snoozeMs: number;
}

const HOUR_MS = 3_600_000;

/** Those of the seed, in hours. */
export const DEFAULT_THRESHOLDS: Thresholds = {
  darkGreenMs: 8 * HOUR_MS,
  orangeMs: 12 * HOUR_MS,
  redMs: 24 * HOUR_MS,
  blinkMs: 26 * HOUR_MS,
};

export const DEFAULT_NIGHT: Night = { fromMinute: 22 * 60, toMinute: 7 * 60 };
export const MAX_SNOOZE_MS = 7 * 24 * HOUR_MS;
/** Reminders in one config file. */
export const MAX_REMINDERS = 64;
