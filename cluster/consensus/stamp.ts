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

/** The largest time that a Date can hold (ECMA-262, 21.4.1.1). */
const MAX_MS = 8.64e15;
export const MAX_LOGICAL = 0xffff_ffff;

export const StampSchema = v.pipe(
  v.strictTuple([
    v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(MAX_MS)),
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

/** A stamp of `node` that is later than `last` and, if possible, shows `wallMs`. */
export function nextStamp(last: Stamp | undefined, wallMs: number, node: NodeId): Stamp {
  if (last === undefined || wallMs > last.ms) return { ms: wallMs, logical: 0, node };
  if (last.logical >= MAX_LOGICAL) return { ms: last.ms + 1, logical: 0, node };
  return { ms: last.ms, logical: last.logical + 1, node };
}

/** One text for one stamp, for use as a key. */
export function stampKey({ ms, logical, node }: Stamp): string {
  return `${ms}.${logical}.${node}`;
}
