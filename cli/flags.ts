/** Flags that several commands share, and the settings that they stand for. */

import { parseHostPort } from "../cluster/address.ts";
import type { Config } from "./config/schema.ts";

/** What every command that reads the configuration takes. */
export interface CommonFlags {
  readonly config?: string;
  readonly dataDir?: string;
  readonly dataRootDir?: string;
  readonly logLevel?: Config["log"]["level"];
  readonly logFormat?: Config["log"]["format"];
}

/** What every command that reports takes. */
export interface ReportFlags extends CommonFlags {
  readonly json: boolean;
}

/** What every command that runs a node takes. */
export interface NodeFlags extends CommonFlags {
  readonly nodeAlias?: string;
  readonly serverBindHost?: string;
  readonly serverBindPort?: number;
  readonly join?: readonly string[];
  readonly advertise?: readonly string[];
  readonly clusterName?: string;
  readonly keyFile?: string;
  readonly mdns?: boolean;
}

const text = (value: string) => value;

export const COMMON_FLAGS = {
  config: {
    kind: "parsed",
    parse: text,
    optional: true,
    brief: "config file (else $TOOLKIT_CONFIG, ./toolkit.toml, ~/.config/toolkit/config.toml, " +
      "/etc/toolkit/config.toml)",
    placeholder: "FILE",
  },
  dataDir: {
    kind: "parsed",
    parse: text,
    optional: true,
    brief: "folder for keys and state; one folder runs one node",
    placeholder: "DIR",
  },
  dataRootDir: {
    kind: "parsed",
    parse: text,
    optional: true,
    hidden: true,
    brief: "the same as --data-dir",
    placeholder: "DIR",
  },
  logLevel: {
    kind: "enum",
    values: ["debug", "info", "warn", "error"],
    optional: true,
    brief: "how much is logged",
  },
  logFormat: {
    kind: "enum",
    values: ["text", "json"],
    optional: true,
    brief: "how it is logged",
  },
} as const;

export const REPORT_FLAGS = {
  ...COMMON_FLAGS,
  json: {
    kind: "boolean",
    default: false,
    withNegated: false,
    brief: "report in JSON (docs/json.md)",
  },
} as const;

export const NODE_FLAGS = {
  ...COMMON_FLAGS,
  nodeAlias: {
    kind: "parsed",
    parse: text,
    optional: true,
    brief: "this node's name for people",
    placeholder: "NAME",
  },
  serverBindHost: {
    kind: "parsed",
    parse: text,
    optional: true,
    brief: "address of the cluster port; 0.0.0.0 or :: for all",
    placeholder: "HOST",
  },
  serverBindPort: {
    kind: "parsed",
    parse: parsePort,
    optional: true,
    brief: "cluster port, TCP and UDP; if taken, the next higher one",
    placeholder: "PORT",
  },
  join: {
    kind: "parsed",
    parse: parseHost,
    variadic: true,
    optional: true,
    brief: "a node to look for; may be repeated",
    placeholder: "HOST:PORT",
  },
  advertise: {
    kind: "parsed",
    parse: parseHost,
    variadic: true,
    optional: true,
    brief: "where others reach this node, if not at its own addresses; may be repeated",
    placeholder: "HOST:PORT",
  },
  clusterName: {
    kind: "parsed",
    parse: text,
    optional: true,
    brief: "nodes meet only under one name",
    placeholder: "NAME",
  },
  keyFile: {
    kind: "parsed",
    parse: text,
    optional: true,
    brief: "the cluster key, from: toolkit cluster keygen",
    placeholder: "FILE",
  },
  mdns: {
    kind: "boolean",
    optional: true,
    brief: "announce and find nodes by multicast DNS",
  },
} as const;

/** Of a node with a port for clients. */
export interface ClientFlags {
  readonly enableRemoteAccess?: boolean;
  readonly bindHost?: string;
  readonly bindPort?: number;
  readonly tokenFile?: string;
  readonly root?: string;
  readonly threads?: number;
}

export const TOKEN_FILE_FLAG = {
  kind: "parsed",
  parse: text,
  optional: true,
  brief: "what remote users must have, from: toolkit vm token",
  placeholder: "FILE",
} as const;

export const CLIENT_FLAGS = {
  enableRemoteAccess: {
    kind: "boolean",
    optional: true,
    brief: "give sessions of the VM to remote users",
  },
  bindHost: {
    kind: "parsed",
    parse: text,
    optional: true,
    brief: "address for remote users; anything but loopback needs a token",
    placeholder: "HOST",
  },
  bindPort: {
    kind: "parsed",
    parse: parsePort,
    optional: true,
    brief: "port for remote users; 2244 if not given",
    placeholder: "PORT",
  },
  tokenFile: TOKEN_FILE_FLAG,
  root: {
    kind: "parsed",
    parse: text,
    optional: true,
    brief: "folder whose programs remote users may run",
    placeholder: "DIR",
  },
  threads: {
    kind: "parsed",
    parse: parseThreads,
    optional: true,
    brief: "workers that run programs; else one a core",
    placeholder: "N",
  },
} as const;

export const CLIENT_ALIASES = { r: "enableRemoteAccess", p: "bindPort", t: "threads" } as const;

export const NODE_ALIASES = { H: "serverBindHost", P: "serverBindPort" } as const;

function parsePort(value: string): number {
  const port = Number(value);
  if (!/^\d{1,5}$/.test(value) || port > 65_535) throw new Error("expected a port, 0 to 65535");
  return port;
}

function parseThreads(value: string): number {
  const threads = Number(value);
  if (!/^\d{1,3}$/.test(value) || threads < 1 || threads > 256) {
    throw new Error("expected a number of workers, 1 to 256");
  }
  return threads;
}

/** Checked here, so that a slip is a wrong use of the flag; resolved when it is dialled. */
function parseHost(value: string): string {
  parseHostPort(value, 1);
  return value;
}
