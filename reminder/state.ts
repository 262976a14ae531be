/** What is replicated of a reminder: its registers, and the history of presses. */

import * as v from "valibot";
import type { CollectionSpec } from "../cluster/consensus/lww.ts";
import { isPrintable } from "../cluster/text.ts";
import { MAX_REMINDERS, MAX_SNOOZE_MS } from "./settings.ts";

/** The newest presses that are kept. */
export const MAX_HISTORY = 200;

const Time = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(8.64e15));
const Name = v.pipe(v.string(), v.minLength(1), v.maxLength(64), v.check(isPrintable));

/** How something was pressed. */
export const SOURCES = ["button", "key", "command"] as const;
export type Source = (typeof SOURCES)[number];
const SourceSchema = v.picklist(SOURCES);

/** When something was done last. Times are milliseconds since 1970 on the cluster's clock. */
const DoneSchema = v.object({
  at: Time,
  /** The alias of the node where it was done. */
  by: Name,
  how: SourceSchema,
});
export type Done = v.InferOutput<typeof DoneSchema>;

/** A snooze; "done" sets one of no length. */
const SnoozeSchema = v.object({
  from: Time,
  forMs: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(MAX_SNOOZE_MS)),
});
export type Snooze = v.InferOutput<typeof SnoozeSchema>;

/** One press. */
const PressSchema = v.object({
  reminder: Name,
  action: v.picklist(["done", "snooze"]),
  at: Time,
  by: Name,
  how: SourceSchema,
  /** Of a snooze. */
  forMs: v.nullable(v.pipe(v.number(), v.integer(), v.minValue(0))),
});
export type Press = v.InferOutput<typeof PressSchema>;

/**
 * Registers of their own, though one press may set both: else a snooze on a node that has not heard of
 * "done" yet would undo it.
 */
export const DONE = "done";
export const SNOOZE = "snooze";
export const HISTORY = "history";

function parserOf<T>(schema: v.GenericSchema<unknown, T>): (value: unknown) => T | undefined {
  return (value) => {
    const result = v.safeParse(schema, value);
    return result.success ? result.output : undefined;
  };
}

export const parseDone = parserOf(DoneSchema);
export const parseSnooze = parserOf(SnoozeSchema);
export const parsePress = parserOf(PressSchema);

export const COLLECTIONS: readonly CollectionSpec[] = [
  // Room for reminders that other nodes have and this one's config does not name.
  { name: DONE, kind: "register", limit: 4 * MAX_REMINDERS, isKey: isPrintable, parse: parseDone },
  {
    name: SNOOZE,
    kind: "register",
    limit: 4 * MAX_REMINDERS,
    isKey: isPrintable,
    parse: parseSnooze,
  },
  { name: HISTORY, kind: "history", limit: MAX_HISTORY, parse: parsePress },
];
