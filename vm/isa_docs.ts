/** docs/isa.md, written from the instruction table so that it cannot say anything else. */

import { BYTES_PER_FUEL, DEFAULT_LIMITS } from "./machine.ts";
import { type Instruction, ISA, MNEMONICS, type OperandKind } from "./isa.ts";

const KINDS: Readonly<
  Record<OperandKind, readonly [written: string, bytes: string, meaning: string]>
> = {
  reg: ["`$0` … `$31`", "one, in order", "an integer register: 32 bits, two's complement"],
  freg: ["`$0` … `$31`", "one, in order", "a float register: 64 bits, IEEE 754"],
  imm16: ["`#500`", "B C", "unsigned, 16 bits, big-endian"],
  count16: ["`#10`", "A B", "unsigned, 16 bits, big-endian"],
  address: ["`@loop`", "A B, and C", "an address in the image; C holds bits 16 to 23 in version 1"],
  offset: ["`@text`", "A B, and C", "an offset into the read-only data; C as for addresses"],
  count8: ["`#4`", "B", "a shift count; may be left out, and 0 means 16"],
};

const FLOWS: Readonly<Record<Instruction["flow"], string>> = {
  next: "",
  branch: "may jump",
  dynamic: "jumps",
  dynamicBranch: "may jump",
  call: "calls",
  dynamicCall: "calls",
  return: "returns",
  stop: "stops",
  host: "host",
};

function inMiB(bytes: number): number {
  return bytes / 1024 / 1024;
}

/** The whole page, formatted as \`deno fmt\` formats it. */
export function isaPage(): string {
  const numbered = MNEMONICS.toSorted((a, b) => ISA[a].number - ISA[b].number);
  const rows = (version: number) =>
    numbered.filter((mnemonic) => ISA[mnemonic].version === version).map((mnemonic) => {
      const { number, operands, flow, effect, example } = ISA[mnemonic];
      return [`${number}`, `\`${example}\``, operands.join(" "), FLOWS[flow], effect];
    });
  const title = ["#", "written", "operands", "flow", "effect"];
  return `# Instructions

Written by \`vm/isa_docs.ts\` from the table in \`vm/isa.ts\`. After a change there:
\`UPDATE_DOCS=1 deno test -A tests/unit/vm_isa_docs_test.ts\`.

An instruction has four bytes: its number, then A, B and C, which hold its operands; what is not
used is zero. \`pc\` is an offset into the whole image, header included. In the effects ra, rb and rc
are the registers named in A, B and C; fa, fb and fc are float registers. Integers wrap. The \`flag\`
is written by comparisons and by GETL, and read by JMPE and DJMPE. Traps are named by their stop
codes: 2 division by zero, 3 stack, 4 illegal instruction, 5 heap, 6 read-only data, 7 bad jump
target, 8 memory limit, 9 fuel limit, 10 killed.

## The machine

- Registers \`$0\` to \`$31\`: integers, and as many floats apart from them; which are meant, the
  instruction says. None is special, and all begin as 0.
- The heap has 64 bytes, all zero, until ALOC makes it longer; offsets begin at 0 and are unsigned.
  Its limit is ${inMiB(DEFAULT_LIMITS.memoryBytes)} MiB if \`vm run --memory\` says nothing else.
- The stack holds words of 32 bits and is no part of the heap. \`sp\` is how many there are, at most
  ${DEFAULT_LIMITS.stackWords} if \`vm run --stack\` says nothing else.
- The read-only data is what stands in \`.data\`.
- A program ends with code 0 at HLT, with 1 behind its last instruction or at IGL, else by a trap.
- Each instruction that is begun costs one unit of fuel, the one that traps included; ALOC and
  output cost one more for each begun ${BYTES_PER_FUEL} bytes. \`vm run --fuel\` limits it.

In the tables, \`host\` marks what is carried out by whoever runs the program.

## Operands

${
    table(
      ["kind", "written", "bytes", "meaning"],
      Object.entries(KINDS).map(([kind, row]) => [
        kind,
        ...row,
      ]),
    )
  }

\`load\` takes any integer of 32 bits, and labels: what does not fit into 16 bits becomes \`load\` and
\`lui\`. See [the assembler](assembler.md).

## Iridium's

${table(title, rows(0))}

## Extensions

An image that uses one has version 1. The original stops at any of them with code 1.

${table(title, rows(1))}
`;
}

/** Columns as wide as their widest cell. */
function table(title: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = [title, ...rows].map((row) => row.map((cell) => cell.replaceAll("|", "\\|")));
  const widths = title.map((_, column) => Math.max(2, ...cells.map((row) => row[column]!.length)));
  const line = (row: readonly string[]) =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column]!)).join(" | ")} |`;
  const rule = `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`;
  return [line(cells[0]!), rule, ...cells.slice(1).map(line)].join("\n");
}
