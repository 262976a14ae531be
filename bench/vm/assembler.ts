/**
 * How fast source becomes an image and comes back: lines a second, of one big program that is all
 * instructions and of one that looks like what people write. The first run compiles the assembler
 * itself; the second is what a REPL or a server sees; the best is where it settles. Each process does
 * one thing only, and there are some of each.
 *
 *     deno run -A bench/vm/assembler.ts [ROUNDS]
 */

import { assemble } from "../../vm/assembler/index.ts";
import { disassemble } from "../../vm/disassembler.ts";
import { machine, percentile, report, reportTable } from "../support.ts";

/** A quarter of this many loops of four instructions. */
const INSTRUCTIONS = 100_000;
const RUNS = 8;
const ROUNDS = 5;
/** Lines a second, in the second run of assembling. */
const MIN_SPEED = 1_000_000;

const dense = (index: number): string =>
  `l${index}: load $1 #${index}\n  add $1 $2 $3\n  neq $0 $2\n  djmpe @l${index}\n`;

const written = (index: number): string =>
  `; Counts up to what is in $0.\nloop_${index}:\n  load $1, #${index}    ; from here\n` +
  `  add $1 $2 $3\n\n  neq $0 $2        ; not there yet?\n  djmpe @loop_${index}\n\n`;

const PIECES = { dense, written } as const;
const WORK = ["assemble", "assemble -g", "disassemble"] as const;

function sourceOf(piece: (index: number) => string): string {
  const pieces = Array.from({ length: INSTRUCTIONS / 4 }, (_, index) => piece(index));
  return `.data\n.code\n${pieces.join("")}`;
}

interface Measured {
  readonly lines: number;
  /** Milliseconds of each run. */
  readonly times: readonly number[];
}

function measure(name: keyof typeof PIECES, work: typeof WORK[number]): Measured {
  const source = sourceOf(PIECES[name]);
  const image = work === "disassemble" ? assemble(source).image! : undefined;
  const text = image === undefined ? source : disassemble(image);
  const times = Array.from({ length: RUNS }, () => {
    const before = performance.now();
    if (image === undefined) assemble(source, { debug: work === "assemble -g" });
    else disassemble(image);
    return performance.now() - before;
  });
  return { lines: text.split("\n").length - 1, times };
}

/** The same in a process of its own. */
async function measureApart(...args: readonly string[]): Promise<Measured> {
  const script = new URL(import.meta.url).pathname;
  const command = new Deno.Command(Deno.execPath(), { args: ["run", "-A", script, ...args] });
  const { stdout } = await command.output();
  return JSON.parse(new TextDecoder().decode(stdout));
}

async function main(rounds: number): Promise<void> {
  report(machine(), "", `lines a second, the median of ${rounds} processes`, "");
  const rows = [["program", "lines", "first run", "second", "best of eight"]];
  const seconds: number[] = [];
  for (const name of Object.keys(PIECES)) {
    for (const work of WORK) {
      const measured: Measured[] = [];
      for (let i = 0; i < rounds; i++) measured.push(await measureApart(name, work));
      const { lines } = measured[0]!;
      const speed = (timeOf: (times: readonly number[]) => number) =>
        lines * 1_000 / percentile(measured.map(({ times }) => timeOf(times)), 0.5);
      const second = speed(([, time]) => time!);
      if (work !== "disassemble") seconds.push(second);
      const speeds = [speed(([time]) => time!), second, speed((times) => Math.min(...times))];
      const cells = speeds.map((speed) => `${(speed / 1e6).toFixed(2)} M/s`);
      rows.push([`${name}, ${work}`, String(lines), ...cells]);
    }
  }
  reportTable(rows);
  const slowest = Math.min(...seconds);
  report(
    "",
    `the second run assembles ${(slowest / 1e6).toFixed(2)} M lines a second at least ` +
      `(aim: ${MIN_SPEED / 1e6} M): ${slowest >= MIN_SPEED ? "reached" : "NOT REACHED"}`,
  );
}

if (import.meta.main) {
  const [name = "", work] = Deno.args;
  const piece = Object.keys(PIECES).find((known) => known === name) as keyof typeof PIECES;
  const known = WORK.find((known) => known === work);
  if (piece === undefined || known === undefined) await main(Number(name || ROUNDS));
  else report(JSON.stringify(measure(piece, known)));
}
