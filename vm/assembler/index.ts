/**
 * The assembler: source text to images, or to single instructions for a REPL. Pure, and made anew for
 * each source (B19). Tokens → statements → sections → places → bytes. What is wrong on the way is
 * collected, and everything is looked at before an answer is given.
 */

import type { ProgramSymbol } from "../debug_info.ts";
import {
  entryOf,
  ImageError,
  loadImage,
  makeImage,
  MAX_ADDRESS,
  MAX_IMAGE_BYTES,
} from "../image.ts";
import { ISA } from "../isa.ts";
import { type Diagnostic, Diagnostics } from "./diagnostics.ts";
import { applyHeader, checkHeader, headerVersion } from "./header.ts";
import { type Layout, needsWide, place, widen } from "./layout.ts";
import { debugInfoOf, encodeCode, encodeData } from "./output.ts";
import { parse } from "./parser.ts";
import { Positions } from "./positions.ts";
import { type Sections, sort } from "./sections.ts";
import { resolver, Symbols } from "./symbols.ts";

export type { Diagnostic, DiagnosticCode } from "./diagnostics.ts";
export { formatDiagnostics } from "./format.ts";

export interface AssembleOptions {
  /** For the debug information. */
  readonly fileName?: string;
  /** Whether the image carries names and lines, as with `-g`. */
  readonly debug?: boolean;
}

export interface Assembly {
  /** Undefined if there are errors. */
  readonly image?: Uint8Array;
  /** Errors and warnings in the order of the source. */
  readonly diagnostics: readonly Diagnostic[];
  /** All labels, in the order of the source; none if there are errors. */
  readonly symbols: readonly ProgramSymbol[];
}

/** Assembles a whole program. Throws nothing, whatever the source is. */
export function assemble(
  source: string,
  { fileName = "", debug = false }: AssembleOptions = {},
): Assembly {
  const positions = new Positions(source);
  const diagnostics = new Diagnostics(positions);
  const sections = sort(parse(source, diagnostics), diagnostics);
  for (const directive of sections.header) checkHeader(directive, diagnostics);
  const placed = settle(sections, diagnostics, new Map(), (layout) => {
    const info = debug ? debugInfoOf(sections, layout, fileName, positions) : undefined;
    return { entry: entryOf(layout.data.at(-1)!, info?.length), ...info && { debug: info } };
  });
  const { layout, symbols, debug: info } = placed;
  const failed = (): Assembly => ({ diagnostics: diagnostics.list(), symbols: [] });
  if (isTooLong(placed, diagnostics)) return failed();

  const resolve = resolver(symbols, diagnostics);
  const code = encodeCode(sections, layout, resolve, diagnostics);
  const readOnly = encodeData(sections, layout, resolve, diagnostics);
  if (diagnostics.hasErrors) return failed();
  const version = versionOf(sections, layout);
  const image = makeImage({ version, readOnly, code, ...info && { debug: info } });
  if (sections.header.length > 0 && !withHeader(image, sections, diagnostics)) return failed();
  return { image, diagnostics: diagnostics.list(), symbols: symbols.declared() };
}

export interface LinesOptions {
  /** Where the first instruction will stand in the image. */
  readonly address: number;
  /** What labels mean that are declared elsewhere; declaring one again is allowed and wins. */
  readonly symbols?: ReadonlyMap<string, ProgramSymbol>;
}

export interface AssembledLines {
  /** The instructions, four bytes each; undefined if there are errors. */
  readonly code?: Uint8Array;
  /** The version that an image has to have in order to hold them. */
  readonly version: 0 | 1;
  readonly diagnostics: readonly Diagnostic[];
  /** The labels that these lines declare; none if there are errors. */
  readonly symbols: readonly ProgramSymbol[];
}

/**
 * Assembles instructions without sections, as typed into a REPL. Throws nothing. It takes time for the
 * source only, however many labels are known.
 */
export function assembleLines(
  source: string,
  { address, symbols: known = new Map() }: LinesOptions,
): AssembledLines {
  const diagnostics = new Diagnostics(new Positions(source));
  const sections = sort(parse(source, diagnostics), diagnostics, { lines: true });
  const placed = settle(sections, diagnostics, known, () => ({ entry: address }));
  const { layout, symbols } = placed;
  const version = versionOf(sections, layout);
  const failed = () => ({ version, diagnostics: diagnostics.list(), symbols: [] });
  if (isTooLong(placed, diagnostics)) return failed();
  const resolve = resolver(symbols, diagnostics);
  const code = encodeCode(sections, layout, resolve, diagnostics);
  if (diagnostics.hasErrors) return failed();
  return { code, version, diagnostics: diagnostics.list(), symbols: symbols.declared() };
}

/** What is in front of the code, which depends on how long the code is if there is debug information. */
interface Front {
  readonly entry: number;
  readonly debug?: Uint8Array;
}

interface Placed extends Front {
  readonly layout: Layout;
  readonly symbols: Symbols;
}

/** Places everything, by 16-bit addresses if that is possible. */
function settle(
  sections: Sections,
  diagnostics: Diagnostics,
  known: ReadonlyMap<string, ProgramSymbol>,
  frontOf: (layout: Layout) => Front,
): Placed {
  const layout = place(sections, diagnostics);
  const placed = (layout: Layout, front: Front): Placed => {
    return { ...front, layout, symbols: new Symbols(sections, layout, front.entry, known) };
  };
  // Too long for any image: nothing to be gained by working on it.
  if (layout.code.at(-1)! > MAX_IMAGE_BYTES) return placed(layout, { entry: 0 });
  const isWide = (entry: number) => {
    const labelsFit = known.size === 0 && layout.data.at(-1)! <= MAX_ADDRESS[0]! &&
      entry + layout.code.at(-1)! <= MAX_ADDRESS[0]!;
    const symbols = new Symbols(sections, layout, entry, known);
    return needsWide(sections, labelsFit, (name) => symbols.find(name)?.value);
  };
  // What does not fit without debug information does not fit with it: no need to make that twice.
  if (!isWide(entryOf(layout.data.at(-1)!))) {
    const front = frontOf(layout);
    if (!isWide(front.entry)) return placed(layout, front);
  }
  const wide = widen(layout, sections);
  return placed(wide, frontOf(wide));
}

function isTooLong({ layout, entry }: Placed, diagnostics: Diagnostics): boolean {
  const bytes = entry + layout.code.at(-1)!;
  if (bytes <= MAX_IMAGE_BYTES) return false;
  const message = `the image would have ${bytes} bytes; at most ${MAX_IMAGE_BYTES} are allowed`;
  diagnostics.error("AddressOutOfRange", { at: 0, length: 1 }, message);
  return true;
}

function versionOf({ code, header }: Sections, { wide }: Layout): 0 | 1 {
  const isExtended = wide || headerVersion(header) > 0 ||
    code.some((item) => item.kind === "instruction" && ISA[item.mnemonic].version > 0);
  return isExtended ? 1 : 0;
}

/** Whether the image can still be loaded with the header bytes that the source asks for. */
function withHeader(image: Uint8Array, { header }: Sections, diagnostics: Diagnostics): boolean {
  applyHeader(header, image);
  try {
    loadImage(image);
    return true;
  } catch (error) {
    if (!(error instanceof ImageError)) throw error;
    diagnostics.error("InvalidImage", header[0]!, error.message);
    return false;
  }
}
