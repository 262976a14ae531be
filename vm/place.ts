/** Where in a program something happened, for people. */

import { DebugInfo } from "./debug_info.ts";
import type { Image } from "./image.ts";

/** "loop.iasm:7 (again + 8)" as far as it is known; else the address. */
export function placeOf(image: Image, pc: number, fileName: string): string {
  const address = `address ${pc}`;
  if (image.debug.length === 0) return address;
  const { line, symbol, offset } = new DebugInfo(image.debug, image.entry).locate(pc);
  if (line === undefined) return address;
  const name = symbol === undefined
    ? ""
    : ` (${symbol}${offset === 0 ? "" : ` + ${offset}`}, ${address})`;
  return `${fileName}:${line}${name}`;
}
