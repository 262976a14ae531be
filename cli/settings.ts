/** The configuration of a command: file and environment, with its flags on top. */

import type { CliContext } from "./context.ts";
import type { Config } from "./config/schema.ts";
import { loadConfig, type LoadedConfig } from "./config/load.ts";
import type { CommonFlags } from "./flags.ts";

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
  enableRemoteAccess: "vm.remote_access",
  bindHost: "vm.client_host",
  bindPort: "vm.client_port",
  tokenFile: "vm.token_file",
  root: "vm.root",
  threads: "vm.threads",
  memory: "vm.limits.memory",
  stack: "vm.limits.stack",
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
