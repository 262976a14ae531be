/** A replica's items on disk: JSON, and below it the SHA-256 of all before, so that damage shows. */

import { createHash } from "node:crypto";
import * as v from "valibot";
import { textOf, utf8 } from "../bytes.ts";
import type { Item } from "./lww.ts";
import { StampSchema, tupleOf } from "./stamp.ts";

const FORMAT = 1;

const FileSchema = v.object({ format: v.literal(FORMAT), items: v.array(v.unknown()) });
const ItemSchema = v.pipe(
  v.strictTuple([v.string(), v.string(), StampSchema, v.unknown()]),
  v.transform(([collection, key, stamp, value]): Item => ({ collection, key, stamp, value })),
);

export function encodeReplicaFile(items: readonly Item[]): Uint8Array {
  const lines = items.map((item) =>
    JSON.stringify([item.collection, item.key, tupleOf(item.stamp), item.value])
  );
  const json = `{"format":${FORMAT},"items":[\n${lines.join(",\n")}\n]}\n`;
  return utf8(`${json}${sha256(json)}\n`);
}

/**
 * Throws an Error that says what is wrong with the file. Single items that are none are left out: what
 * else is there is not given up for them.
 */
export function decodeReplicaFile(bytes: Uint8Array): Item[] {
  const text = textOf(bytes);
  const end = text.lastIndexOf("\n", text.length - 2) + 1;
  const json = text.slice(0, end);
  if (text.slice(end).trimEnd() !== sha256(json)) throw new Error("its checksum is wrong");
  const result = v.safeParse(FileSchema, JSON.parse(json));
  if (!result.success) throw new Error(result.issues[0].message);
  return result.output.items.flatMap((item) => {
    const parsed = v.safeParse(ItemSchema, item);
    return parsed.success ? [parsed.output] : [];
  });
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
