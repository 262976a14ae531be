/**
 * Puts the configuration together: a flag wins over the environment, that over the file, that over
 * the default. Whatever is wrong is one clear error, and nothing starts.
 */

import { parse as parseToml } from "smol-toml";
import * as v from "valibot";
import { messageOf, Problem } from "../../cluster/errors.ts";
import { folderOf, joinPath } from "../../cluster/files.ts";
import { nearest } from "../../cluster/nearest.ts";
import { lineOf } from "./locate.ts";
import { configPlaces, ENV_CONFIG, ENV_PREFIX } from "./places.ts";
import { type Config, ConfigSchema } from "./schema.ts";

/** Settings as nested objects, not checked yet. */
export interface RawSettings {
  readonly [key: string]: unknown;
}

export interface ConfigSources {
  /** From `--config`. */
  readonly path?: string | undefined;
  readonly env: Readonly<Record<string, string>>;
  /** Settings from flags, and the flag that each came from, by dotted path. */
  readonly flags: ReadonlyMap<string, { readonly flag: string; readonly value: unknown }>;
}

export interface LoadedConfig {
  readonly config: Config;
  /** The file that was read, if there was one. */
  readonly path: string | undefined;
}

/** A config file is small; who names a disk image by mistake is told soon. */
const MAX_FILE_BYTES = 1024 * 1024;

/** Throws a {@link Problem} with exit code 2 for what is wrong. */
export async function loadConfig(sources: ConfigSources): Promise<LoadedConfig> {
  const file = await readFile(sources);
  const origins = new Map<string, string>();
  const settings = (file?.settings ?? {}) as Record<string, unknown>;
  for (const [name, text] of Object.entries(sources.env)) {
    if (!name.startsWith(ENV_PREFIX) || name === ENV_CONFIG) continue;
    const path = pathOfEnv(name);
    setAt(settings, path, valueOfEnv(path, text));
    origins.set(path.join("."), name);
  }
  for (const [dotted, { flag, value }] of sources.flags) {
    setAt(settings, dotted.split("."), value);
    origins.set(dotted, flag);
  }
  const result = v.safeParse(ConfigSchema, settings, { abortPipeEarly: true });
  if (result.success) return { config: result.output, path: file?.path };
  throw problemOf(result.issues[0], file, origins);
}

interface ConfigFile {
  readonly path: string;
  readonly text: string;
  readonly settings: RawSettings;
}

/** The first that exists of the places where a config file may be. */
async function readFile({ path, env }: ConfigSources): Promise<ConfigFile | undefined> {
  const named = path ?? env[ENV_CONFIG];
  if (named !== undefined) {
    const file = await tryRead(named);
    if (file !== undefined) return file;
    throw new Problem(`no config file ${named}`, {
      hint: path === undefined
        ? `unset ${ENV_CONFIG}, or see docs/toolkit.toml for a sample`
        : "leave out --config to use the defaults, or see docs/toolkit.toml for a sample",
      exitCode: 2,
    });
  }
  for (const place of configPlaces(env)) {
    const file = await tryRead(place);
    if (file !== undefined) return file;
  }
  return undefined;
}

/** Undefined if there is no such file. */
async function tryRead(path: string): Promise<ConfigFile | undefined> {
  let text: string;
  try {
    const { size, isFile } = await Deno.stat(path);
    if (size > MAX_FILE_BYTES || !isFile) throw new Error("not a config file");
    text = await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) {
      return undefined;
    }
    throw new Problem(`cannot read ${path}: ${messageOf(error)}`, { exitCode: 2, cause: error });
  }
  try {
    return { path, text, settings: anchorPaths(parseToml(text), folderOf(path)) };
  } catch (error) {
    throw new Problem(`${path} is not TOML: ${messageOf(error).trimEnd()}`, {
      exitCode: 2,
      cause: error,
    });
  }
}

const PATHS_IN_SECTIONS = [
  ["cluster", ["key_file", "accept_keys"]],
  ["vm", ["token_file", "root"]],
] as const;

/** A path in a config file is meant from where that file is, wherever the program was started. */
function anchorPaths(settings: RawSettings, folder: string): RawSettings {
  const anchor = (path: unknown) =>
    typeof path === "string" && path !== "" && !path.startsWith("/") && folder !== "."
      ? joinPath(folder, path)
      : path;
  const anchored: Record<string, unknown> = { ...settings };
  if ("data_dir" in settings) anchored["data_dir"] = anchor(settings["data_dir"]);
  for (const [section, names] of PATHS_IN_SECTIONS) {
    const inner = settings[section];
    if (typeof inner !== "object" || inner === null || Array.isArray(inner)) continue;
    const moved: Record<string, unknown> = { ...inner };
    for (const name of names) {
      const value = moved[name];
      if (value !== undefined) {
        moved[name] = Array.isArray(value) ? value.map(anchor) : anchor(value);
      }
    }
    anchored[section] = moved;
  }
  return anchored;
}

// -- the environment ------------------------------------------------------------------------------

/** TOOLKIT_DISCOVERY_BIND_PORT is discovery.bind_port, TOOLKIT_DATA_DIR is data_dir. */
function pathOfEnv(name: string): string[] {
  const key = name.slice(ENV_PREFIX.length).toLowerCase();
  const known = settingPaths();
  const path = known.find((path) => path.join("_") === key);
  if (path !== undefined) return path;
  const names = known.map((path) => envOf(path));
  const near = nearest(name, names);
  throw new Problem(`no setting belongs to ${name} in the environment`, {
    hint: near === undefined ? "unset it, or see docs/operating.md" : `did you mean ${near}?`,
    exitCode: 2,
  });
}

function envOf(path: readonly string[]): string {
  return ENV_PREFIX + path.join("_").toUpperCase();
}

/** Every setting that has a place of its own, which entries of lists have not. */
function settingPaths(schema: unknown = ConfigSchema): string[][] {
  const entries = Object.entries(Object(Reflect.get(Object(schema), "entries")));
  return entries.flatMap(([key, entry]) => {
    // A list of tables has no place in the environment.
    if (schema === ConfigSchema && key === "reminder") return [];
    const inner = settingPaths(unwrapped(entry));
    return inner.length === 0 ? [[key]] : inner.map((path) => [key, ...path]);
  });
}

/** The environment holds text only; what the schema wants instead is made of it. */
function valueOfEnv(path: readonly string[], text: string): unknown {
  let schema: unknown = ConfigSchema;
  for (const key of path) schema = unwrapped(entryOf(schema, key));
  switch (Reflect.get(Object(unwrapped(schema)), "type")) {
    case "number":
      return /^-?\d+$/.test(text) ? Number(text) : text;
    case "boolean":
      return text === "true" ? true : text === "false" ? false : text;
    case "array":
      return text.split(",").map((item) => item.trim()).filter((item) => item !== "");
    default:
      return text;
  }
}

function entryOf(schema: unknown, key: string): unknown {
  return Reflect.get(Object(Reflect.get(Object(schema), "entries")), key);
}

/** What is inside `optional`. */
function unwrapped(schema: unknown): unknown {
  const wrapped = Reflect.get(Object(schema), "wrapped");
  return wrapped === undefined ? schema : unwrapped(wrapped);
}

function setAt(settings: Record<string, unknown>, path: readonly string[], value: unknown): void {
  const [key, ...rest] = path;
  if (rest.length === 0) {
    settings[key!] = value;
    return;
  }
  const inner = settings[key!];
  const table = typeof inner === "object" && inner !== null ? { ...inner } : {};
  setAt(table as Record<string, unknown>, rest, value);
  settings[key!] = table;
}

// -- telling what is wrong ------------------------------------------------------------------------

function problemOf(
  issue: v.InferIssue<typeof ConfigSchema>,
  file: ConfigFile | undefined,
  origins: ReadonlyMap<string, string>,
): Problem {
  const path = (issue.path ?? []).map(({ key }) => key as string | number);
  // People count entries of lists from one.
  const dotted = path.map((key) => (typeof key === "number" ? String(key + 1) : key)).join(".");
  const origin = [...origins].find(([from]) => dotted === from || dotted.startsWith(`${from}.`))
    ?.[1];
  const line = file === undefined ? undefined : lineOf(file.text, path);
  const where = origin ?? (file === undefined ? "" : `${file.path}${line ? `:${line}` : ""}`);
  const prefix = where === "" ? "" : `${where}: `;

  if (issue.type === "strict_object" && issue.expected === "never") {
    const known = Object.keys(knownKeys(path.slice(0, -1)));
    const near = nearest(String(path.at(-1)), known);
    return new Problem(`${prefix}unknown setting ${dotted}`, {
      hint: near === undefined ? `known here: ${known.join(", ")}` : `did you mean "${near}"?`,
      exitCode: 2,
    });
  }
  if (issue.input === undefined) {
    return new Problem(`${prefix}${dotted} is missing`, {
      hint: "docs/toolkit.toml shows every setting",
      exitCode: 2,
    });
  }
  const found = typeof issue.input === "object" && issue.input !== null
    ? Array.isArray(issue.input) ? "a list" : "a table"
    : JSON.stringify(issue.input);
  const said = issue.message.includes("expected") ? issue.message : `expected ${issue.expected}`;
  return new Problem(`${prefix}${dotted} is ${found}: ${said}`, {
    hint: "docs/toolkit.toml shows every setting with its default",
    exitCode: 2,
  });
}

/** What may stand in the table at `path`. */
function knownKeys(path: readonly (string | number)[]): Readonly<Record<string, unknown>> {
  let schema: unknown = ConfigSchema;
  for (const key of path) {
    schema = typeof key === "number"
      ? Reflect.get(Object(unwrapped(schema)), "item")
      : unwrapped(entryOf(schema, key));
  }
  const entries = Reflect.get(Object(unwrapped(schema)), "entries");
  return typeof entries === "object" && entries !== null ? entries : {};
}
