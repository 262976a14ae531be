/** What a file holds, as a program for a session. */

import { assemble, formatDiagnostics } from "../assembler/index.ts";
import { debugInfoIn, type ProgramSymbol } from "../debug_info.ts";
import { type Image, ImageError, loadImage, looksLikeImage } from "../image.ts";

export const IMAGE = "an image already";
/** Looked at to tell text from other files. */
const LOOK_BYTES = 8_192;

/** What bytes are that are no source, if that shows. */
export function notSource(bytes: Uint8Array): string | undefined {
  if (looksLikeImage(bytes)) return IMAGE;
  return bytes.subarray(0, LOOK_BYTES).includes(0) ? "neither source nor an image" : undefined;
}

export interface LoadedFile {
  /** Undefined if it is no program. */
  readonly image?: Image;
  readonly symbols: readonly ProgramSymbol[];
  /** What is wrong or odd, as lines. */
  readonly messages: readonly string[];
}

/**
 * Source or image. Source is assembled as `vm asm` does, unless asked for without debug information,
 * so that addresses are the same as those of the original; everything is made anew for each file
 * (B19).
 */
export function loadFile(path: string, bytes: Uint8Array, { debug = false } = {}): LoadedFile {
  try {
    if (looksLikeImage(bytes)) return imageOf(path, bytes);
    const kind = notSource(bytes);
    if (kind !== undefined) return { symbols: [], messages: [`${path} is ${kind}`] };
    return sourceOf(path, bytes, debug);
  } catch (error) {
    if (!(error instanceof ImageError)) throw error;
    return { symbols: [], messages: [`${path}: ${error.message}`] };
  }
}

function sourceOf(path: string, bytes: Uint8Array, debug: boolean): LoadedFile {
  const source = new TextDecoder().decode(bytes);
  const { image, diagnostics, symbols } = assemble(source, { fileName: path, debug });
  const messages = formatDiagnostics(diagnostics, source, { fileName: path });
  return { ...image && { image: loadImage(image) }, symbols, messages };
}

function imageOf(path: string, bytes: Uint8Array): LoadedFile {
  const image = loadImage(bytes);
  const messages = image.warnings.map((warning) => `${path}: warning: ${warning}`);
  return { image, symbols: debugInfoIn(image)?.symbols ?? [], messages };
}
