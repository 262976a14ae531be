/**
 * Hybrid logical clock stamps (Kulkarni et al. 2014): wall time as far as it is known, a counter where
 * time does not move on, and the node, so that no two are equal.
 */

import * as v from "valibot";
import { isNodeId, type NodeId } from "../ids.ts";

export interface Stamp {
  /** Milliseconds since 1970. */
  readonly ms: number;
  /** Counts stamps of the same millisecond. */
  readonly logical: number;
  readonly node: NodeId;
}

/** The year 2200: no clock shows more, and all arithmetic with it is safe. */
export const MAX_STAMP_MS = Date.UTC(2200, 0);
export const MAX_LOGICAL = 0xffff_ffff;

export const StampSchema = v.pipe(
  v.strictTuple([
    v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(MAX_STAMP_MS)),
    v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(MAX_LOGICAL)),
    v.custom<NodeId>(isNodeId, "a node ID"),
  ]),
  v.transform(([ms, logical, node]): Stamp => ({ ms, logical, node })),
);

export type StampTuple = readonly [ms: number, logical: number, node: NodeId];

export function tupleOf({ ms, logical, node }: Stamp): StampTuple {
  return [ms, logical, node];
}

/** Negative if `a` is older. */
export function compareStamps(a: Stamp, b: Stamp): number {
  if (a.ms !== b.ms) return a.ms - b.ms;
  if (a.logical !== b.logical) return a.logical - b.logical;
  return a.node < b.node ? -1 : a.node > b.node ? 1 : 0;
}

/**
 * A stamp of `node` that is later than `last` and, if possible, shows `wallMs`. At the very end of time,
 * which only a lie can bring about, it is no later.
 */
export function nextStamp(last: Stamp | undefined, wallMs: number, node: NodeId): Stamp {
  const now = Math.max(0, Math.min(wallMs, MAX_STAMP_MS));
  if (last === undefined || now > last.ms) return { ms: now, logical: 0, node };
  if (last.logical < MAX_LOGICAL) return { ms: last.ms, logical: last.logical + 1, node };
  return { ms: Math.min(last.ms + 1, MAX_STAMP_MS), logical: 0, node };
}

/** One text for one stamp, for use as a key. */
export function stampKey({ ms, logical, node }: Stamp): string {
  return `${ms}.${logical}.${node}`;
}
