/** The images of a worker's background programs: those of equal files share one translation. */

import type { Image } from "../image.ts";
import { engineFor } from "../engine.ts";
import type { Engine } from "../machine.ts";
import { loadFile } from "../repl/load.ts";

export interface Loaded {
  readonly image: Image;
  readonly engine: Engine;
}

export class Images {
  readonly #loaded = new Map<string, Loaded & { users: number }>();

  /** Gives what is wrong with it, if it is no program. */
  take(
    key: string,
    name: string,
    bytes: Uint8Array,
  ): Loaded | { readonly wrong: readonly string[] } {
    const known = this.#loaded.get(key);
    if (known !== undefined) {
      known.users++;
      return known;
    }
    const { image, messages } = loadFile(name, bytes, { debug: true });
    if (image === undefined) return { wrong: messages };
    const loaded = { image, engine: engineFor("auto", image), users: 1 };
    this.#loaded.set(key, loaded);
    return loaded;
  }

  /** One program less that uses it. */
  release(key: string): void {
    const loaded = this.#loaded.get(key);
    if (loaded !== undefined && --loaded.users === 0) this.#loaded.delete(key);
  }
}
