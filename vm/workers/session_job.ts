/** A REPL's session as a job: lines come as messages, and what it wants goes out as messages. */

import { unreachable } from "../../cluster/errors.ts";
import { SeededRandom, systemRandom } from "../../cluster/random.ts";
import type { Label } from "../repl/completion.ts";
import type { SessionInput, Wants } from "../repl/channel.ts";
import type { Answer, Request } from "../repl/requests.ts";
import { BANNER, PATH_PROMPT, PROMPT, Session } from "../repl/session.ts";
import type { Job, JobOutput } from "./job.ts";
import type { JobEnd, JobStatus, SessionSpec } from "./messages.ts";

/** Fuel between two looks at the clock. */
const SLICE_FUEL = 500_000;
const SLICE_MS = 5;
/** Labels that are told for completion. */
const MAX_LABELS = 1_000;
const MAX_LABEL_CHARACTERS = 32 * 1024;

export interface SessionPost {
  wants(wants: Wants): void;
  request(request: Request): void;
}

export class SessionJob implements Job {
  readonly output: JobOutput;
  readonly #post: SessionPost;
  readonly #isInteractive: boolean;
  readonly #session: Session;
  #labels: readonly Label[] = [];
  #end: JobEnd | undefined;

  constructor(spec: SessionSpec, output: JobOutput, post: SessionPost) {
    this.output = output;
    this.#post = post;
    this.#isInteractive = spec.isInteractive;
    const random = spec.seed === undefined ? systemRandom : new SeededRandom(spec.seed);
    this.#session = new Session({
      write: (bytes) => output.write(bytes),
      hasRoom: () => output.hasRoom,
      clockMs: () => spec.clock === "fixed" ? 0 : Date.now(),
      random32: () => random.u32(),
    }, {
      limits: spec.limits,
      ...spec.fuelPerLine === undefined ? {} : { fuelPerLine: spec.fuelPerLine },
    });
    this.#session.say(BANNER);
    this.#tell();
  }

  get end(): JobEnd | undefined {
    return this.#end;
  }

  get status(): Omit<JobStatus, "job"> {
    const { kind } = this.#session.state;
    return {
      state: kind === "running" || kind === "parked" ? kind : "waiting",
      instructions: this.#session.program.machine.fuelUsed,
    };
  }

  receive(input: SessionInput): void {
    if (this.#isOver) return;
    switch (input.type) {
      case "line":
        if (this.#isInteractive) this.#session.transcript.lineTyped();
        this.#session.enter(input.line);
        break;
      case "endOfInput":
        this.#session.endInput();
        break;
      case "interrupt":
        // One that comes too late is no event: what was wanted is wanted still.
        if (!this.#session.interrupt()) return;
        break;
      default:
        unreachable(input);
    }
    this.#tell();
  }

  answer(answer: Answer): void {
    if (this.#isOver) return;
    this.#session.answer(answer);
    this.#tell();
  }

  run(): boolean {
    const { state } = this.#session;
    if (this.#isOver || state.kind !== "running" && state.kind !== "parked") return false;
    const until = performance.now() + SLICE_MS;
    do this.#session.run(SLICE_FUEL); while (this.#isRunning && performance.now() < until);
    if (this.#session.state.kind !== "parked") this.#tell();
    return this.#isRunning;
  }

  kill(): void {
    this.#end ??= { kind: "quit" };
  }

  release(): void {
    // Its machine has an arena of its own, which goes with it.
  }

  get #isOver(): boolean {
    return this.#end !== undefined;
  }

  get #isRunning(): boolean {
    return this.#session.state.kind === "running";
  }

  /** Says what it waits for, if that is not its own program. */
  #tell(): void {
    const { state, transcript } = this.#session;
    switch (state.kind) {
      case "running":
      case "parked":
        return;
      case "asking":
        return this.#post.request(state.request);
      case "ready":
        if (this.#isInteractive) transcript.endLine();
        return this.#want("ready", PROMPT);
      case "path":
        if (this.#isInteractive) transcript.endLine();
        return this.#want("path", PATH_PROMPT);
      case "input":
        return this.#want("input", transcript.unfinishedLine);
      case "ended":
        this.#end = { kind: "quit" };
        return;
      default:
        unreachable(state);
    }
  }

  #want(kind: Wants["kind"], prompt: string): void {
    this.output.flush();
    const labels = this.#isInteractive ? this.#newLabels() : undefined;
    this.#post.wants({ type: "wants", kind, prompt, ...labels === undefined ? {} : { labels } });
  }

  /** Undefined if they are as before. */
  #newLabels(): readonly Label[] | undefined {
    const labels: Label[] = [];
    let characters = 0;
    for (const { name, section } of this.#session.program.symbols.values()) {
      characters += name.length;
      if (labels.length === MAX_LABELS || characters > MAX_LABEL_CHARACTERS) break;
      labels.push({ name, section });
    }
    const before = this.#labels;
    const isSame = labels.length === before.length &&
      labels.every(({ name, section }, i) =>
        name === before[i]!.name && section === before[i]!.section
      );
    if (isSame) return undefined;
    this.#labels = labels;
    return labels;
  }
}
