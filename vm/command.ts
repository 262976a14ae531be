/** `toolkit vm`: what it takes; what it does is loaded when it is called. */

import { buildCommand, buildRouteMap, type RouteMap } from "@stricli/core";
import type { CliContext } from "../cli/context.ts";
import { COMMON_FLAGS } from "../cli/flags.ts";
import { MACHINE_FLAGS, parseCount } from "./commands/machine_flags.ts";
import { attach, kill, ps, repl, serve, spawn, token } from "./commands/session_commands.ts";
import type { EngineChoice } from "./machine.ts";

export interface RunFlags {
  readonly config?: string;
  readonly engine: EngineChoice;
  readonly fuel?: number;
  readonly memory?: number;
  readonly stack?: number;
  readonly seed?: number;
  readonly clock: "real" | "fixed";
  readonly registers: boolean;
  readonly trace: boolean;
  readonly profile: boolean;
  readonly json: boolean;
}

export interface AsmFlags {
  readonly out: string;
  readonly debug: boolean;
}

export interface DisasmFlags {
  readonly addresses: boolean;
}

const text = (value: string) => value;
const FILE = { brief: "source or image", parse: text, placeholder: "FILE" } as const;

const run = buildCommand<RunFlags, [string], CliContext>({
  loader: async () => (await import("./commands/run.ts")).default,
  parameters: {
    flags: {
      config: COMMON_FLAGS.config,
      engine: {
        kind: "enum",
        values: ["auto", "interpreter", "wasm"],
        default: "auto",
        brief: "what runs it",
      },
      fuel: {
        kind: "parsed",
        parse: parseCount,
        optional: true,
        brief: "stop after so many instructions (trap 9)",
        placeholder: "N",
      },
      ...MACHINE_FLAGS,
      registers: {
        kind: "boolean",
        default: false,
        withNegated: false,
        brief: "show the registers at the end, on standard error",
      },
      trace: {
        kind: "boolean",
        default: false,
        withNegated: false,
        brief: "tell every instruction and what it changed, on standard error",
      },
      profile: {
        kind: "boolean",
        default: false,
        withNegated: false,
        brief: "tell at the end which labels and lines it was busy with",
      },
      json: {
        kind: "boolean",
        default: false,
        withNegated: false,
        brief: "one JSON object instead of the output (docs/json.md)",
      },
    },
    positional: { kind: "tuple", parameters: [FILE] },
  },
  docs: {
    brief: "run a program: source or image",
    customUsage: ["FILE [flags]"],
    fullDescription:
      "Runs a program, source or image, until it stops. The exit code is the program's: 0 after " +
      "HLT, 1 at its end or after IGL, 2 to 10 for traps; 64 used wrongly, 65 does not assemble or " +
      "load, 66 file unreadable.\n\nWith --trace or --profile the interpreter runs it, slower than else and " +
      "otherwise the same.\n\nExamples:\n  toolkit vm run examples/vm/hello.iasm\n" +
      "  toolkit vm run --fuel 1000000 --registers loop.iasm\n" +
      "  toolkit vm run --seed 1 --json guess.iasm < numbers.txt\n" +
      "  toolkit vm run --trace loop.iasm 2>&1 | less\n" +
      "  toolkit vm run --profile examples/vm/sieve.iasm",
  },
});

const asm = buildCommand<AsmFlags, [string], CliContext>({
  loader: async () => (await import("./commands/asm.ts")).default,
  parameters: {
    flags: {
      out: { kind: "parsed", parse: text, brief: "the image to write", placeholder: "OUT" },
      debug: {
        kind: "boolean",
        default: false,
        withNegated: false,
        brief: "keep names and lines, for traps and disassembly",
      },
    },
    aliases: { o: "out", g: "debug" },
    positional: { kind: "tuple", parameters: [{ ...FILE, brief: "source" }] },
  },
  docs: {
    brief: "assemble source into an image",
    customUsage: ["FILE -o OUT [-g]"],
    fullDescription: "Assembles source into an image; docs/assembler.md tells the language.\n\n" +
      "Example:\n  toolkit vm asm -g hello.iasm -o hello.ir",
  },
});

const disasm = buildCommand<DisasmFlags, [string], CliContext>({
  loader: async () => (await import("./commands/disasm.ts")).default,
  parameters: {
    flags: {
      addresses: {
        kind: "boolean",
        default: false,
        withNegated: false,
        brief: "with the address of each instruction",
      },
    },
    positional: { kind: "tuple", parameters: [{ ...FILE, brief: "image" }] },
  },
  docs: {
    brief: "an image as source that assembles to the same bytes",
    customUsage: ["FILE [--addresses]"],
    fullDescription: "Prints an image as source; assembled, it gives the same bytes.\n\n" +
      "Example:\n  toolkit vm disasm hello.ir",
  },
});

const command: RouteMap<CliContext> = buildRouteMap({
  routes: { run, asm, disasm, repl, attach, token, serve, ps, spawn, kill },
  docs: { brief: "an Iridium-compatible register machine: run, repl, serve, …" },
});
export default command;
