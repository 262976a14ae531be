/**
 * How fast source becomes an image and comes back: lines a second, of one big program that is all
 * instructions and of one that looks like what people write. The first run compiles the assembler
 * itself; the second is what a REPL or a server sees; the best is where it settles.
 */

import { assemble } from "../../vm/assembler/index.ts";
import { disassemble } from "../../vm/disassembler.ts";
import { machine, report, reportTable } from "../support.ts";

/** A quarter of this many loops of four instructions. */
const INSTRUCTIONS = 100_000;
const RUNS = 8;

const dense = (index: number): string =>
  `l${index}: load $1 #${index}\n  add $1 $2 $3\n  neq $0 $2\n  djmpe @l${index}\n`;

const written = (index: number): string =>
  `; Counts up to what is in $0.\nloop_${index}:\n  load $1, #${index}    ; from here\n` +
  `  add $1 $2 $3\n\n  neq $0 $2        ; not there yet?\n  djmpe @loop_${index}\n\n`;

function programOf(piece: (index: number) => string): string {
  const pieces = Array.from({ length: INSTRUCTIONS / 4 }, (_, index) => piece(index));
  return `.data\n.code\n${pieces.join("")}`;
}

/** Milliseconds of each run. */
function measure(work: () => void): number[] {
  return Array.from({ length: RUNS }, () => {
    const before = performance.now();
    work();
    return performance.now() - before;
  });
}

function row(what: string, source: string, work: () => void): string[] {
  const lines = source.split("\n").length - 1;
  const times = measure(work);
  const speed = (ms: number) => `${(lines / ms / 1_000).toFixed(2)} M/s`;
  const [first, second] = times;
  return [what, `${lines}`, ...[first!, second!, Math.min(...times)].map(speed)];
}

report(machine(), "");
const rows = [["PROGRAM", "LINES", "FIRST", "SECOND", "BEST"]];
for (
  const [what, source] of [["dense", programOf(dense)], ["written", programOf(written)]] as const
) {
  rows.push(row(`${what}, assemble`, source, () => void assemble(source)));
  rows.push(row(`${what}, assemble -g`, source, () => void assemble(source, { debug: true })));
  const { image } = assemble(source);
  rows.push(row(`${what}, disassemble`, disassemble(image!), () => void disassemble(image!)));
}
reportTable(rows);
