/** What is replicated of a reminder: its register, and the history of presses. */

import * as v from "valibot";
import type { CollectionSpec } from "../cluster/consensus/lww.ts";
import { MAX_REMINDERS, MAX_SNOOZE_MS } from "./settings.ts";

/** The newest presses that are kept. */
export const MAX_HISTORY = 200;

const Time = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(8.64e15));
const Name = v.pipe(v.string(), v.minLength(1), v.maxLength(64));

/** How something was pressed. */
export const SOURCES = ["button", "key", "command"] as const;
export type Source = (typeof SOURCES)[number];
const SourceSchema = v.picklist(SOURCES);

/** The state of one reminder. Times are milliseconds since 1970 on the cluster's clock. */
const RegisterSchema = v.object({
  doneAt: v.nullable(Time),
  /** The alias of the node where it was done, and how. */
  doneBy: v.nullable(Name),
  doneHow: v.nullable(SourceSchema),
  snooze: v.nullable(v.object({
    from: Time,
    forMs: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(MAX_SNOOZE_MS)),
  })),
});
export type Register = v.InferOutput<typeof RegisterSchema>;

export const NEVER_DONE: Register = { doneAt: null, doneBy: null, doneHow: null, snooze: null };

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

export const REGISTERS = "reminder";
export const HISTORY = "history";

function parserOf<T>(schema: v.GenericSchema<unknown, T>): (value: unknown) => T | undefined {
  return (value) => {
    const result = v.safeParse(schema, value);
    return result.success ? result.output : undefined;
  };
}

export const parseRegister = parserOf(RegisterSchema);
export const parsePress = parserOf(PressSchema);

export const COLLECTIONS: readonly CollectionSpec[] = [
  // Room for reminders that other nodes have and this one's config does not name.
  { name: REGISTERS, kind: "register", limit: 4 * MAX_REMINDERS, parse: parseRegister },
  { name: HISTORY, kind: "history", limit: MAX_HISTORY, parse: parsePress },
];
