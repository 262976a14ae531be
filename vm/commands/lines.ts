/** Where a REPL's lines come from; here from a pipe or a file, plain and without a prompt. */

import { ByteQueue } from "../../cluster/byte_queue.ts";
import { writeAll } from "../../cluster/files.ts";

const NEWLINE = 10;
/** A line without an end is taken in pieces of this size. */
const MAX_LINE_BYTES = 1024 * 1024;

export interface LineOptions {
  readonly prompt: string;
  /** Earlier lines, the oldest first. */
  readonly history: readonly string[];
}

export type LineResult = { readonly line: string } | "end" | "interrupted";

/** `interrupted` is what it was made with: called at Ctrl-C while no line is asked for. */
export interface LineSource {
  /** Somebody sees prompts and what is typed; Ctrl-C there ends a line only. */
  readonly isTerminal: boolean;
  /** The next line, without its newline; one call at a time. */
  next(options: LineOptions): Promise<LineResult>;
  /** Shows bytes, above the line that is being edited if there is one. */
  show(bytes: Uint8Array): Promise<void>;
  close(): void;
}

export class PipeLines implements LineSource {
  readonly isTerminal = false;
  readonly #onSignal: () => void;
  readonly #queue = new ByteQueue();
  #ended = false;
  /** A read cannot be called off: the next line may begin with what it brings. */
  #reading: Promise<void> | undefined;
  #asked: PromiseWithResolvers<"interrupted"> | undefined;

  constructor(interrupted: () => void) {
    this.#onSignal = () => {
      if (this.#asked === undefined) interrupted();
      else this.#asked.resolve("interrupted");
    };
    Deno.addSignalListener("SIGINT", this.#onSignal);
  }

  async next(): Promise<LineResult> {
    for (;;) {
      const line = this.#take();
      if (line !== undefined) return { line };
      if (this.#ended) return "end";
      this.#reading ??= this.#read();
      this.#asked = Promise.withResolvers();
      const result = await Promise.race([this.#reading, this.#asked.promise]);
      this.#asked = undefined;
      if (result === "interrupted") return result;
    }
  }

  async show(bytes: Uint8Array): Promise<void> {
    await writeAll(Deno.stdout, bytes);
  }

  close(): void {
    Deno.removeSignalListener("SIGINT", this.#onSignal);
  }

  #take(): string | undefined {
    const { bytes } = this.#queue;
    const end = bytes.indexOf(NEWLINE);
    if (end >= 0) return this.#cut(end, end + 1);
    const { length } = bytes;
    return length >= MAX_LINE_BYTES || this.#ended && length > 0
      ? this.#cut(length, length)
      : undefined;
  }

  #cut(end: number, next: number): string {
    const line = new TextDecoder().decode(this.#queue.take(next).subarray(0, end));
    return line.endsWith("\r") ? line.slice(0, -1) : line;
  }

  async #read(): Promise<void> {
    const buffer = new Uint8Array(64 * 1024);
    const count = await Deno.stdin.read(buffer);
    this.#reading = undefined;
    if (count === null) this.#ended = true;
    else this.#queue.push(buffer.subarray(0, count));
  }
}
