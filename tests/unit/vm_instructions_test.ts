/** What each instruction does, on both engines. */

import assert from "node:assert/strict";
import { type Mnemonic, MNEMONICS } from "../../vm/isa.ts";
import type { Engine } from "../../vm/machine.ts";
import { assertStopped, onBoth, run, type RunOptions } from "../support/vm_machines.ts";

const MIN = -0x8000_0000;
const MAX = 0x7fff_ffff;
const EPSILON = 2 ** -52;

interface Golden {
  /** What stands in registers 0, 1, 2 ... before and after; undefined: not looked at. */
  readonly before?: readonly number[];
  readonly after?: readonly (number | undefined)[];
  readonly floatsBefore?: readonly number[];
  readonly floatsAfter?: readonly number[];
  readonly flag?: boolean;
  readonly remainder?: number;
  readonly options?: RunOptions;
  readonly output?: string;
}

/** Source and what it does; for every instruction there is one that needs it. */
const GOLDEN: readonly (readonly [string, Golden])[] = [
  ["load $0 #65535", { after: [65_535] }],
  ["add $0 $1 $2", { before: [MAX, 1], after: [MAX, 1, MIN] }],
  ["sub $0 $1 $2", { before: [MIN, 1], after: [MIN, 1, MAX] }],
  ["sub $0 $1 $0", { before: [5, 7], after: [-2, 7] }],
  ["mul $0 $1 $2", { before: [123_456_789, 987_654_321], after: [, , -67_153_019] }],
  ["div $0 $1 $2", { before: [-7, 2], after: [-7, 2, -3], remainder: -1 }],
  ["div $0 $1 $2", { before: [7, -2], after: [7, -2, -3], remainder: 1 }],
  ["div $0 $1 $2", { before: [MIN, -1], after: [MIN, -1, MIN], remainder: 0 }],
  ["div $0 $1 $1", { before: [9, 2], after: [9, 4], remainder: 1 }],
  ["hlt\nload $0 #1", { after: [0] }],
  ["load $1 @to\njmp $1\nload $0 #1\nto: hlt", { after: [0] }],
  ["load $1 #6\njmpf $1\nload $0 #1\nhlt", { after: [0] }],
  [
    "load $2 @over\njmp $2\nback: load $0 #7\nhlt\nover: load $1 #14\njmpb $1\nhlt",
    { after: [7] },
  ],
  ["eq $0 $1", { before: [3, 3], flag: true }],
  ["eq $0 $1", { before: [3, 4], flag: false }],
  ["neq $0 $1", { before: [3, 4], flag: true }],
  ["neq $0 $1", { before: [3, 3], flag: false }],
  ["gte $0 $1", { before: [-1, 1], flag: false }],
  ["gte $0 $1", { before: [1, 1], flag: true }],
  ["lte $0 $1", { before: [-1, 1], flag: true }],
  ["lte $0 $1", { before: [2, 1], flag: false }],
  ["lt $0 $1", { before: [MIN, MAX], flag: true }],
  ["lt $0 $1", { before: [1, 1], flag: false }],
  ["gt $0 $1", { before: [MAX, MIN], flag: true }],
  ["gt $0 $1", { before: [1, 1], flag: false }],
  ["load $1 @to\neq $0 $0\njmpe $1\nload $0 #1\nto: nop", { after: [0] }],
  ["load $1 @to\nneq $0 $0\njmpe $1\nload $0 #1\nto: nop", { after: [1] }],
  ["aloc $0\nheap $1", { before: [1_024], after: [1_024, 1_088] }],
  ["inc $0", { before: [MAX], after: [MIN] }],
  ["dec $0", { before: [MIN], after: [MAX] }],
  ["eq $0 $0\ndjmpe @to\nload $0 #1\nto: nop", { after: [0] }],
  ["neq $0 $0\ndjmpe @to\nload $0 #1\nto: nop", { after: [1] }],
  ["prts #2", { options: { readOnly: bytes(65, 0, 66, 67, 0) }, output: "BC" }],
  ["loadf64 $1 #65535", { floatsAfter: [0, 65_535] }],
  ["addf64 $0 $1 $2", { floatsBefore: [0.1, 0.2], floatsAfter: [0.1, 0.2, 0.1 + 0.2] }],
  ["subf64 $0 $1 $2", { floatsBefore: [0.1, 0.2], floatsAfter: [0.1, 0.2, -0.1] }],
  ["mulf64 $0 $1 $2", { floatsBefore: [1e300, 1e300], floatsAfter: [1e300, 1e300, Infinity] }],
  ["divf64 $0 $1 $2", { floatsBefore: [-1, 0], floatsAfter: [-1, 0, -Infinity] }],
  ["divf64 $0 $1 $2", { floatsBefore: [0, 0], floatsAfter: [0, 0, NaN] }],
  ["eqf64 $0 $1", { floatsBefore: [1, 1 + EPSILON / 2], flag: true }],
  ["neqf64 $0 $1", { floatsBefore: [1, 1 + 2 * EPSILON], flag: true }],
  ["eqf64 $0 $1", { floatsBefore: [1, 2], flag: false }],
  ["neqf64 $0 $1", { floatsBefore: [1, 1], flag: false }],
  ["gtf64 $0 $1", { floatsBefore: [2, 1], flag: true }],
  ["gtf64 $0 $1", { floatsBefore: [NaN, 1], flag: false }],
  ["gtef64 $0 $1", { floatsBefore: [1, 1], flag: true }],
  ["gtef64 $0 $1", { floatsBefore: [1, NaN], flag: false }],
  ["ltf64 $0 $1", { floatsBefore: [0, -0], flag: false }],
  ["ltf64 $0 $1", { floatsBefore: [-Infinity, 0], flag: true }],
  ["ltef64 $0 $1", { floatsBefore: [-0, 0], flag: true }],
  ["ltef64 $0 $1", { floatsBefore: [NaN, NaN], flag: false }],
  ["shl $0 #4", { before: [3], after: [48] }],
  ["shl $0 #0", { before: [3], after: [3 << 16] }],
  ["shl $0 #33", { before: [3], after: [6] }],
  ["shl $0 #32", { before: [3], after: [3] }],
  ["shr $0 #4", { before: [-48], after: [-3] }],
  ["shr $0 #0", { before: [-1 << 20], after: [-16] }],
  ["and $0 $1 $2", { before: [12, 10], after: [12, 10, 8] }],
  ["or $0 $1 $2", { before: [12, 10], after: [12, 10, 14] }],
  ["xor $0 $1 $2", { before: [12, 10], after: [12, 10, 6] }],
  ["not $0 $1", { before: [0], after: [0, -1] }],
  ["lui $0 #65535", { before: [0xffff], after: [-1] }],
  ["cloop #10\nagain: inc $0\nloop @again", { after: [11] }],
  ["setm $0 $1\nloadm $0 $2", { before: [3, -2], after: [3, -2, -2] }],
  ["push $0\npush $1\npop $2\npop $3", { before: [8, 9], after: [8, 9, 9, 8] }],
  ["call @sub\ninc $1\nhlt\nsub: load $0 #5\nret", { after: [5, 1] }],
  ["prti $0", { before: [MIN], output: "-2147483648" }],
  ["prtf $0", { floatsBefore: [1e21], output: "1e+21" }],
  ["prtf $0", { floatsBefore: [NaN], output: "NaN" }],
  ["prtb $0", { before: [0x141], output: "A" }],
  ["getl $0 $1 $2", { before: [4, 9], after: [4, 9, 3], flag: true, options: { input: ["abc"] } }],
  ["getl $0 $1 $2", { before: [4, 9, 7], after: [4, 9, 0], flag: false }],
  ["setm $0 $1\nloadb $2 $3", { before: [0, 0x8180, 1], after: [, , , 0x81] }],
  ["setb $0 $1\nloadm $2 $3", { before: [1, 0x17f], after: [, , , 0x7f00] }],
  [
    "setmf64 $0 $0\nloadmf64 $0 $1",
    { before: [56], floatsBefore: [Math.PI], floatsAfter: [Math.PI, Math.PI] },
  ],
  ["loadro $0 $1", {
    before: [1],
    after: [1, 0x05040302],
    options: { readOnly: bytes(1, 2, 3, 4, 5) },
  }],
  ["loadrob $0 $1", { before: [2], after: [2, 0x83], options: { readOnly: bytes(1, 2, 0x83) } }],
  [
    "loadrof64 $0 $0",
    {
      before: [1],
      floatsAfter: [1],
      options: { readOnly: bytes(9, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f) },
    },
  ],
  ["itof $0 $1", { before: [-5], floatsAfter: [0, -5] }],
  ["ftoi $0 $1", { floatsBefore: [-2.9], after: [0, -2] }],
  ["ftoi $0 $1", { floatsBefore: [1e10], after: [0, MAX] }],
  ["ftoi $0 $1", { floatsBefore: [-Infinity], after: [0, MIN] }],
  ["ftoi $0 $1", { floatsBefore: [NaN], before: [0, 7], after: [0, 0] }],
  ["rem $0 $1 $2", { before: [-7, 2], after: [-7, 2, -1], remainder: 0 }],
  ["rem $0 $1 $2", { before: [MIN, -1], after: [, , 0] }],
  ["divu $0 $1 $2", { before: [-1, 2], after: [, , MAX] }],
  ["remu $0 $1 $2", { before: [-1, 10], after: [, , 5] }],
  ["ltu $0 $1", { before: [1, -1], flag: true }],
  ["ltu $0 $1", { before: [1, 1], flag: false }],
  ["lteu $0 $1", { before: [-1, 1], flag: false }],
  ["lteu $0 $1", { before: [1, 1], flag: true }],
  ["gtu $0 $1", { before: [-1, 1], flag: true }],
  ["gtu $0 $1", { before: [1, 1], flag: false }],
  ["gteu $0 $1", { before: [1, 1], flag: true }],
  ["gteu $0 $1", { before: [1, -1], flag: false }],
  ["shlr $0 $1 $2", { before: [1, 35], after: [, , 8] }],
  ["shrr $0 $1 $2", { before: [-16, 2], after: [, , -4] }],
  ["shru $0 $1 $2", { before: [-16, 28], after: [, , 15] }],
  ["load $1 @sub\ncallr $1\ninc $0\nhlt\nsub: load $0 #5\nret", { after: [6] }],
  ["push $0\npush $1\nloads $2 #1", { before: [8, 9], after: [8, 9, 8] }],
  ["push $0\npush $1\nsets $1 #1\npop $2\npop $2", { before: [8, 9], after: [8, 9, 9] }],
  ["clock $0 $1", { after: [0x456789ab | 0, 0x123] }],
  ["rand $0", { after: [1_015_568_748] }],
  ["igl\nload $0 #1", { after: [0] }],
];

function bytes(...values: readonly number[]): Uint8Array {
  return Uint8Array.from(values);
}

function check(source: string, golden: Golden, engine: Engine["name"]): void {
  const { machine, host, exit } = run(source, engine, {
    ...golden.options,
    prepare({ registers, floats }) {
      registers.set(golden.before ?? []);
      floats.set(golden.floatsBefore ?? []);
    },
  });
  golden.after?.forEach((value, register) => {
    if (value !== undefined) assert.equal(machine.registers[register], value, `$${register}`);
  });
  golden.floatsAfter?.forEach((value, register) => {
    assert.ok(Object.is(machine.floats[register], value), `float $${register}`);
  });
  if (golden.flag !== undefined) assert.equal(machine.flag, golden.flag);
  if (golden.remainder !== undefined) assert.equal(machine.remainder, golden.remainder);
  assert.equal(host.text, golden.output ?? "");
  assert.equal(exit.kind, "stopped");
}

for (const [source, golden] of GOLDEN) {
  onBoth(`vm: ${source.replaceAll("\n", ", ")}`, (engine) => check(source, golden, engine));
}

/** The same without instructions of this kind. */
function without(mnemonic: Mnemonic, source: string): string {
  const pattern = new RegExp(`^(\\w+: *)?${mnemonic}( .*|)$`, "gim");
  return source.replaceAll(pattern, (_, label = "") => `${label}nop`);
}

for (const mnemonic of MNEMONICS) {
  // Nothing is lost without it; that it is there and takes a place, all examples with jumps show.
  if (mnemonic === "NOP") continue;
  onBoth(`vm: there is an example that needs ${mnemonic}`, (engine) => {
    const needing = GOLDEN.filter(([source, golden]) => {
      const rest = without(mnemonic, source);
      if (rest === source) return false;
      try {
        check(rest, golden, engine);
        return false;
      } catch {
        return true;
      }
    });
    assert.ok(needing.length > 0);
  });
}

onBoth("vm: a program without HLT ends behind its last instruction, with code 1", (engine) => {
  assertStopped(run("load $0 #1\nnop", engine), 1, 76);
});
