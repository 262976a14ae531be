/** The commands of `toolkit vm` that have sessions or nodes: what they take; the rest is loaded when called. */

import { buildCommand } from "@stricli/core";
import type { CliContext } from "../../cli/context.ts";
import {
  CLIENT_ALIASES,
  CLIENT_FLAGS,
  type ClientFlags,
  NODE_ALIASES,
  NODE_FLAGS,
  type NodeFlags,
  REPORT_FLAGS,
  type ReportFlags,
  TOKEN_FILE_FLAG,
} from "../../cli/flags.ts";
import { MACHINE_FLAGS, type MachineFlags, parseCount } from "./machine_flags.ts";

export interface ServeFlags extends NodeFlags, ClientFlags {}

export interface ReplFlags extends NodeFlags, ClientFlags, MachineFlags {}

export interface TokenFlags {
  readonly out: string;
}

export interface AttachFlags {
  readonly tokenFile?: string;
}

const text = (value: string) => value;

const ALIASES = { ...NODE_ALIASES, ...CLIENT_ALIASES } as const;

export const repl = buildCommand<ReplFlags, [string | undefined], CliContext>({
  loader: async () => (await import("./repl.ts")).default,
  parameters: {
    flags: {
      ...MACHINE_FLAGS,
      ...CLIENT_FLAGS,
      ...NODE_FLAGS,
    },
    aliases: ALIASES,
    positional: {
      kind: "tuple",
      parameters: [{
        brief: "a program to load and run first",
        parse: text,
        placeholder: "FILE",
        optional: true,
      }],
    },
  },
  docs: {
    brief: "instructions typed line by line, and a debugger (also: toolkit vm)",
    customUsage: ["[FILE] [flags]"],
    fullDescription:
      "Runs each line of instructions as it is typed; a line that begins with ! is a " +
      "command, and !help lists them. docs/repl.md tells more. It opens no port unless told to: " +
      "-r lets remote users in, !start_cluster and !join_cluster make it a node.\n\nExamples:\n" +
      "  toolkit vm repl\n" +
      "  toolkit vm repl examples/vm/guess.iasm\n" +
      "  printf 'load $0 #6 mul $0 $0 $0\\nprti $0\\n' | toolkit vm repl\n" +
      "  toolkit vm repl -r        and elsewhere on this host: nc 127.0.0.1 2244",
  },
});

export const serve = buildCommand<ServeFlags, string[], CliContext>({
  loader: async () => (await import("./serve.ts")).default,
  parameters: {
    flags: { ...CLIENT_FLAGS, ...NODE_FLAGS },
    aliases: ALIASES,
    positional: {
      kind: "array",
      parameter: { brief: "programs to run in the background", parse: text, placeholder: "FILE" },
    },
  },
  docs: {
    brief: "the same as a node without a terminal, until a signal ends it",
    customUsage: ["[FILE...] [flags]"],
    fullDescription:
      "Runs a node of the cluster that runs programs in the background and, with -r, gives " +
      "sessions to remote users. What programs print goes to the log.\n\nExamples:\n" +
      "  toolkit vm serve -r\n" +
      "  toolkit vm serve --join 192.168.1.20 blink.iasm\n" +
      "  toolkit vm serve -r --bind-host 0.0.0.0 --token-file vm.token",
  },
});

export const attach = buildCommand<AttachFlags, [string], CliContext>({
  loader: async () => (await import("./attach.ts")).default,
  parameters: {
    flags: { tokenFile: TOKEN_FILE_FLAG },
    positional: {
      kind: "tuple",
      parameters: [{
        brief: "where it runs; port 2244 if not given",
        parse: text,
        placeholder: "HOST:PORT",
      }],
    },
  },
  docs: {
    brief: "a session on another host, sealed by its token",
    customUsage: ["HOST[:PORT] [--token-file FILE]"],
    fullDescription:
      "Opens a session on a host that runs vm serve -r or vm repl -r. With a token all is " +
      "encrypted and both sides prove that they have it; without one it works on loopback only." +
      "\n\nExamples:\n  toolkit vm attach 127.0.0.1\n" +
      "  toolkit vm attach kitchen:2244 --token-file vm.token",
  },
});

export const token = buildCommand<TokenFlags, [], CliContext>({
  loader: async () => (await import("./token.ts")).default,
  parameters: {
    flags: {
      out: {
        kind: "parsed",
        parse: text,
        brief: "where to write it; an existing file is never overwritten",
        placeholder: "FILE",
      },
    },
    aliases: { o: "out" },
  },
  docs: {
    brief: "make a token for remote users",
    fullDescription: "Makes a token, readable by its owner only. The host needs it " +
      "(vm.token_file), and every remote user.\n\nExample:\n  toolkit vm token --out vm.token",
  },
});

export const ps = buildCommand<ReportFlags, [], CliContext>({
  loader: async () => (await import("./ask.ts")).ps,
  parameters: { flags: REPORT_FLAGS },
  docs: {
    brief: "the programs in the background of the running node",
    fullDescription:
      "Lists the programs that run in the background of the node, asked from it.\n\n" +
      "Examples:\n  toolkit vm ps\n  toolkit vm ps --json",
  },
});

export const spawn = buildCommand<ReportFlags, [string], CliContext>({
  loader: async () => (await import("./ask.ts")).spawn,
  parameters: {
    flags: REPORT_FLAGS,
    positional: {
      kind: "tuple",
      parameters: [{ brief: "source or image", parse: text, placeholder: "FILE" }],
    },
  },
  docs: {
    brief: "run a program in the background of the running node",
    fullDescription: "Runs a program in the background of the running node. What it prints, and " +
      "how it ends, goes to the log of the node.\n\nExample:\n" +
      "  toolkit vm spawn examples/vm/sieve.iasm",
  },
});

export const kill = buildCommand<ReportFlags, [number], CliContext>({
  loader: async () => (await import("./ask.ts")).kill,
  parameters: {
    flags: REPORT_FLAGS,
    positional: {
      kind: "tuple",
      parameters: [{ brief: "as toolkit vm ps tells", parse: parseCount, placeholder: "PID" }],
    },
  },
  docs: {
    brief: "end a program in the background of the running node",
    fullDescription: "Ends a program in the background of the running node.\n\nExample:\n" +
      "  toolkit vm kill 3",
  },
});
