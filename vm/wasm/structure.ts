/**
 * Writes a region as structured control flow (Ramsey, "Beyond Relooper", 2022): each block stands inside
 * the block that dominates it; where several ways meet is the end of a WebAssembly block, where a jump
 * leads back is the top of a loop. The root is the dispatcher, which goes to the instruction in
 * {@link Local.at}. No recursion: programs nest deeper than the machine's stack.
 */

import { type Decoded, opcodeAt, STRIDE } from "../decode.ts";
import { Layout } from "../state.ts";
import type { Block, BlockList } from "./blocks.ts";
import { Op } from "./bytes.ts";
import { type FunctionWriter, type Label, Local } from "./function.ts";
import { leaveBefore, type Site, translate } from "./instructions.ts";
import { dominates, isBack, type Order } from "./order.ts";

export interface RegionPlan {
  readonly program: Decoded;
  readonly list: BlockList;
  readonly order: Order;
  /** Code goes on only with more fuel than this, enough to come to the next test. */
  readonly reserve: number;
  readonly countsFuel: boolean;
}

type Step = () => void;

export function writeRegion(writer: FunctionWriter, plan: RegionPlan): void {
  writer.open(Op.block, "leave");
  writer.open(Op.block, "cross");
  new RegionWriter(writer, plan).write();
  writer.op(Op.unreachable);
  writer.end();
  writer.i32(1).set(Local.crosses);
  writer.end();
}

class RegionWriter {
  readonly #w: FunctionWriter;
  readonly #plan: RegionPlan;
  readonly #root: number;
  /** Blocks that several ways lead to, or the dispatcher. */
  readonly #merges = new Set<number>();
  /** Blocks that a jump leads back to. */
  readonly #heads = new Set<number>();
  /** By node, the merges that it dominates immediately, in order. */
  readonly #inside = new Map<number, number[]>();
  /** What is still to be written, the next last. */
  readonly #steps: Step[] = [];

  constructor(writer: FunctionWriter, plan: RegionPlan) {
    this.#w = writer;
    this.#plan = plan;
    this.#root = plan.list.blocks.length;
    this.#findShapes();
  }

  write(): void {
    this.#tree(this.#root);
    for (let step = this.#steps.pop(); step !== undefined; step = this.#steps.pop()) step();
  }

  #then(...steps: readonly Step[]): void {
    for (const step of steps.toReversed()) this.#steps.push(step);
  }

  #findShapes(): void {
    const { order } = this.#plan;
    const arrivals = new Map<number, number>();
    for (const entry of order.entries) this.#merges.add(entry);
    for (const node of order.nodes) {
      if (node === this.#root) continue;
      for (const to of this.#waysFrom(node)) {
        if (isBack(order, node, to)) {
          if (dominates(order, to, node)) this.#heads.add(to);
          continue;
        }
        const count = (arrivals.get(to) ?? 0) + 1;
        arrivals.set(to, count);
        if (count > 1) this.#merges.add(to);
      }
    }
    for (const node of order.nodes) {
      if (!this.#merges.has(node)) continue;
      const above = order.dominator[node]!;
      const inside = this.#inside.get(above);
      if (inside === undefined) this.#inside.set(above, [node]);
      else inside.push(node);
    }
    this.#heads.add(this.#root);
  }

  /** Blocks that a block goes to, one that it goes to twice being there twice. */
  #waysFrom(node: number): number[] {
    const { target, next } = this.#plan.list.blocks[node]!;
    return [target, next].flatMap((to) =>
      to === undefined ? [] : this.#plan.list.blockAt(to) ?? []
    );
  }

  /** A node and all that it dominates. Control never falls out of its end. */
  #tree(node: number): void {
    const w = this.#w;
    const isHead = this.#heads.has(node);
    const merges = this.#inside.get(node) ?? [];
    if (isHead) w.open(Op.loop, `top of ${node}`);
    for (const merge of merges.toReversed()) w.open(Op.block, `end of ${merge}`);
    this.#then(
      () => node === this.#root ? this.#dispatcher() : this.#block(node),
      ...merges.map((merge) => () => {
        w.end();
        this.#tree(merge);
      }),
      () => {
        if (isHead) w.end();
      },
    );
  }

  #dispatcher(): void {
    const w = this.#w;
    const { list: { region, blocks }, order, reserve, program, countsFuel } = this.#plan;
    if (countsFuel) {
      w.get(Local.fuel).i32(reserve).op(Op.i32LeS);
      w.branchIf("leave");
    }
    const size = region.end - region.start;
    if (size < program.instructions) {
      w.get(Local.at).i32(region.start).op(Op.i32Sub).i32(size).op(Op.i32GeU);
      w.branchIf("cross");
    }
    const labels: Label[] = Array.from({ length: size }, () => "leave");
    for (const entry of order.entries) {
      labels[blocks[entry]!.first - region.start] = `end of ${entry}`;
    }
    w.get(Local.at).i32(region.start).op(Op.i32Sub);
    w.branchTable(labels, "leave");
  }

  #block(node: number): void {
    const w = this.#w;
    const block = this.#plan.list.blocks[node]!;
    if (this.#plan.countsFuel) {
      w.get(Local.fuel).i32(block.count).op(Op.i32Sub).set(Local.fuel);
    }
    const last = block.first + block.count - 1;
    const isBranch = block.flow === "branch" || block.flow === "dynamicBranch";
    for (let index = block.first; index < last; index++) this.#instruction(block, index);
    if (block.flow === "leave") return leaveBefore(w, this.#site(block, last));
    if (!isBranch) this.#instruction(block, last);
    switch (block.flow) {
      case "next":
        return this.#goTo(node, block.next!);
      case "call":
        return this.#goTo(node, block.target!);
      case "branch":
        return this.#branch(node, block);
      case "dynamic":
      case "dynamicCall":
      case "return":
        return w.branch(`top of ${this.#root}`);
      case "dynamicBranch":
        w.load(Layout.flag);
        w.if();
        this.#instruction(block, last);
        w.branch(`top of ${this.#root}`);
        w.end();
        return this.#goTo(node, block.next!);
    }
  }

  /** DJMPE and LOOP. */
  #branch(node: number, block: Block): void {
    const w = this.#w;
    const last = block.first + block.count - 1;
    const counts = opcodeAt(this.#plan.program, last * STRIDE) === 41;
    w.load(counts ? Layout.loopCounter : Layout.flag);
    w.if();
    const taken = () => {
      if (block.target === undefined) return leaveBefore(w, this.#site(block, last));
      if (counts) w.load(Layout.loopCounter).i32(1).op(Op.i32Sub).store(Layout.loopCounter);
      this.#goTo(node, block.target);
    };
    this.#then(
      taken,
      () => w.end(),
      () => this.#goTo(node, block.next!),
    );
  }

  /** Ends a block: on to an instruction, wherever that is. */
  #goTo(node: number, instruction: number): void {
    const w = this.#w;
    const { list: { blockAt }, order, reserve, program, countsFuel } = this.#plan;
    const to = blockAt(instruction);
    if (to === undefined) {
      w.i32(instruction).set(Local.at);
      return w.branch(instruction === program.instructions ? "leave" : "cross");
    }
    if (!isBack(order, node, to)) {
      if (this.#merges.has(to)) w.branch(`end of ${to}`);
      else this.#tree(to);
      return;
    }
    if (dominates(order, to, node)) {
      if (!countsFuel) return w.branch(`top of ${to}`);
      w.get(Local.fuel).i32(reserve).op(Op.i32GtS);
      w.branchIf(`top of ${to}`);
      w.i32(instruction).set(Local.at);
      return w.branch("leave");
    }
    w.i32(instruction).set(Local.at);
    w.branch(`top of ${this.#root}`);
  }

  #instruction(block: Block, index: number): void {
    translate(this.#w, this.#site(block, index));
  }

  #site(block: Block, index: number): Site {
    const { program, countsFuel } = this.#plan;
    const at = index * STRIDE;
    const [, a, b, c] = program.code.subarray(at, at + STRIDE);
    return {
      opcode: opcodeAt(program, at) as Site["opcode"],
      operands: [a!, b!, c!],
      index,
      instructions: program.instructions,
      entry: program.entry,
      readOnlyBytes: program.image.readOnly.length,
      fuelBack: countsFuel ? block.first + block.count - index : 0,
    };
  }
}
