/**
 * The module that a program becomes: one function a region, all over one memory that is imported. "run"
 * takes the address of a process block and units of fuel, goes on where the process is, and gives
 * back the fuel that is left. It came back for want of fuel if that is not above the reserve; else
 * because the instruction at pc is for the interpreter.
 */

import type { Decoded } from "../decode.ts";
import { Layout } from "../state.ts";
import { findBlocks, successors } from "./blocks.ts";
import { ALIGN_WORD, I32, Op, VOID, WasmBytes } from "./bytes.ts";
import { FunctionWriter, Local } from "./function.ts";
import { type FlowGraph, longestWay, orderOf } from "./order.ts";
import { cutRegions, GRANULE, GRANULE_BITS, MAX_REGION, type Region } from "./regions.ts";
import { type RegionPlan, writeRegion } from "./structure.ts";
import { findTargets, flowAt, staticTarget, type Targets } from "./targets.ts";

export interface Translation {
  readonly module: Uint8Array<ArrayBuffer>;
  /** "run" may be called only with more fuel than this. */
  readonly reserve: number;
  /** 1 for each instruction at which "run" can begin. */
  readonly entries: Uint8Array;
  /** For each instruction, how many there are from it to the end of its block. */
  readonly toBlockEnd: Uint16Array;
}

const MAGIC_AND_VERSION = [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
const Section = { type: 1, import: 2, function: 3, table: 4, export: 7, element: 9, code: 10 };
const FUNCTION_TYPE = 0x60;
const FUNCTION_REFERENCE = 0x70;
const FUNCTION_EXPORT = 0;
const MEMORY_IMPORT = 2;
/** Whatever is left is more than this. */
const NO_FUEL = -1;

export interface TranslateOptions {
  /** Instructions in one function, at most. */
  readonly maxRegion?: number;
  /** Instructions that it has to be possible to enter, beside those that are found. */
  readonly entries?: Iterable<number>;
  /** Only benchmarks say no: such code comes back when the program ends, and charges nothing. */
  readonly countsFuel?: boolean;
}

export function translateProgram(
  program: Decoded,
  { maxRegion = MAX_REGION, entries = [], countsFuel = true }: TranslateOptions = {},
): Translation {
  const targets = findTargets(program, entries);
  const regions = cutRegions(program, maxRegion);
  markCrossings(program, regions, targets);
  const plans = planRegions(program, regions, targets);
  const reserve = Math.max(...plans.map(({ reserve }) => reserve));
  const bodies = plans.map((plan) => {
    const writer = new FunctionWriter();
    writeRegion(writer, { ...plan, reserve, countsFuel });
    return writer.body(program.entry, (end) => {
      if (regions.length > 1) writeCrossing(end, countsFuel ? reserve : NO_FUEL);
    });
  });
  for (const { list, order } of plans) {
    for (const entry of order.entries) targets.entries[list.blocks[entry]!.first] = 1;
  }
  return {
    module: moduleOf(program, regions, bodies),
    reserve,
    entries: targets.entries,
    toBlockEnd: distances(program, targets),
  };
}

/** What jumps lead to in another region, and where regions begin, can be entered. */
function markCrossings(program: Decoded, regions: readonly Region[], targets: Targets): void {
  const { leaders, entries } = targets;
  regions.forEach(({ start, end }) => {
    leaders[start] = entries[start] = 1;
    for (let index = start; index < end; index++) {
      const flow = flowAt(program, index);
      const to = flow === "branch" || flow === "call" ? staticTarget(program, index) : undefined;
      if (to !== undefined && (to < start || to >= end)) entries[to] = 1;
    }
  });
}

function planRegions(
  program: Decoded,
  regions: readonly Region[],
  targets: Targets,
): Omit<RegionPlan, "countsFuel">[] {
  return regions.map((region) => {
    const list = findBlocks(program, region, targets);
    const { blocks } = list;
    const ways = blocks.map((_, block) => successors(list, block));
    const graph: FlowGraph = {
      size: blocks.length,
      successors: (block) => ways[block]!,
      entries: blocks.flatMap(({ first }, block) => targets.entries[first] === 1 ? [block] : []),
    };
    const order = orderOf(graph);
    const reserve = longestWay(order, graph, (block) => blocks[block]!.count);
    return { program, list, order, reserve };
  });
}

function distances({ instructions }: Decoded, { leaders }: Targets): Uint16Array {
  const toBlockEnd = new Uint16Array(instructions);
  let distance = 0;
  for (let index = instructions - 1; index >= 0; index--) {
    distance = leaders[index + 1] === 1 ? 1 : distance + 1;
    toBlockEnd[index] = distance;
  }
  return toBlockEnd;
}

// -- the binary -----------------------------------------------------------------------------------

function moduleOf(
  program: Decoded,
  regions: readonly Region[],
  bodies: readonly Uint8Array[],
): Uint8Array<ArrayBuffer> {
  const isSplit = regions.length > 1;
  const functions = isSplit ? [...bodies, startBody(program)] : bodies;
  const module = new WasmBytes().byte(...MAGIC_AND_VERSION);
  const section = (id: number, content: WasmBytes) => module.byte(id).sized(content.bytes);
  section(
    Section.type,
    new WasmBytes().byte(1, FUNCTION_TYPE).byte(2, I32, I32).byte(1, I32),
  );
  section(
    Section.import,
    new WasmBytes().byte(1).text("machine").text("memory").byte(MEMORY_IMPORT, 0, 1),
  );
  const types = new WasmBytes().unsigned(functions.length);
  functions.forEach(() => types.byte(0));
  section(Section.function, types);
  if (isSplit) {
    const granules = Math.ceil(program.instructions / GRANULE);
    section(Section.table, new WasmBytes().byte(1, FUNCTION_REFERENCE, 0).unsigned(granules));
  }
  section(
    Section.export,
    new WasmBytes().byte(1).text("run").byte(FUNCTION_EXPORT).unsigned(functions.length - 1),
  );
  if (isSplit) section(Section.element, regionTable(regions));
  const code = new WasmBytes().unsigned(functions.length);
  for (const body of functions) code.sized(body);
  section(Section.code, code);
  return module.bytes.slice();
}

/** For each granule of instructions the function of its region. */
function regionTable(regions: readonly Region[]): WasmBytes {
  const numbers = regions.flatMap(({ start, end }, region) =>
    Array.from({ length: Math.ceil((end - start) / GRANULE) }, () => region)
  );
  const table = new WasmBytes().byte(1, 0, Op.i32Const, 0, Op.end).unsigned(numbers.length);
  for (const number of numbers) table.unsigned(number);
  return table;
}

/** "run" of a program of several regions: to the one where pc is. */
function startBody({ entry }: Decoded): Uint8Array {
  const body = new WasmBytes().byte(0);
  body.byte(Op.localGet, Local.base, Op.localGet, Local.fuel);
  body.byte(Op.localGet, Local.base, Op.i32Load, ALIGN_WORD).unsigned(Layout.pc);
  body.byte(Op.i32Const).signed(entry).byte(Op.i32Sub);
  body.byte(Op.i32Const).signed(2 + GRANULE_BITS).byte(Op.i32ShrU);
  return body.byte(Op.returnCallIndirect, 0, 0, Op.end).bytes;
}

/** The end of a region's function: if another region goes on, and there is fuel, to that one. */
function writeCrossing(body: WasmBytes, reserve: number): void {
  body.byte(Op.localGet, Local.crosses, Op.localGet, Local.fuel);
  body.byte(Op.i32Const).signed(reserve).byte(Op.i32GtS, Op.i32And, Op.if, VOID);
  body.byte(Op.localGet, Local.base, Op.localGet, Local.fuel, Op.localGet, Local.at);
  body.byte(Op.i32Const).signed(GRANULE_BITS).byte(Op.i32ShrU);
  body.byte(Op.returnCallIndirect, 0, 0, Op.end);
}
