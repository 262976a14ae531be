/** Where in a program something happened, for people. */

import { debugInfoIn } from "./debug_info.ts";
import type { Image } from "./image.ts";

/** "loop.iasm:7 (again + 8)" as far as it is known; else the address. */
export function placeOf(image: Image, pc: number, fileName: string): string {
  const address = `address ${pc}`;
  const { line, symbol, offset } = debugInfoIn(image)?.locate(pc) ?? { offset: 0 };
  if (line === undefined) return address;
  const name = symbol === undefined
    ? ""
    : ` (${symbol}${offset === 0 ? "" : ` + ${offset}`}, ${address})`;
  return `${fileName}:${line}${name}`;
}
