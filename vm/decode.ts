/**
 * Code in the form that the engines read: four numbers an instruction, operands in their order as whole
 * numbers, addresses relative to the first instruction. What may not run becomes {@link ILLEGAL}, so
 * that an engine never meets a register beyond the last.
 */

import type { Image } from "./image.ts";
import {
  BY_NUMBER,
  DEFAULT_SHIFT,
  INSTRUCTION_BYTES,
  ISA,
  type Mnemonic,
  type Opcode,
  type OperandKind,
  REGISTER_COUNT,
} from "./isa.ts";

/** What traps 4 when it is run. No table entry has this number. */
export const ILLEGAL = 101;
/** Behind the last instruction: the end of the program. */
export const END = 102;
export type DecodedOpcode = Opcode | typeof ILLEGAL | typeof END;

/** Numbers an instruction has in {@link Decoded.code}: as many as bytes, so that offsets are the same. */
export const STRIDE: number = INSTRUCTION_BYTES;
/** Beyond, warnings are only counted: data that is taken for code would fill the screen. */
const MAX_WARNINGS = 20;

export interface Decoded {
  readonly image: Image;
  /** Opcode and three operands an instruction; one {@link END} more than there are instructions. */
  readonly code: Int32Array;
  /** Address of the first instruction: an address minus this is an index into `code`. */
  readonly entry: number;
  /** Of the code; an index at or above it is behind the end. */
  readonly bytes: number;
  readonly instructions: number;
  /** What is there and cannot run. */
  readonly warnings: readonly string[];
}

export function decode(image: Image): Decoded {
  const { entry } = image;
  const code = new Int32Array(image.bytes.length - entry + STRIDE);
  const warnings: string[] = [];
  let faults = 0;
  decodeFrom(image, code, 0, (at, fault) => {
    faults++;
    if (faults <= MAX_WARNINGS) warnings.push(`${entry + at}: ${fault}; it traps 4 if it is run`);
  });
  if (faults > MAX_WARNINGS) warnings.push(`and ${faults - MAX_WARNINGS} more like these`);
  return decodedOf(image, code, warnings);
}

/** An image with its code, which may have more room than the image has bytes. */
export function decodedOf(
  image: Image,
  code: Int32Array,
  warnings: readonly string[] = [],
): Decoded {
  const { entry } = image;
  const bytes = image.bytes.length - entry;
  return { image, code, entry, bytes, instructions: bytes / STRIDE, warnings };
}

/** Writes what stands from an index on, and the END behind it, into `code`; tells of what cannot run. */
export function decodeFrom(
  image: Image,
  code: Int32Array,
  first: number,
  onFault: (at: number, fault: string) => void = () => {},
): void {
  const { entry } = image;
  const bytes = image.bytes.length - entry;
  for (let at = first; at < bytes; at += STRIDE) {
    const fault = decodeOne(image, entry + at, code.subarray(at, at + STRIDE));
    if (fault === undefined) continue;
    code[at] = ILLEGAL;
    onFault(at, fault);
  }
  code[bytes] = END;
}

/** The opcode of the instruction at an index of `code`. */
export function opcodeAt({ code }: Decoded, at: number): DecodedOpcode {
  return code[at] as DecodedOpcode;
}

/** The instruction's mnemonic; undefined for what cannot run and behind the end. */
export function mnemonicAt(decoded: Decoded, at: number): Mnemonic | undefined {
  const opcode = opcodeAt(decoded, at);
  return opcode === ILLEGAL ? undefined : BY_NUMBER[opcode];
}

/** Writes one instruction, or says what is wrong with it. */
function decodeOne(image: Image, address: number, into: Int32Array): string | undefined {
  const [number, ...operandBytes] = image.bytes.subarray(address, address + INSTRUCTION_BYTES);
  const mnemonic = BY_NUMBER[number!];
  if (mnemonic === undefined) return `unknown opcode ${number}`;
  const { operands, version } = ISA[mnemonic];
  if (version > image.version) {
    return `${mnemonic} needs an image of version ${version}, this one has ${image.version}`;
  }
  into[0] = number!;
  let fault: string | undefined;
  operands.forEach((kind, index) => {
    const value = operandOf(kind, index, operandBytes, image);
    const isRegister = kind === "reg" || kind === "freg";
    if (isRegister && value >= REGISTER_COUNT) fault ??= `${mnemonic} of register ${value}`;
    into[1 + index] = value;
  });
  return fault;
}

function operandOf(
  kind: OperandKind,
  index: number,
  [a, b, c]: readonly number[],
  { version, entry }: Image,
): number {
  const high = version > 0 ? c! << 16 : 0;
  switch (kind) {
    case "reg":
    case "freg":
      return [a!, b!, c!][index]!;
    case "imm16":
      return b! << 8 | c!;
    case "count16":
      return a! << 8 | b!;
    case "address":
      return (high | a! << 8 | b!) - entry;
    case "offset":
      return high | a! << 8 | b!;
    case "count8":
      return (b! === 0 ? DEFAULT_SHIFT : b!) % 32;
  }
}

/** Where a jump leads: an index into `code`, or what is there instead of an instruction. */
export function isInCode({ bytes }: Decoded, at: number): boolean {
  return at >>> 0 < bytes && at % STRIDE === 0;
}
