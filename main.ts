/** toolkit makes a handful of small machines act as one. This is the table of its commands. */

import denoConfig from "./deno.json" with { type: "json" };
import { type CommandTable, runCommandLine } from "./cli/app.ts";
import { type Parts, upCommand } from "./cli/up.ts";

const PARTS: Parts = {
  reminder: async () => (await import("./reminder/commands/part.ts")).default,
  vm: async () => (await import("./vm/commands/part.ts")).default,
};

const COMMANDS: CommandTable = {
  up: {
    brief: "run every part that the config enables, as one node",
    load: () => Promise.resolve(upCommand(PARTS)),
  },
  reminder: {
    brief: "a button and a light in every room: run, status, list, done, snooze, history",
    load: async () => (await import("./reminder/command.ts")).default,
    defaultSubcommand: "run",
  },
  vm: {
    brief: "an Iridium-compatible register machine: run, asm, disasm, repl, serve, attach",
    load: async () => (await import("./vm/command.ts")).default,
    defaultSubcommand: "repl",
    usageExitCodes: { run: 64 },
  },
  cluster: {
    brief: "who is there, keys, bans",
    load: async () => (await import("./cluster/command.ts")).default,
  },
};

if (import.meta.main) {
  Deno.exit(await runCommandLine(COMMANDS, denoConfig.version, Deno.args, Deno.env.toObject()));
}
