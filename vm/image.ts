/**
 * Images: what the assembler makes and the engines run. "EPIE", 60 bytes of which two are used by
 * extensions, the length of the read-only data, that data, the code. The original reads the first four
 * bytes and the length only.
 *
 *     0  "EPIE"
 *     4  version: 0 Iridium's, 1 with opcodes from 48 up and 24-bit addresses
 *     5  flags: 1 = debug information at the end of the read-only data
 *     8  u32 LE: offset of the debug information in the read-only data, and at 12 its length
 *    64  u32 LE: length of the read-only data, padding included
 *    68  read-only data, code
 */

import { INSTRUCTION_BYTES } from "./isa.ts";

export const MAGIC = new Uint8Array([0x45, 0x50, 0x49, 0x45]);
export const HEADER_BYTES = 68;
export const MAX_VERSION = 1;
/** Addresses of version 0 and 1. */
export const MAX_ADDRESS: Readonly<Record<number, number>> = { 0: 0xffff, 1: 0xff_ffff };
/** An image is at most as long as its longest address can reach. */
export const MAX_IMAGE_BYTES = 0x100_0000;

export const VERSION_AT = 4;
const FLAGS_AT = 5;
const DEBUG_OFFSET_AT = 8;
const DEBUG_LENGTH_AT = 12;
const RO_LENGTH_AT = 64;
const DEBUG_FLAG = 1;

export interface Image {
  readonly version: number;
  /** All of it, header included; addresses are offsets into this. */
  readonly bytes: Uint8Array;
  /** A view of the read-only data, without debug information. */
  readonly readOnly: Uint8Array;
  /** A view of the debug information; empty if there is none. */
  readonly debug: Uint8Array;
  /** Address of the first instruction. */
  readonly entry: number;
  /** What is odd about it and does no harm. */
  readonly warnings: readonly string[];
}

/** Why bytes are no image. */
export class ImageError extends Error {
  override readonly name = "ImageError";
}

/** Whether bytes begin as an image does; source never does. */
export function looksLikeImage(bytes: Uint8Array): boolean {
  return MAGIC.every((byte, index) => bytes[index] === byte);
}

/** Checks bytes from outside. Throws {@link ImageError}. */
export function loadImage(bytes: Uint8Array): Image {
  if (!looksLikeImage(bytes)) throw new ImageError('not an image: it does not begin with "EPIE"');
  if (bytes.length < HEADER_BYTES) {
    throw new ImageError(`truncated: ${bytes.length} bytes, a header alone has ${HEADER_BYTES}`);
  }
  if (bytes.length > MAX_IMAGE_BYTES) {
    throw new ImageError(`${bytes.length} bytes, at most ${MAX_IMAGE_BYTES} are allowed`);
  }
  const warnings: string[] = [];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const version = bytes[VERSION_AT]!;
  if (version > MAX_VERSION) {
    throw new ImageError(`version ${version}; this build runs versions up to ${MAX_VERSION}`);
  }
  const flags = bytes[FLAGS_AT]!;
  if ((flags & ~DEBUG_FLAG) !== 0) throw new ImageError(`unknown flags ${flags}`);
  const used = [VERSION_AT, FLAGS_AT];
  if ((flags & DEBUG_FLAG) !== 0) used.push(8, 9, 10, 11, 12, 13, 14, 15);
  for (let at = MAGIC.length; at < RO_LENGTH_AT; at++) {
    if (bytes[at] !== 0 && !used.includes(at)) {
      throw new ImageError(`byte ${at} of the header is ${bytes[at]}; it has to be 0`);
    }
  }
  const readOnlyLength = view.getUint32(RO_LENGTH_AT, true);
  const entry = HEADER_BYTES + readOnlyLength;
  if (entry > bytes.length) {
    throw new ImageError(
      `${readOnlyLength} bytes of read-only data do not fit into ${bytes.length} bytes`,
    );
  }
  let whole = bytes;
  const odd = (bytes.length - entry) % INSTRUCTION_BYTES;
  if (odd !== 0) {
    warnings.push(`the last instruction has ${odd} of ${INSTRUCTION_BYTES} bytes; zeros are added`);
    whole = new Uint8Array(bytes.length + INSTRUCTION_BYTES - odd);
    whole.set(bytes);
  }
  if (entry % INSTRUCTION_BYTES !== 0) {
    throw new ImageError(`${readOnlyLength} bytes of read-only data; it has to be a multiple of 4`);
  }
  let readOnlyEnd = entry;
  let debug = whole.subarray(entry, entry);
  if ((flags & DEBUG_FLAG) !== 0) {
    const offset = view.getUint32(DEBUG_OFFSET_AT, true);
    const length = view.getUint32(DEBUG_LENGTH_AT, true);
    if (offset + length > readOnlyLength) throw new ImageError("debug information out of range");
    readOnlyEnd = HEADER_BYTES + offset;
    debug = whole.subarray(readOnlyEnd, readOnlyEnd + length);
  }
  const readOnly = whole.subarray(HEADER_BYTES, readOnlyEnd);
  return { version, bytes: whole, readOnly, debug, entry, warnings };
}

/** What an image is made of. */
export interface ImageParts {
  readonly version: number;
  readonly readOnly: Uint8Array;
  readonly code: Uint8Array;
  readonly debug?: Uint8Array;
}

/** Address of the first instruction of an image with so much read-only data and debug information. */
export function entryOf(readOnlyBytes: number, debugBytes = 0): number {
  return HEADER_BYTES + pad(pad(readOnlyBytes) + debugBytes);
}

export function makeImage({ version, readOnly, code, debug }: ImageParts): Uint8Array {
  const debugAt = pad(readOnly.length);
  const entry = entryOf(readOnly.length, debug?.length);
  const bytes = new Uint8Array(entry + code.length);
  const view = new DataView(bytes.buffer);
  bytes.set(MAGIC);
  bytes[VERSION_AT] = version;
  if (debug !== undefined) {
    bytes[FLAGS_AT] = DEBUG_FLAG;
    view.setUint32(DEBUG_OFFSET_AT, debugAt, true);
    view.setUint32(DEBUG_LENGTH_AT, debug.length, true);
    bytes.set(debug, HEADER_BYTES + debugAt);
  }
  view.setUint32(RO_LENGTH_AT, entry - HEADER_BYTES, true);
  bytes.set(readOnly, HEADER_BYTES);
  bytes.set(code, entry);
  return bytes;
}

/** To a multiple of four, so that code stays aligned. */
function pad(length: number): number {
  return Math.ceil(length / INSTRUCTION_BYTES) * INSTRUCTION_BYTES;
}
