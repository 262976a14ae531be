/** A program in the background. */

import { systemRandom } from "../../cluster/random.ts";
import type { Arena } from "../arena.ts";
import { placeOf } from "../place.ts";
import { Program } from "../program.ts";
import type { Images } from "./images.ts";
import type { Job, JobOutput } from "./job.ts";
import type { JobEnd, JobStatus, ProgramSpec } from "./messages.ts";

/** Under 10 ms in the interpreter, half a millisecond translated. */
const SLICE_FUEL = 500_000;

export class ProgramJob implements Job {
  readonly output: JobOutput;
  readonly #spec: ProgramSpec;
  readonly #images: Images;
  #program: Program | undefined;
  #end: JobEnd | undefined;

  constructor(spec: ProgramSpec, output: JobOutput, arena: Arena, images: Images) {
    this.#spec = spec;
    this.output = output;
    this.#images = images;
    const loaded = images.take(spec.imageKey, spec.name, spec.bytes);
    if ("wrong" in loaded) {
      this.#end = { kind: "refused", messages: loaded.wrong };
      return;
    }
    this.#program = new Program(loaded.image, {
      write: (bytes) => output.write(bytes),
      hasRoom: () => output.hasRoom,
      readLine: () => "end",
      clockMs: () => Date.now(),
      random32: () => systemRandom.u32(),
    }, {
      limits: spec.limits,
      engine: loaded.engine,
      arena,
      ...spec.fuelLimit === undefined ? {} : { fuelLimit: spec.fuelLimit },
    });
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
    const { kind, code } = state;
    this.#end = kind === "stopped"
      ? { kind, code, events }
      : { kind, code, events, place: placeOf(image, state.pc, this.#spec.name) };
  }
}
