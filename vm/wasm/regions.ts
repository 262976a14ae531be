/**
 * Cuts a long program into regions, each of which becomes one WebAssembly function: V8 optimises one
 * giant function late. Cuts are where few jumps cross, so that loops stay whole.
 */

import type { Decoded } from "../decode.ts";
import { flowAt, staticTarget } from "./targets.ts";

/** A region begins at a multiple of this, so that a table finds the region of an instruction. */
export const GRANULE_BITS = 4;
export const GRANULE: number = 1 << GRANULE_BITS;
/** Programs up to this length are one region; a multiple of {@link GRANULE}. */
export const MAX_REGION = 1_504;
/** A jump back is a loop, and crossing it costs in every turn. */
const BACKWARD_WEIGHT = 8;

export interface Region {
  /** Instructions from `start` up to `end`, which is not in it. */
  readonly start: number;
  readonly end: number;
}

export function cutRegions(program: Decoded, maxRegion: number): Region[] {
  const { instructions } = program;
  const regions: Region[] = [];
  const crossing = instructions > maxRegion ? crossings(program) : new Int32Array();
  const minRegion = GRANULE * Math.ceil(maxRegion / 2 / GRANULE);
  let start = 0;
  while (instructions - start > maxRegion) {
    let best = start + maxRegion;
    for (let cut = start + minRegion; cut <= start + maxRegion; cut += GRANULE) {
      if (crossing[cut]! <= crossing[best]!) best = cut;
    }
    regions.push({ start, end: best });
    start = best;
  }
  regions.push({ start, end: instructions });
  return regions;
}

/** For each place before an instruction, the weight of the jumps across it. */
function crossings(program: Decoded): Int32Array {
  const { instructions } = program;
  const crossing = new Int32Array(instructions + 2);
  for (let index = 0; index < instructions; index++) {
    const flow = flowAt(program, index);
    const isJump = flow === "branch" || flow === "call";
    const to = isJump ? staticTarget(program, index) : undefined;
    if (to !== undefined) {
      const weight = to <= index ? BACKWARD_WEIGHT : 1;
      crossing[Math.min(index, to) + 1]! += weight;
      crossing[Math.max(index, to) + 1]! -= weight;
    }
    if (flow !== "dynamic" && flow !== "return" && flow !== "stop") {
      crossing[index + 1]! += 1;
      crossing[index + 2]! -= 1;
    }
  }
  for (let index = 1; index < crossing.length; index++) crossing[index]! += crossing[index - 1]!;
  return crossing;
}
