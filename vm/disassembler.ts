/**
 * Images back to source. Assembling that source gives the same bytes, whatever the image holds: what no
 * instruction would make is written as `.word`, header bytes as `.header`, and debug information as the
 * data that it is. Names come from debug information where there is any, else from addresses.
 */

import { dataLines } from "./disassembler/data.ts";
import { instructionText } from "./disassembler/instruction.ts";
import { inventNames, Names } from "./disassembler/names.ts";
import { type Image, loadImage, MAGIC } from "./image.ts";
import { INSTRUCTION_BYTES } from "./isa.ts";

export interface DisassembleOptions {
  /** Whether each instruction has its address behind it, in a comment. */
  readonly addresses?: boolean;
}

const RO_LENGTH_AT = 64;
/** Column of comments with addresses. */
const COMMENT_COLUMN = 32;

/** Source of an image. Throws ImageError for bytes that are none. */
export function disassemble(
  bytes: Uint8Array,
  { addresses = false }: DisassembleOptions = {},
): string {
  // The loader fills up a last instruction that is cut off; here it is written as it is.
  const end = bytes.length - bytes.length % INSTRUCTION_BYTES;
  const image = loadImage(bytes.subarray(0, end));
  const names = new Names(image);
  inventNames(image, names);
  const lines = headerLines(image);
  lines.push(".data");
  for (const line of dataLines(image, names)) lines.push(line);
  lines.push("", ".code");
  for (let address = image.entry; address <= end; address += INSTRUCTION_BYTES) {
    for (const name of names.at("code", address)) lines.push(`${name}:`);
    if (address === end) break;
    const text = `  ${instructionText(image, address, names)}`;
    lines.push(addresses ? `${text.padEnd(COMMENT_COLUMN)} ; ${address}` : text);
  }
  const rest = [...bytes.subarray(end)].map((byte) => `#${byte}`);
  if (rest.length > 0) lines.push(`  .byte ${rest.join(" ")}`);
  return `${lines.join("\n")}\n`;
}

/** Single instructions of an image as source, for debuggers. */
export class InstructionReader {
  readonly #image: Image;
  readonly #names: Names;

  constructor(image: Image) {
    this.#image = image;
    this.#names = new Names(image);
    inventNames(image, this.#names);
  }

  /** For example `djmpe @again`; undefined where there is no instruction. */
  textAt(address: number): string | undefined {
    const { entry, bytes } = this.#image;
    const isCode = address >= entry && address < bytes.length && address % INSTRUCTION_BYTES === 0;
    return isCode ? instructionText(this.#image, address, this.#names) : undefined;
  }

  /** The labels in front of an instruction. */
  labelsAt(address: number): readonly string[] {
    return this.#names.at("code", address);
  }
}

/** All that is set in the header, but for what follows from the rest. */
function headerLines({ bytes }: Image): string[] {
  const lines: string[] = [];
  let run: number[] = [];
  for (let at = MAGIC.length; at <= RO_LENGTH_AT; at++) {
    const byte = at < RO_LENGTH_AT ? bytes[at]! : 0;
    if (byte !== 0) run.push(byte);
    else if (run.length > 0) {
      lines.push(`.header #${at - run.length} ${run.map((byte) => `#${byte}`).join(" ")}`);
      run = [];
    }
  }
  return lines;
}
