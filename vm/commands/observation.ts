/** `vm run --trace` and `--profile`: the engine that is looked at, and what is told of it. */

import { concat } from "../../cluster/bytes.ts";
import type { Json } from "../../cluster/control.ts";
import { writeAll } from "../../cluster/files.ts";
import { CodeMap } from "../code_map.ts";
import { decode } from "../decode.ts";
import type { Image } from "../image.ts";
import type { Engine, Machine } from "../machine.ts";
import { ObservedInterpreter } from "../observed.ts";
import { Profiler } from "../profile.ts";
import { Tracer } from "../trace.ts";
import { profileJson, profileLines } from "./profile_report.ts";

/** Under 10 ms; what is traced waits in memory until a slice is over. */
const PROFILE_SLICE_FUEL = 50_000;
const TRACE_SLICE_FUEL = 2_000;
/** Output that waits to be written; a program that has more to say waits too. */
const MAX_WAITING_BYTES = 256 * 1024;
const NEWLINE = 10;
const ENCODER = new TextEncoder();

/** Where a program's output goes until it is written. */
export interface Output {
  add(bytes: Uint8Array): void;
  /** False while so much waits that a program has to wait too. */
  readonly hasRoom: boolean;
  /** The program has begun a line and not ended it. */
  readonly isInLine: boolean;
  flush(): Promise<void>;
}

export class Observation {
  readonly output: InterleavedOutput = new InterleavedOutput();
  /** Fuel between two turns of the event loop. */
  readonly sliceFuel: number;
  readonly #image: Image;
  readonly #map: CodeMap;
  readonly #tracer: Tracer | undefined;
  readonly #profiler: Profiler | undefined;

  constructor(image: Image, { trace, profile }: { trace: boolean; profile: boolean }) {
    this.sliceFuel = trace ? TRACE_SLICE_FUEL : PROFILE_SLICE_FUEL;
    this.#image = image;
    this.#map = new CodeMap(image);
    this.#profiler = profile ? new Profiler(image) : undefined;
    if (!trace) return;
    this.#tracer = new Tracer(image, this.#map, (line) => this.output.addTrace(line));
    this.output.addTrace(this.#tracer.heading);
  }

  /** For a program of the image. */
  engine(): Engine {
    return new ObservedInterpreter(decode(this.#image), {
      begin: (pc, machine) => {
        this.#tracer?.begin(pc, machine);
        this.#profiler?.begin(pc);
      },
    });
  }

  /** The program is about to print this. */
  printed(bytes: Uint8Array, machine: Machine): void {
    this.#tracer?.printed(bytes, machine);
  }

  /** The program has ended. */
  async end(machine: Machine): Promise<void> {
    this.#tracer?.end(machine);
    try {
      await this.output.flush();
    } catch (error) {
      if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
    }
  }

  /** What is told at the end; nothing without a profile. */
  get report(): readonly string[] {
    return this.#profiler === undefined ? [] : profileLines(this.#profiler, this.#map);
  }

  get json(): { readonly profile?: Json } {
    return this.#profiler === undefined ? {} : { profile: profileJson(this.#profiler, this.#map) };
  }
}

interface Piece {
  readonly stream: typeof Deno.stdout | typeof Deno.stderr;
  readonly bytes: Uint8Array;
}

/** Output and the trace of it, written in the order in which they came. */
class InterleavedOutput implements Output {
  readonly #isOnOneScreen = Deno.stdout.isTerminal() && Deno.stderr.isTerminal();
  #pieces: Piece[] = [];
  #bytes = 0;
  #isInLine = false;

  get hasRoom(): boolean {
    return this.#bytes < MAX_WAITING_BYTES;
  }

  get isInLine(): boolean {
    return this.#isInLine;
  }

  add(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#bytes += bytes.length;
    this.#pieces.push({ stream: Deno.stdout, bytes });
    this.#isInLine = bytes.at(-1) !== NEWLINE;
  }

  addTrace(line: string): void {
    const start = this.#isOnOneScreen && this.#isInLine ? "\n" : "";
    this.#isInLine = false;
    this.#pieces.push({ stream: Deno.stderr, bytes: ENCODER.encode(`${start}${line}\n`) });
  }

  /** Throws if nobody reads one of them any more. */
  async flush(): Promise<void> {
    const pieces = this.#pieces;
    this.#pieces = [];
    this.#bytes = 0;
    for (let from = 0; from < pieces.length;) {
      const { stream } = pieces[from]!;
      let to = from;
      while (pieces[to]?.stream === stream) to++;
      await writeAll(stream, concat(...pieces.slice(from, to).map(({ bytes }) => bytes)));
      from = to;
    }
  }
}
