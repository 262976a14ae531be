import { isConfigured } from "../../cli/config/places.ts";
import type { CliContext } from "../../cli/context.ts";
import { STOP_SIGNALS } from "../../cli/signals.ts";
import type { Json } from "../../cluster/control.ts";
import { messageOf, Problem } from "../../cluster/errors.ts";
import type { RunFlags } from "../command.ts";
import type { Image } from "../image.ts";
import type { VmLimits } from "../limits.ts";
import { DEFAULT_LIMITS, type MachineLimits } from "../machine.ts";
import { placeOf } from "../place.ts";
import { trapText } from "../trap_text.ts";
import { Program, type ProgramState } from "../program.ts";
import { integerLines, specialLine } from "../views.ts";
import { Console, StdoutBuffer } from "./console.ts";
import { VmExit } from "./exit_codes.ts";
import type { Observation, Output } from "./observation.ts";
import { loadProgram } from "./source.ts";

/** Fuel between two turns of the event loop: under 10 ms, so that Ctrl-C is seen. */
const SLICE_FUEL = 1_000_000;
/** Output in a `--json` report; what is beyond is cut. */
const MAX_REPORT_OUTPUT_BYTES = 1024 * 1024;

export default async function run(this: CliContext, flags: RunFlags, path: string): Promise<void> {
  checkFlags(flags);
  const image = await loadProgram(this, path);
  const observation = await observationOf(flags, image);
  const output = observation?.output ?? new StdoutBuffer();
  const report = new ReportOutput();
  const world = new Console({
    seed: flags.seed,
    clock: flags.clock,
    output: (bytes) => {
      observation?.printed(bytes, program.machine);
      (flags.json ? report : output).add(bytes);
    },
    hasRoom: () => output.hasRoom,
  });
  const program: Program = new Program(image, world, {
    engine: observation?.engine() ?? flags.engine,
    ...await limitsFor(this, flags),
  });
  const started = performance.now();
  const sliceFuel = observation?.sliceFuel ?? SLICE_FUEL;
  const signalled = await runToEnd(program, world, output, sliceFuel);
  const ended = performance.now() - started;
  if (signalled === undefined) await observation?.end(program.machine);
  if (flags.json) this.printJson({ ...reportOf(program, report, ended), ...observation?.json });
  const told = [
    ...flags.json ? [] : observation?.report ?? [],
    ...flags.registers ? registerLines(program) : [],
    ...signalled === undefined ? endText(this, program, path) : [],
  ];
  // On one screen what is told does not go on behind a line that the program has not ended.
  const { stdoutIsTerminal, stderrIsTerminal } = this.terminal;
  if (told.length > 0 && output.isInLine && stdoutIsTerminal && stderrIsTerminal) this.note("");
  this.note(...told);
  this.process.exitCode = signalled ?? exitCodeOf(program.state);
}

/** Throws a {@link Problem} for flags that do not go together. */
function checkFlags({ engine, trace, profile }: RunFlags): void {
  if (engine !== "wasm" || !(trace || profile)) return;
  const flag = trace ? "--trace" : "--profile";
  throw new Problem(`${flag} goes with the interpreter, not with --engine wasm`, {
    hint: `toolkit vm run ${flag} FILE, without --engine`,
    exitCode: VmExit.usage,
  });
}

/** A flag wins over the configuration, which is read only if there is one: it costs time. */
async function limitsFor(
  context: CliContext,
  flags: RunFlags,
): Promise<{ readonly limits: MachineLimits; readonly fuelLimit: number }> {
  const configured = flags.config !== undefined || await isConfigured(context.env)
    ? await configuredLimits(context, flags)
    : undefined;
  const { memoryBytes, stackWords } = configured?.machine ?? DEFAULT_LIMITS;
  return {
    limits: { memoryBytes: flags.memory ?? memoryBytes, stackWords: flags.stack ?? stackWords },
    fuelLimit: flags.fuel ?? configured?.fuel ?? Infinity,
  };
}

/** What is wrong with the configuration ends as other wrong use does, out of the program's codes. */
async function configuredLimits(context: CliContext, { config }: RunFlags): Promise<VmLimits> {
  const { loadConfigFor } = await import("../../cli/settings.ts");
  const { limitsOf } = await import("./settings.ts");
  try {
    return limitsOf((await loadConfigFor(context, config === undefined ? {} : { config })).config);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    const { message, hint } = error;
    throw new Problem(message, {
      ...hint === undefined ? {} : { hint },
      exitCode: VmExit.usage,
      cause: error,
    });
  }
}

/** Loaded only if it is asked for: most programs are not looked at. */
async function observationOf(
  { trace, profile }: RunFlags,
  image: Image,
): Promise<Observation | undefined> {
  if (!trace && !profile) return undefined;
  const { Observation } = await import("./observation.ts");
  return new Observation(image, { trace, profile });
}

/** Runs it in slices; gives the exit code of a signal, or of an output that nobody reads, if it was that. */
async function runToEnd(
  program: Program,
  world: Console,
  output: Output,
  sliceFuel: number,
): Promise<number | undefined> {
  let signalled: number | undefined;
  const interrupted = Promise.withResolvers<void>();
  const listeners = STOP_SIGNALS.map(([signal, code]) => {
    const listener = () => {
      if (signalled !== undefined) Deno.exit(code);
      signalled = code;
      program.kill();
      interrupted.resolve();
    };
    Deno.addSignalListener(signal, listener);
    return [signal, listener] as const;
  });
  try {
    while (signalled === undefined) {
      const state = program.run(sliceFuel);
      // Whoever should read may have stopped: a signal ends it all the same.
      await Promise.race([output.flush(), interrupted.promise]);
      if (state.kind === "stopped" || state.kind === "trapped") return signalled;
      if (state.kind === "waiting" && state.for === "input") {
        await Promise.race([world.moreInput(), interrupted.promise]);
      } else await new Promise((resolve) => setTimeout(resolve, 0));
    }
    return signalled;
  } catch (error) {
    program.kill();
    if (error instanceof Deno.errors.BrokenPipe) return VmExit.brokenPipe;
    throw new Problem(`cannot write the program's output: ${messageOf(error)}`, {
      hint: "is the disk full?",
      exitCode: VmExit.outputLost,
      cause: error,
    });
  } finally {
    for (const [signal, listener] of listeners) Deno.removeSignalListener(signal, listener);
  }
}

function exitCodeOf(state: ProgramState): number {
  if (state.kind !== "stopped" && state.kind !== "trapped") {
    throw new Error("bug: the program has not ended");
  }
  return state.code;
}

/** How it ended, if that needs a word; HLT does not. */
function endText(context: CliContext, { state, image, machine }: Program, path: string): string[] {
  if (state.kind === "trapped") {
    const place = placeOf(image, state.pc, path);
    const { red } = context.errorPaint;
    return [`${red("trap")} ${state.code}: ${trapText(state.code, image, state.pc)}, at ${place}`];
  }
  if (state.kind !== "stopped" || state.code === 0) return [];
  const { pc } = machine;
  if (pc === image.bytes.length) {
    return ["ended behind its last instruction: code 1 (hlt ends with 0)"];
  }
  if (pc > image.bytes.length) return [`jumped to ${pc}, behind its end: code 1`];
  return [`stopped with code 1, at ${placeOf(image, pc, path)}`];
}

/** Output as far as it goes into a report. */
class ReportOutput {
  readonly #pieces: Uint8Array[] = [];
  #bytes = 0;
  cut = false;

  add(bytes: Uint8Array): void {
    const room = MAX_REPORT_OUTPUT_BYTES - this.#bytes;
    if (bytes.length > room) this.cut = true;
    if (room === 0) return;
    const kept = bytes.slice(0, room);
    this.#pieces.push(kept);
    this.#bytes += kept.length;
  }

  get text(): string {
    const decoder = new TextDecoder();
    const parts = this.#pieces.map((piece) => decoder.decode(piece, { stream: true }));
    return parts.join("") + decoder.decode();
  }
}

function reportOf(
  { state, machine, engine }: Program,
  output: ReportOutput,
  ms: number,
): { readonly [key: string]: Json } {
  if (state.kind !== "stopped" && state.kind !== "trapped") {
    throw new Error("bug: the program has not ended");
  }
  return {
    stop: {
      kind: state.kind === "stopped" ? "stopped" : "trap",
      code: state.code,
      pc: machine.pc,
    },
    registers: [...machine.registers],
    // What JSON cannot hold goes as text.
    float_registers: [...machine.floats].map((f) => (Number.isFinite(f) ? f : String(f))),
    flag: machine.flag,
    instructions: machine.fuelUsed,
    time_ms: Math.round(ms * 1000) / 1000,
    engine: engine.name,
    output: output.text,
    output_cut: output.cut,
  };
}

function registerLines({ machine }: Program): string[] {
  const lines = integerLines(machine);
  const floats = [...machine.floats]
    .flatMap((value, i) => (Object.is(value, 0) ? [] : [`f${i} = ${value}`]));
  if (floats.length > 0) lines.push(floats.join("  "));
  lines.push(`${specialLine(machine)}  fuel ${machine.fuelUsed}`);
  return lines;
}
