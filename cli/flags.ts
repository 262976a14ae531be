/** Flags that several commands share, and the settings that they stand for. */

import { parseHostPort } from "../cluster/address.ts";
import type { CliContext } from "./context.ts";
import type { Config } from "./config/schema.ts";
import { loadConfig, type LoadedConfig } from "./config/load.ts";

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

export const NODE_ALIASES = { H: "serverBindHost", P: "serverBindPort" } as const;

function parsePort(value: string): number {
  const port = Number(value);
  if (!/^\d{1,5}$/.test(value) || port > 65_535) throw new Error("expected a port, 0 to 65535");
  return port;
}

/** Checked here, so that a slip is a wrong use of the flag; resolved when it is dialled. */
function parseHost(value: string): string {
  parseHostPort(value, 1);
  return value;
}

/** Which setting a flag stands for. */
const SETTING_OF_FLAG: Readonly<Record<string, string>> = {
  dataDir: "data_dir",
  dataRootDir: "data_dir",
  logLevel: "log.level",
  logFormat: "log.format",
  nodeAlias: "node.name",
  serverBindHost: "discovery.bind_host",
  serverBindPort: "discovery.bind_port",
  join: "discovery.hosts",
  advertise: "discovery.advertise",
  clusterName: "cluster.name",
  keyFile: "cluster.key_file",
  mdns: "discovery.mdns",
  gpio: "gpio.driver",
};

/** Reads file and environment and puts the flags on top. */
export function loadConfigFor(
  context: CliContext,
  flags: CommonFlags,
): Promise<LoadedConfig> {
  const settings = new Map<string, { readonly flag: string; readonly value: unknown }>();
  for (const [flag, value] of Object.entries(flags)) {
    const setting = SETTING_OF_FLAG[flag];
    if (setting === undefined || value === undefined) continue;
    // Repeatable flags that were not given parse to an empty list.
    if (Array.isArray(value) && value.length === 0) continue;
    settings.set(setting, { flag: `--${kebab(flag)}`, value });
  }
  return loadConfig({ path: flags.config, env: context.env, flags: settings });
}

function kebab(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** Where the node of this configuration keeps its files. */
export function dataDirOf(config: Config, env: Readonly<Record<string, string>>): string {
  if (config.data_dir !== undefined) return config.data_dir;
  if (env["XDG_DATA_HOME"]) return `${env["XDG_DATA_HOME"]}/toolkit`;
  if (Deno.uid() === 0) return "/var/lib/toolkit";
  if (env["HOME"]) return `${env["HOME"]}/.local/share/toolkit`;
  return "/var/lib/toolkit";
}
