/**
 * Every configuration value: its place, type, unit, range, default and meaning. The config file, the
 * environment and the flags are all checked against this one schema.
 */

import * as v from "valibot";
import { parseDuration } from "../duration.ts";
import { parseSize } from "../size.ts";

const HOUR_MS = 3_600_000;

function text(description: string, maxLength = 4096) {
  return v.pipe(
    v.string("expected text in quotes"),
    v.minLength(1, "expected some text"),
    v.maxLength(maxLength, `expected at most ${maxLength} characters`),
    v.description(description),
  );
}

function name(description: string) {
  return v.pipe(
    v.string("expected text in quotes"),
    v.regex(
      /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/,
      "expected a name of letters, digits, dot, dash and underscore, at most 63",
    ),
    v.description(description),
  );
}

function whole(low: number, high: number, description: string) {
  const expected = `expected a whole number from ${low} to ${high}`;
  return v.pipe(
    v.number(expected),
    v.integer(expected),
    v.minValue(low, expected),
    v.maxValue(high, expected),
    v.description(description),
  );
}

function yesNo(description: string) {
  return v.pipe(v.boolean("expected true or false"), v.description(description));
}

function choice<const T extends readonly string[]>(values: T, description: string) {
  const expected = `expected ${values.map((value) => JSON.stringify(value)).join(" or ")}`;
  return v.pipe(v.picklist(values, expected), v.description(description));
}

function list(description: string, maxLength: number) {
  return v.pipe(
    v.array(v.pipe(v.string("expected text in quotes"), v.minLength(1)), "expected a list [ ]"),
    v.maxLength(maxLength, `expected at most ${maxLength} entries`),
    v.description(description),
  );
}

/** As it would be written in a config. */
function durationText(ms: number): string {
  const units = [["d", 86_400_000], ["h", HOUR_MS], ["m", 60_000], ["s", 1_000]] as const;
  const [unit, unitMs] = units.find(([, unitMs]) => ms >= unitMs && ms % unitMs === 0) ?? ["ms", 1];
  return `${ms / unitMs}${unit}`;
}

/** Milliseconds, written as "5m"; `low` and `high` in milliseconds. */
function duration(low: number, high: number, description: string) {
  return v.pipe(
    v.string('expected a duration in quotes, such as "90s", "5m" or "2h"'),
    v.rawTransform(({ dataset, addIssue, NEVER }) => {
      const ms = parseDuration(dataset.value);
      if (ms === undefined) {
        addIssue({ message: 'expected a duration such as "90s", "5m", "1h30m" or "2d"' });
        return NEVER;
      }
      if (ms < low || ms > high) {
        addIssue({
          message: `expected a duration from ${durationText(low)} to ${durationText(high)}`,
        });
        return NEVER;
      }
      return ms;
    }),
    v.description(description),
  );
}

/** Bytes, written as "64M" or as a bare number. */
function size(low: string, high: string, description: string) {
  const expected = `expected a size from ${low} to ${high}, such as 65536 or "64M"`;
  return v.pipe(
    v.union([v.string(), v.number()], expected),
    v.rawTransform(({ dataset, addIssue, NEVER }) => {
      const bytes = parseSize(String(dataset.value));
      if (bytes !== undefined && bytes >= parseSize(low)! && bytes <= parseSize(high)!) {
        return bytes;
      }
      addIssue({ message: expected });
      return NEVER;
    }),
    v.description(description),
  );
}

/** Milliseconds, written as "8h", or as a bare number of hours. */
function threshold(description: string) {
  return v.pipe(
    v.union(
      [v.string(), v.number()],
      'expected a number of hours or a duration in quotes, such as 8 or "30s"',
    ),
    v.rawTransform(({ dataset, addIssue, NEVER }) => {
      const { value } = dataset;
      const ms = typeof value === "number" ? value * HOUR_MS : parseDuration(value);
      if (ms === undefined || !(ms >= 0) || ms > 10 * 365 * 24 * HOUR_MS) {
        addIssue({ message: 'expected a number of hours or a duration such as "30s", "8h", "2d"' });
        return NEVER;
      }
      return ms;
    }),
    v.description(description),
  );
}

const NIGHT_PATTERN = /^([01]?\d|2[0-3])(?::([0-5]\d))?-([01]?\d|2[0-4])(?::([0-5]\d))?$/;

const night = v.pipe(
  v.string('expected "22:00-07:00" or "off"'),
  v.rawTransform(({ dataset, addIssue, NEVER }) => {
    if (dataset.value === "off") return null;
    const match = NIGHT_PATTERN.exec(dataset.value.replaceAll(" ", ""));
    if (match === null) {
      addIssue({ message: 'expected two times of day such as "22:00-07:00", or "off"' });
      return NEVER;
    }
    const minute = (hours: string | undefined, minutes: string | undefined) =>
      Number(hours) * 60 + Number(minutes ?? 0);
    return { fromMinute: minute(match[1], match[2]), toMinute: minute(match[3], match[4]) };
  }),
  v.description("when no light shines"),
);

const timeZone = v.pipe(
  v.string("expected text in quotes"),
  v.check(
    isTimeZone,
    (issue) =>
      `unknown time zone ${JSON.stringify(issue.input)}; expected one such as "Europe/Berlin"`,
  ),
  v.description("whose night it is, such as Europe/Berlin"),
);

function isTimeZone(zone: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: zone });
    return true;
  } catch {
    return false;
  }
}

const DEFAULT_THRESHOLDS = { dark_green: 8, orange: 12, red: 24, blink: 26 };

const thresholds = v.pipe(
  v.strictObject({
    dark_green: v.optional(threshold("when it turns dark green"), DEFAULT_THRESHOLDS.dark_green),
    orange: v.optional(threshold("when it turns orange"), DEFAULT_THRESHOLDS.orange),
    red: v.optional(threshold("when it turns red"), DEFAULT_THRESHOLDS.red),
    blink: v.optional(threshold("when it begins to blink"), DEFAULT_THRESHOLDS.blink),
  }),
  v.check(
    ({ dark_green, orange, red, blink }) => dark_green <= orange && orange <= red && red <= blink,
    "expected dark_green <= orange <= red <= blink",
  ),
);

const DEFAULT_REMINDER = {
  name: "cat-litter",
  night: "22:00-07:00",
  snooze: "1h",
} as const;

const reminder = v.strictObject({
  name: name("what it is called, the same on all nodes"),
  thresholds: v.optional(thresholds, {}),
  night: v.optional(night, DEFAULT_REMINDER.night),
  time_zone: v.optional(timeZone, () => Temporal.Now.timeZoneId()),
  snooze: v.optional(
    duration(1_000, 7 * 24 * HOUR_MS, "how long a snooze keeps the light out"),
    DEFAULT_REMINDER.snooze,
  ),
});

/** A section that may be left out; all its values have defaults or may be missing. */
function section<const T extends v.ObjectEntries>(entries: T) {
  const schema = v.strictObject(entries);
  // The compiler cannot see that every entry is optional.
  return v.optional(schema, {} as v.InferInput<typeof schema>);
}

const MAX_FUEL = Number.MAX_SAFE_INTEGER;

const vmLimits = section({
  memory: v.optional(size("64", "2G", "heap of a program"), "64M"),
  stack: v.optional(whole(1, 268_435_456, "stack of a program, in words"), 2_097_152),
  fuel: v.optional(
    whole(1, MAX_FUEL, "instructions of a program, or of a line of a local session; else no end"),
  ),
  remote_fuel: v.optional(
    whole(1, MAX_FUEL, "instructions of a line of a remote session"),
    1_000_000_000,
  ),
  unread_output: v.optional(
    size("4K", "64M", "output of a program that nobody has read; beyond, it is parked"),
    "256K",
  ),
  sessions: v.optional(whole(1, 1_024, "remote sessions at a time"), 32),
  line: v.optional(size("1K", "1M", "a line of a remote user"), "64K"),
  idle: v.optional(
    duration(1_000, 7 * 24 * HOUR_MS, "a remote session without a word for so long is closed"),
    "30m",
  ),
  images: v.optional(whole(1, 65_536, "different programs in the background at a time"), 256),
  background_programs: v.optional(
    whole(1, 50_000, "programs in the background at a time"),
    1_000,
  ),
});

export const PART_NAMES = ["reminder", "vm"] as const;
export type PartName = (typeof PART_NAMES)[number];

export const ConfigSchema = v.strictObject({
  data_dir: v.optional(text("folder for keys and state; one folder runs one node")),
  node: section({
    name: v.optional(name("alias for people; the host name if not given")),
  }),
  discovery: section({
    hosts: v.optional(list("HOST or HOST:PORT of nodes to look for", 64), []),
    bind_host: v.optional(text("address of the cluster port", 255), "127.0.0.1"),
    bind_port: v.optional(whole(0, 65_535, "cluster port, TCP and UDP; 0 for any")),
    advertise: v.optional(list("HOST or HOST:PORT to tell others instead of our own", 16), []),
    mdns: v.optional(yesNo("whether to announce and find nodes by multicast DNS"), true),
    remember: v.optional(yesNo("whether to look for the peers of last time"), true),
  }),
  cluster: section({
    name: v.optional(name("nodes meet only under one name"), "toolkit"),
    key_file: v.optional(text("the cluster key, from: toolkit cluster keygen")),
    accept_keys: v.optional(list("files of keys accepted beside it, while keys change", 2), []),
    profile: v.optional(choice(["lan", "wifi"], "wifi is slower to call a node failed"), "lan"),
    max_clock_skew: v.optional(
      duration(1_000, 24 * HOUR_MS, "how far ahead of the cluster's clock a change may be stamped"),
      "5m",
    ),
    forget_failed_after: v.optional(
      duration(60_000, 365 * 24 * HOUR_MS, "how long failed members are listed and tried"),
      "24h",
    ),
    max_members: v.optional(whole(2, 4096, "members in all, failed and left ones included"), 1024),
  }),
  control: section({
    group: v.optional(name("group that may use the control socket too")),
  }),
  log: section({
    level: v.optional(choice(["debug", "info", "warn", "error"], "what is logged"), "info"),
    format: v.optional(choice(["text", "json"], "how it is logged"), "text"),
  }),
  gpio: section({
    driver: v.optional(
      choice(["auto", "chardev", "sysfs", "simulated"], "where buttons and lights are"),
      "auto",
    ),
  }),
  up: section({
    parts: v.optional(
      v.pipe(
        v.array(choice(PART_NAMES, "a part")),
        v.minLength(1, "expected at least one part"),
        v.description("the parts that toolkit up runs"),
      ),
      [...PART_NAMES],
    ),
  }),
  vm: section({
    remote_access: v.optional(yesNo("whether remote users get sessions"), false),
    client_host: v.optional(text("address for remote users", 255), "127.0.0.1"),
    client_port: v.optional(whole(0, 65_535, "port for remote users; 0 for any"), 2244),
    token_file: v.optional(text("what remote users must have, from: toolkit vm token")),
    root: v.optional(text("folder whose files remote users may run")),
    threads: v.optional(whole(1, 256, "workers that run programs; else one a core")),
    limits: vmLimits,
  }),
  reminder: v.optional(
    v.pipe(
      v.array(reminder, "expected [[reminder]] tables"),
      v.minLength(1, "expected at least one [[reminder]]"),
      v.maxLength(64, "expected at most 64 reminders"),
      v.check(
        (reminders) => new Set(reminders.map(({ name }) => name)).size === reminders.length,
        "expected each reminder to have a name of its own",
      ),
    ),
    [{ name: DEFAULT_REMINDER.name }],
  ),
});

export type Config = v.InferOutput<typeof ConfigSchema>;
export type ReminderConfig = Config["reminder"][number];
