/** Which engine runs an image. */

import { decode } from "./decode.ts";
import type { Image } from "./image.ts";
import { Interpreter } from "./interpreter.ts";
import type { Engine, EngineChoice } from "./machine.ts";

export function engineFor(_choice: EngineChoice, image: Image): Engine {
  return new Interpreter(decode(image));
}
