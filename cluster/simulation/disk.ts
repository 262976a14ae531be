/**
 * A simulated disk. What was not synced when the machine stops is old or new, as the dice fall. For
 * now it knows files that are replaced whole; a log that is appended to, sector by sector, with torn
 * and flipped ones, has its place here when something needs it.
 */

import { between, chance, type Random } from "../random.ts";
import { MS, type World } from "./world.ts";

/** How long a sync takes, in microseconds: an SSD at best, an SD card at worst. */
const SYNC_US: readonly [number, number] = [1 * MS, 40 * MS];

interface Writing {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly done: (failed: boolean) => void;
}

export class Disk {
  readonly #world: World;
  readonly #random: Random;
  readonly #files = new Map<string, Uint8Array>();
  #writing = new Set<Writing>();
  /** While it is full, every write fails. */
  full = false;

  constructor(world: World, random: Random) {
    this.#world = world;
    this.#random = random;
  }

  read(name: string): Uint8Array | undefined {
    return this.#files.get(name);
  }

  /** Replaces a file; `done` is called when it is durable, or with true if it could not be written. */
  replace(name: string, bytes: Uint8Array, done: (failed: boolean) => void): void {
    const writing: Writing = { name, bytes, done };
    this.#writing.add(writing);
    this.#world.after(between(this.#random, SYNC_US[0], SYNC_US[1]), () => {
      if (!this.#writing.delete(writing)) return;
      if (!this.full) this.#files.set(name, bytes);
      done(this.full);
    });
  }

  /** The machine or the process stops: what was under way is there or not. */
  crash(): void {
    for (const { name, bytes } of this.#writing) {
      if (!this.full && chance(this.#random, 500)) this.#files.set(name, bytes);
    }
    this.#writing = new Set();
  }

  /** Flips a bit of a file, as worn flash does. */
  damage(name: string): void {
    const bytes = this.#files.get(name)?.slice();
    if (bytes === undefined || bytes.length === 0) return;
    const at = between(this.#random, 0, bytes.length - 1);
    bytes[at] = bytes[at]! ^ (1 << between(this.#random, 0, 7));
    this.#files.set(name, bytes);
  }

  remove(name: string): void {
    this.#files.delete(name);
  }
}
