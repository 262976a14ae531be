/** A program's world on a command line: standard input and output, a clock and dice. */

import { ByteQueue } from "../../cluster/byte_queue.ts";
import { writeAll } from "../../cluster/files.ts";
import { SeededRandom, systemRandom } from "../../cluster/random.ts";
import type { Host } from "../host.ts";
import { OutputBuffer } from "../output_buffer.ts";

const NEWLINE = 10;
/** A line of input without an end is taken in pieces of this size. */
const MAX_LINE_BYTES = 1024 * 1024;
/** Output that waits to be written; a program that has more to say waits too. */
const MAX_WAITING_BYTES = 256 * 1024;

export interface ConsoleOptions {
  readonly seed: number | undefined;
  readonly clock: "real" | "fixed";
  /** Called with each piece of output; the bytes are the callee's. */
  readonly output: (bytes: Uint8Array) => void;
  /** As {@link Host.hasRoom}. */
  readonly hasRoom: () => boolean;
}

export class Console implements Host {
  readonly #options: ConsoleOptions;
  readonly #random: { u32(): number };
  readonly #input = new ByteQueue();
  #ended = false;

  constructor(options: ConsoleOptions) {
    this.#options = options;
    this.#random = options.seed === undefined ? systemRandom : new SeededRandom(options.seed);
  }

  write(bytes: Uint8Array): void {
    this.#options.output(bytes.slice());
  }

  hasRoom(): boolean {
    return this.#options.hasRoom();
  }

  readLine(): Uint8Array | "wait" | "end" {
    const { bytes } = this.#input;
    const end = bytes.indexOf(NEWLINE);
    if (end >= 0) return this.#input.take(end + 1).subarray(0, end);
    if (bytes.length >= MAX_LINE_BYTES) return this.#input.take(MAX_LINE_BYTES);
    if (!this.#ended) return "wait";
    return bytes.length === 0 ? "end" : this.#input.take(bytes.length);
  }

  clockMs(): number {
    return this.#options.clock === "fixed" ? 0 : Date.now();
  }

  random32(): number {
    return this.#random.u32();
  }

  /** Waits for more input, or its end. */
  async moreInput(): Promise<void> {
    const buffer = new Uint8Array(64 * 1024);
    const count = await Deno.stdin.read(buffer);
    if (count === null) {
      this.#ended = true;
      return;
    }
    this.#input.push(buffer.subarray(0, count));
  }
}

/** Output on its way to standard output, written in big pieces. */
export class StdoutBuffer extends OutputBuffer {
  /** The last line has not been ended. */
  isInLine = false;

  override add(bytes: Uint8Array): void {
    if (bytes.length > 0) this.isInLine = bytes.at(-1) !== NEWLINE;
    super.add(bytes);
  }

  get hasRoom(): boolean {
    return this.length < MAX_WAITING_BYTES;
  }

  /** Throws if nobody reads any more. */
  async flush(): Promise<void> {
    if (this.length > 0) await writeAll(Deno.stdout, this.take());
  }
}
