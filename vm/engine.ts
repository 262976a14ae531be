/** Which engine runs an image. */

import { messageOf } from "../cluster/errors.ts";
import { type Log, NO_LOG } from "../cluster/log.ts";
import { decode, type Decoded } from "./decode.ts";
import type { Image } from "./image.ts";
import { Interpreter } from "./interpreter.ts";
import type { Engine, EngineChoice } from "./machine.ts";
import { WasmEngine } from "./wasm/engine.ts";

/**
 * An engine for machines of an image. "auto" is WebAssembly where that works, which does not depend on the
 * program but on where this runs; whatever goes wrong is said in one line, and the interpreter does it.
 */
export function engineFor(choice: EngineChoice, image: Image, log: Log = NO_LOG): Engine {
  const program = decode(image);
  switch (choice) {
    case "interpreter":
      return new Interpreter(program);
    case "wasm":
      return new WasmEngine(program);
    case "auto":
      return fastestEngine(program, log);
  }
}

/** The engine that "auto" means, for a program that is decoded already. */
export function fastestEngine(program: Decoded, log: Log = NO_LOG): Engine {
  try {
    return new WasmEngine(program);
  } catch (error) {
    log.warn(`program is interpreted, which is slower: ${messageOf(error)}`);
    return new Interpreter(program);
  }
}
