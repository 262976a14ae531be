/** A program in the background. */

import { systemRandom } from "../../cluster/random.ts";
import type { Arena } from "../arena.ts";
import { placeOf } from "../place.ts";
import { Trap } from "../machine.ts";
import { PrefixedLines } from "../prefixed_lines.ts";
import { Program, type VmEvent } from "../program.ts";
import { trapText } from "../trap_text.ts";
import type { Images, Loaded } from "./images.ts";
import type { Job, JobOutput } from "./job.ts";
import type { JobEnd, JobStatus, ProgramSpec } from "./messages.ts";

/** Under 10 ms in the interpreter, half a millisecond translated. */
const SLICE_FUEL = 500_000;

export class ProgramJob implements Job {
  readonly output: JobOutput;
  readonly #spec: ProgramSpec;
  readonly #images: Images;
  readonly #lines: PrefixedLines;
  #program: Program | undefined;
  #end: JobEnd | undefined;

  constructor(spec: ProgramSpec, output: JobOutput, arena: Arena, images: Images) {
    this.#spec = spec;
    this.output = output;
    this.#images = images;
    this.#lines = new PrefixedLines(spec.prefix);
    const loaded = images.take(spec.imageKey, spec.name, spec.bytes);
    if ("wrong" in loaded) this.#end = { kind: "refused", messages: loaded.wrong };
    else this.#begin(loaded, arena);
  }

  #begin({ image, engine }: Loaded, arena: Arena): void {
    const { limits, fuelLimit, imageKey } = this.#spec;
    try {
      this.#program = new Program(image, {
        write: (bytes) => this.output.write(this.#lines.add(bytes)),
        hasRoom: () => this.output.hasRoom,
        readLine: () => "end",
        clockMs: () => Date.now(),
        random32: () => systemRandom.u32(),
      }, {
        limits,
        engine,
        arena,
        ...fuelLimit === undefined ? {} : { fuelLimit },
      });
    } catch (error) {
      this.#images.release(imageKey);
      if (!(error instanceof RangeError)) throw error;
      // The others have all the memory: it ends before it begins.
      const atMs = Date.now();
      const events: VmEvent[] = [
        { kind: "Start", atMs },
        { kind: "Crash", code: Trap.memoryLimit, atMs },
      ];
      this.#end = {
        kind: "trapped",
        code: Trap.memoryLimit,
        events,
        place: "its start",
        text: "no memory is left",
      };
    }
  }

  get end(): JobEnd | undefined {
    return this.#end;
  }

  get status(): Omit<JobStatus, "job"> {
    const isParked = this.#program?.state.kind === "waiting";
    return {
      state: isParked ? "parked" : "running",
      instructions: this.#program?.machine.fuelUsed ?? 0,
    };
  }

  run(): boolean {
    if (this.#program === undefined || this.#end !== undefined) return false;
    const { kind } = this.#program.run(SLICE_FUEL);
    this.#noteEnd(this.#program);
    // Parked is gone on with when some of its output has been taken.
    return kind === "running";
  }

  kill(): void {
    if (this.#program === undefined || this.#end !== undefined) return;
    this.#program.kill();
    this.#noteEnd(this.#program);
  }

  release(): void {
    if (this.#program === undefined) return;
    this.#program.release();
    this.#program = undefined;
    this.#images.release(this.#spec.imageKey);
  }

  #noteEnd({ state, events, image }: Program): void {
    if (state.kind !== "stopped" && state.kind !== "trapped") return;
    this.output.write(this.#lines.end());
    const { kind, code } = state;
    if (kind === "stopped") this.#end = { kind, code, events };
    else {
      const place = placeOf(image, state.pc, this.#spec.name);
      this.#end = { kind, code, events, place, text: trapText(code, image, state.pc) };
    }
  }
}
