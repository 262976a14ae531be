/**
 * The instruction set, as the one table that assembler, disassembler, verifier, decoder and docs/isa.md
 * are fed from. The engines are exhaustive switches over {@link Mnemonic}.
 *
 * An instruction is four bytes: the opcode, then three operand bytes A, B and C; unused ones are zero.
 * Immediates are big-endian. Numbers 0 to 47 are Iridium's; those from 48 up are extensions, which an
 * image of version 1 or later may use; the original stops at any of them with code 1.
 */

/** What an operand is, and in which bytes it stands. */
export type OperandKind =
  /** One of the 32 integer registers, `$0` to `$31`; one byte. */
  | "reg"
  /** One of the 32 float registers, written `$0` to `$31` as well; one byte. */
  | "freg"
  /** Unsigned, 16 bits, big-endian, in B and C. */
  | "imm16"
  /** Unsigned, 16 bits, big-endian, in A and B: a number. */
  | "count16"
  /** An address in the image in A and B, big-endian; in images of version 1, C holds bits 16 to 23. */
  | "address"
  /** An offset into the read-only data, encoded as an address is. */
  | "offset"
  /** A shift count in one byte; may be left out, and 0 means 16. */
  | "count8";

/** How an instruction ends a basic block. */
export type Flow =
  /** Goes on with the next instruction. */
  | "next"
  /** If the flag is set or the counter not zero: to the address in its operand; else on. */
  | "branch"
  /** To an address in a register. */
  | "dynamic"
  /** If the flag is set: to an address in a register; else on. */
  | "dynamicBranch"
  /** To an address in its operand; RET comes back. */
  | "call"
  /** To an address in a register; RET comes back. */
  | "dynamicCall"
  | "return"
  | "stop"
  /** Ends the block, for the host has to do something; then on with the next instruction. */
  | "host";

export interface Instruction {
  readonly number: number;
  readonly operands: readonly OperandKind[];
  readonly flow: Flow;
  /** The lowest version of an image that may use it. */
  readonly version: 0 | 1;
  /** What it does, for docs/isa.md; ra, rb, rc are the registers named in A, B, C. */
  readonly effect: string;
  /** One line of source that uses it. */
  readonly example: string;
}

function entry<Opcode extends number>(
  number: Opcode,
  operands: readonly OperandKind[],
  flow: Flow,
  example: string,
  effect: string,
): Instruction & { readonly number: Opcode } {
  return {
    number,
    operands,
    flow,
    version: number < 48 || number === 100 ? 0 : 1,
    effect,
    example,
  };
}

const R = ["reg"] as const;
const RR = ["reg", "reg"] as const;
const RRR = ["reg", "reg", "reg"] as const;
const FF = ["freg", "freg"] as const;
const FFF = ["freg", "freg", "freg"] as const;

const TABLE = {
  LOAD: entry(0, ["reg", "imm16"], "next", "load $0 #500", "ra := imm16, zero-extended"),
  ADD: entry(1, RRR, "next", "add $0 $1 $2", "rc := ra + rb, wrapping"),
  SUB: entry(2, RRR, "next", "sub $0 $1 $2", "rc := ra − rb, wrapping"),
  MUL: entry(3, RRR, "next", "mul $0 $1 $2", "rc := ra × rb, low 32 bits"),
  DIV: entry(
    4,
    RRR,
    "next",
    "div $0 $1 $2",
    "rc := ra / rb, toward zero; the machine's remainder := ra % rb; traps 2 if rb is 0; MIN / −1 is MIN",
  ),
  HLT: entry(5, [], "stop", "hlt", "stops with code 0"),
  JMP: entry(6, R, "dynamic", "jmp $0", "pc := ra"),
  JMPF: entry(7, R, "dynamic", "jmpf $0", "pc := this address + 2 + ra; 2 is the next instruction"),
  JMPB: entry(8, R, "dynamic", "jmpb $0", "pc := this address + 2 − ra; 2 is this instruction"),
  EQ: entry(9, RR, "next", "eq $0 $1", "flag := ra = rb"),
  NEQ: entry(10, RR, "next", "neq $0 $1", "flag := ra ≠ rb"),
  GTE: entry(11, RR, "next", "gte $0 $1", "flag := ra ≥ rb, signed"),
  LTE: entry(12, RR, "next", "lte $0 $1", "flag := ra ≤ rb, signed"),
  LT: entry(13, RR, "next", "lt $0 $1", "flag := ra < rb, signed"),
  GT: entry(14, RR, "next", "gt $0 $1", "flag := ra > rb, signed"),
  JMPE: entry(15, R, "dynamicBranch", "jmpe $0", "if flag: pc := ra"),
  NOP: entry(16, [], "next", "nop", "nothing"),
  ALOC: entry(
    17,
    R,
    "host",
    "aloc $0",
    "the heap grows by ra bytes, which are zero; traps 5 if ra is negative, 8 beyond the memory limit",
  ),
  INC: entry(18, R, "next", "inc $0", "ra := ra + 1, wrapping"),
  DEC: entry(19, R, "next", "dec $0", "ra := ra − 1, wrapping"),
  DJMPE: entry(20, ["address"], "branch", "djmpe @loop", "if flag: pc := address"),
  PRTS: entry(
    21,
    ["offset"],
    "host",
    "prts @text",
    "prints the text at that offset of the read-only data, up to its zero byte; traps 6 without one",
  ),
  LOADF64: entry(22, ["freg", "imm16"], "next", "loadf64 $0 #5", "fa := imm16"),
  ADDF64: entry(23, FFF, "next", "addf64 $0 $1 $2", "fc := fa + fb (IEEE 754)"),
  SUBF64: entry(24, FFF, "next", "subf64 $0 $1 $2", "fc := fa − fb"),
  MULF64: entry(25, FFF, "next", "mulf64 $0 $1 $2", "fc := fa × fb"),
  DIVF64: entry(26, FFF, "next", "divf64 $0 $1 $2", "fc := fa / fb; no trap"),
  EQF64: entry(27, FF, "next", "eqf64 $0 $1", "flag := |fa − fb| < 2^-52"),
  NEQF64: entry(28, FF, "next", "neqf64 $0 $1", "flag := |fa − fb| > 2^-52"),
  GTF64: entry(29, FF, "next", "gtf64 $0 $1", "flag := fa > fb"),
  GTEF64: entry(30, FF, "next", "gtef64 $0 $1", "flag := fa ≥ fb"),
  LTF64: entry(31, FF, "next", "ltf64 $0 $1", "flag := fa < fb"),
  LTEF64: entry(32, FF, "next", "ltef64 $0 $1", "flag := fa ≤ fb"),
  SHL: entry(
    33,
    ["reg", "count8"],
    "next",
    "shl $0 #4",
    "ra := ra << (n mod 32), n = 16 if not given",
  ),
  SHR: entry(
    34,
    ["reg", "count8"],
    "next",
    "shr $0 #4",
    "ra := ra >> (n mod 32), arithmetic, n = 16 if not given",
  ),
  AND: entry(35, RRR, "next", "and $0 $1 $2", "rc := ra and rb, bitwise"),
  OR: entry(36, RRR, "next", "or $0 $1 $2", "rc := ra or rb"),
  XOR: entry(37, RRR, "next", "xor $0 $1 $2", "rc := ra xor rb"),
  NOT: entry(38, RR, "next", "not $0 $1", "rb := not ra"),
  LUI: entry(39, ["reg", "imm16"], "next", "lui $0 #1", "ra := (ra << 16) or imm16"),
  CLOOP: entry(40, ["count16"], "next", "cloop #10", "the loop counter := count16"),
  LOOP: entry(
    41,
    ["address"],
    "branch",
    "loop @again",
    "if the loop counter is not 0: counts it down, pc := address; the body runs n + 1 times",
  ),
  LOADM: entry(
    42,
    RR,
    "next",
    "loadm $0 $1",
    "rb := the 32 bits at heap[ra], little-endian; traps 5",
  ),
  SETM: entry(
    43,
    RR,
    "next",
    "setm $0 $1",
    "heap[ra] := the 32 bits of rb, little-endian; traps 5",
  ),
  PUSH: entry(44, R, "next", "push $0", "pushes ra; traps 3 beyond the stack limit"),
  POP: entry(
    45,
    R,
    "next",
    "pop $0",
    "ra := the top of the stack, which is removed; traps 3 if it is empty",
  ),
  CALL: entry(
    46,
    ["address"],
    "call",
    "call @sub",
    "pushes the address of the next instruction and bp; bp := sp; pc := address",
  ),
  RET: entry(47, [], "return", "ret", "sp := bp; bp and pc := popped; traps 3 unless 2 ≤ bp ≤ sp"),

  PRTI: entry(48, R, "host", "prti $0", "prints ra in decimal"),
  PRTF: entry(49, ["freg"], "host", "prtf $0", "prints fa, as ECMAScript's Number::toString does"),
  PRTB: entry(50, R, "host", "prtb $0", "prints the low byte of ra as it is"),
  GETL: entry(
    51,
    RRR,
    "host",
    "getl $0 $1 $2",
    "waits for a line of input and puts up to rb of its bytes, without the newline, at heap[ra]; " +
      "rc := how many; flag := false at the end of the input, else true; the rest of a longer " +
      "line is what the next GETL reads; traps 5",
  ),
  LOADB: entry(52, RR, "next", "loadb $0 $1", "rb := the byte at heap[ra]; traps 5"),
  SETB: entry(53, RR, "next", "setb $0 $1", "heap[ra] := the low byte of rb; traps 5"),
  LOADMF64: entry(
    54,
    ["reg", "freg"],
    "next",
    "loadmf64 $0 $1",
    "fb := the 64 bits at heap[ra], little-endian; traps 5",
  ),
  SETMF64: entry(
    55,
    ["reg", "freg"],
    "next",
    "setmf64 $0 $1",
    "heap[ra] := the 64 bits of fb, any NaN as 7FF8000000000000; traps 5",
  ),
  LOADRO: entry(
    56,
    RR,
    "next",
    "loadro $0 $1",
    "rb := the 32 bits at that offset of the read-only data, little-endian; traps 6",
  ),
  LOADROB: entry(57, RR, "next", "loadrob $0 $1", "rb := that byte of the read-only data; traps 6"),
  LOADROF64: entry(
    58,
    ["reg", "freg"],
    "next",
    "loadrof64 $0 $1",
    "fb := the 64 bits at that offset of the read-only data; traps 6",
  ),
  ITOF: entry(59, ["reg", "freg"], "next", "itof $0 $1", "fb := ra"),
  FTOI: entry(
    60,
    ["freg", "reg"],
    "next",
    "ftoi $0 $1",
    "rb := fa toward zero, the nearest that fits; 0 for NaN",
  ),
  REM: entry(
    61,
    RRR,
    "next",
    "rem $0 $1 $2",
    "rc := ra % rb, sign of ra; traps 2 if rb is 0; MIN % −1 is 0",
  ),
  DIVU: entry(62, RRR, "next", "divu $0 $1 $2", "rc := ra / rb, unsigned; traps 2"),
  REMU: entry(63, RRR, "next", "remu $0 $1 $2", "rc := ra % rb, unsigned; traps 2"),
  LTU: entry(64, RR, "next", "ltu $0 $1", "flag := ra < rb, unsigned"),
  LTEU: entry(65, RR, "next", "lteu $0 $1", "flag := ra ≤ rb, unsigned"),
  GTU: entry(66, RR, "next", "gtu $0 $1", "flag := ra > rb, unsigned"),
  GTEU: entry(67, RR, "next", "gteu $0 $1", "flag := ra ≥ rb, unsigned"),
  SHLR: entry(68, RRR, "next", "shlr $0 $1 $2", "rc := ra << (rb mod 32)"),
  SHRR: entry(69, RRR, "next", "shrr $0 $1 $2", "rc := ra >> (rb mod 32), arithmetic"),
  SHRU: entry(70, RRR, "next", "shru $0 $1 $2", "rc := ra >> (rb mod 32), zeros from the left"),
  CALLR: entry(71, R, "dynamicCall", "callr $0", "as CALL, to the address in ra"),
  LOADS: entry(
    72,
    ["reg", "imm16"],
    "next",
    "loads $0 #2",
    "ra := the word imm16 below the top of the stack, 0 being the top; traps 3",
  ),
  SETS: entry(
    73,
    ["reg", "imm16"],
    "next",
    "sets $0 #2",
    "the word imm16 below the top of the stack := ra; traps 3",
  ),
  HEAP: entry(74, R, "next", "heap $0", "ra := the length of the heap in bytes"),
  CLOCK: entry(
    75,
    RR,
    "host",
    "clock $0 $1",
    "ra and rb := the low and high 32 bits of the milliseconds since 1970",
  ),
  RAND: entry(76, R, "host", "rand $0", "ra := 32 random bits"),

  IGL: entry(100, [], "stop", "igl", "stops with code 1"),
} as const satisfies Record<string, Instruction>;

export type Mnemonic = keyof typeof TABLE;

/** The numbers themselves, so that a switch over them is checked to be exhaustive. */
export type Opcode = (typeof TABLE)[Mnemonic]["number"];

export const ISA: Readonly<Record<Mnemonic, Instruction>> = TABLE;

export const MNEMONICS = Object.keys(TABLE) as readonly Mnemonic[];

export const INSTRUCTION_BYTES = 4;
export const REGISTER_COUNT = 32;
/** What SHL and SHR shift by when no count is given. */
export const DEFAULT_SHIFT = 16;

/** The mnemonic of each opcode; undefined where there is none. */
export const BY_NUMBER: readonly (Mnemonic | undefined)[] = Array.from(
  { length: 256 },
  (_, number) => MNEMONICS.find((mnemonic) => TABLE[mnemonic].number === number),
);
