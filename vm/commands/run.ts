import type { CliContext } from "../../cli/context.ts";
import type { Json } from "../../cluster/control.ts";
import type { RunFlags } from "../command.ts";
import { debugInfoIn } from "../debug_info.ts";
import type { Image } from "../image.ts";
import { DEFAULT_LIMITS, TRAP_TEXTS } from "../machine.ts";
import { Program, type ProgramState } from "../program.ts";
import { integerLines, specialLine } from "../views.ts";
import { Console, OutputBuffer } from "./console.ts";
import { loadProgram, VmExit } from "./source.ts";

/** Fuel between two turns of the event loop: under 10 ms, so that Ctrl-C is seen. */
const SLICE_FUEL = 1_000_000;
/** Output in a `--json` report; what is beyond is cut. */
const MAX_REPORT_OUTPUT_BYTES = 1024 * 1024;

const SIGNALS = [["SIGINT", 130], ["SIGTERM", 143]] as const;

export default async function run(this: CliContext, flags: RunFlags, path: string): Promise<void> {
  const image = await loadProgram(this, path);
  const output = new OutputBuffer();
  const report = new ReportOutput();
  const world = new Console({
    seed: flags.seed,
    clock: flags.clock,
    output: (bytes) => (flags.json ? report : output).add(bytes),
  });
  const program = new Program(image, world, {
    engine: flags.engine,
    limits: {
      memoryBytes: flags.memory ?? DEFAULT_LIMITS.memoryBytes,
      stackWords: flags.stack ?? DEFAULT_LIMITS.stackWords,
    },
    ...flags.fuel === undefined ? {} : { fuelLimit: flags.fuel },
  });
  const started = performance.now();
  const signalled = await runToEnd(program, world, output);
  const ended = performance.now() - started;
  if (flags.json) this.printJson(reportOf(program, report, ended));
  if (flags.registers) this.note(...registerLines(program));
  this.process.exitCode = signalled ?? exitCodeOf(this, program.state, image, path);
}

/** Runs it in slices; gives the exit code of a signal, or of an output that nobody reads, if it was that. */
async function runToEnd(
  program: Program,
  world: Console,
  output: OutputBuffer,
): Promise<number | undefined> {
  let signalled: number | undefined;
  const interrupted = Promise.withResolvers<void>();
  const listeners = SIGNALS.map(([signal, code]) => {
    const listener = () => {
      signalled = code;
      program.kill();
      interrupted.resolve();
    };
    Deno.addSignalListener(signal, listener);
    return [signal, listener] as const;
  });
  try {
    while (signalled === undefined) {
      const { kind } = program.run(SLICE_FUEL);
      await output.flush();
      if (kind === "stopped" || kind === "trapped") return signalled;
      if (kind === "waiting") await Promise.race([world.moreInput(), interrupted.promise]);
      else await new Promise((resolve) => setTimeout(resolve, 0));
    }
    return signalled;
  } catch (error) {
    if (error instanceof Deno.errors.BrokenPipe) return VmExit.brokenPipe;
    throw error;
  } finally {
    for (const [signal, listener] of listeners) Deno.removeSignalListener(signal, listener);
  }
}

function exitCodeOf(
  context: CliContext,
  state: ProgramState,
  image: Image,
  path: string,
): number {
  if (state.kind === "stopped") return state.code;
  if (state.kind !== "trapped") throw new Error("bug: the program has not ended");
  context.note(
    `${context.errorPaint.red("trap")} ${state.code}: ${TRAP_TEXTS[state.code]}, at ` +
      placeOf(image, state.pc, path),
  );
  return state.code;
}

/** "loop.iasm:7 (again + 8)" as far as it is known; else the address. */
function placeOf(image: Image, pc: number, path: string): string {
  const address = `address ${pc}`;
  const { line, symbol, offset } = debugInfoIn(image)?.locate(pc) ?? { offset: 0 };
  if (line === undefined) return address;
  const name = symbol === undefined
    ? ""
    : ` (${symbol}${offset === 0 ? "" : ` + ${offset}`}, ${address})`;
  return `${path}:${line}${name}`;
}

/** Output as far as it goes into a report. */
class ReportOutput {
  readonly #pieces: Uint8Array[] = [];
  #bytes = 0;
  cut = false;

  add(bytes: Uint8Array): void {
    const room = MAX_REPORT_OUTPUT_BYTES - this.#bytes;
    if (bytes.length > room) this.cut = true;
    const kept = bytes.subarray(0, room);
    this.#pieces.push(kept);
    this.#bytes += kept.length;
  }

  get text(): string {
    const decoder = new TextDecoder();
    const parts = this.#pieces.map((piece) => decoder.decode(piece, { stream: true }));
    return parts.join("") + decoder.decode();
  }
}

function reportOf({ state, machine, engine }: Program, output: ReportOutput, ms: number): Json {
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
  const lines = integerLines(machine, 8);
  const floats = [...machine.floats]
    .flatMap((value, i) => (Object.is(value, 0) ? [] : [`f${i} = ${value}`]));
  if (floats.length > 0) lines.push(floats.join("  "));
  lines.push(`${specialLine(machine)}  fuel ${machine.fuelUsed}`);
  return lines;
}
