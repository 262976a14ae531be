/** The basic blocks of a region, and where each goes. */

import type { Decoded } from "../decode.ts";
import type { Flow } from "../isa.ts";
import type { Region } from "./regions.ts";
import { flowAt, staticTarget, type Targets } from "./targets.ts";

export interface Block {
  /** Its first instruction. */
  readonly first: number;
  readonly count: number;
  /**
   * What its last instruction does with control. `leave`: the interpreter has to do that instruction,
   * as for host calls, stops, and jumps to nowhere.
   */
  readonly flow: Exclude<Flow, "stop" | "host"> | "leave";
  /** Of a branch or call: the instruction that it leads to. */
  readonly target: number | undefined;
  /** The instruction behind the block; undefined if control never goes there from here. */
  readonly next: number | undefined;
}

export interface BlockList {
  readonly region: Region;
  readonly blocks: readonly Block[];
  /** The number of the block that begins at an instruction; undefined for those of other regions. */
  blockAt(instruction: number): number | undefined;
}

export function findBlocks(program: Decoded, region: Region, { leaders }: Targets): BlockList {
  const blocks: Block[] = [];
  const numbers = new Map<number, number>();
  let first = region.start;
  for (let index = region.start; index < region.end; index++) {
    if (leaders[index + 1] !== 1 && index + 1 !== region.end) continue;
    numbers.set(first, blocks.length);
    blocks.push(blockOf(program, first, index));
    first = index + 1;
  }
  return { region, blocks, blockAt: (instruction) => numbers.get(instruction) };
}

/** The blocks that control goes to from a block, within the region, without a jump by register. */
export function successors({ blocks, blockAt }: BlockList, number: number): number[] {
  const { target, next } = blocks[number]!;
  return [target, next].flatMap((to) => {
    const block = to === undefined ? undefined : blockAt(to);
    return block === undefined ? [] : [block];
  });
}

function blockOf(program: Decoded, first: number, last: number): Block {
  const count = last - first + 1;
  const flow = flowAt(program, last);
  const target = flow === "branch" || flow === "call" ? staticTarget(program, last) : undefined;
  const next = last + 1;
  switch (flow) {
    case "stop":
    case "host":
      return { first, count, flow: "leave", target, next: undefined };
    case "next":
    case "dynamicBranch":
      return { first, count, flow, target, next };
    case "branch":
      return { first, count, flow, target, next };
    case "call":
      // To nowhere: the interpreter finds out what that means.
      if (target === undefined) return { first, count, flow: "leave", target, next: undefined };
      return { first, count, flow, target, next: undefined };
    case "dynamic":
    case "dynamicCall":
    case "return":
      return { first, count, flow, target, next: undefined };
  }
}
