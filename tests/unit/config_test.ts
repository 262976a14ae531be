import assert from "node:assert/strict";
import { lineOf } from "../../cli/config/locate.ts";
import { loadConfig } from "../../cli/config/load.ts";
import { ConfigSchema } from "../../cli/config/schema.ts";
import { formatDuration, parseDuration } from "../../cli/duration.ts";
import { nearest } from "../../cluster/nearest.ts";
import { Problem } from "../../cluster/errors.ts";
import { TempDir } from "../support/toolkit.ts";

const SAMPLE = new URL("../../docs/toolkit.toml", import.meta.url).pathname;
const HOUR = 3_600_000;

interface Sources {
  readonly env?: Record<string, string>;
  readonly flags?: Record<string, unknown>;
}

async function load(toml: string, { env = {}, flags = {} }: Sources = {}) {
  await using dir = await TempDir.make();
  const path = dir.file("toolkit.toml");
  await Deno.writeTextFile(path, toml);
  const entries = Object.entries(flags).map(([setting, value]) =>
    [setting, { flag: `--${setting}`, value }] as const
  );
  try {
    return (await loadConfig({ path, env, flags: new Map(entries) })).config;
  } catch (error) {
    // The folder's name differs from run to run.
    if (error instanceof Problem) error.message = error.message.replaceAll(`${dir.path}/`, "");
    throw error;
  }
}

/** What a config is refused with: message and hint. */
async function refusal(toml: string, sources?: Sources): Promise<string> {
  try {
    await load(toml, sources);
  } catch (error) {
    assert.ok(error instanceof Problem, String(error));
    assert.equal(error.exitCode, 2);
    return `${error.message} | ${error.hint ?? ""}`;
  }
  throw new Error("it was taken");
}

Deno.test("loadConfig() fills in every default", async () => {
  const config = await load("");
  assert.equal(config.discovery.bind_host, "127.0.0.1");
  assert.equal(config.cluster.max_clock_skew, 5 * 60_000);
  assert.equal(config.reminder[0]?.name, "cat-litter");
  assert.deepEqual(config.reminder[0].thresholds, {
    dark_green: 8 * HOUR,
    orange: 12 * HOUR,
    red: 24 * HOUR,
    blink: 26 * HOUR,
  });
  assert.deepEqual(config.reminder[0].night, { fromMinute: 22 * 60, toMinute: 7 * 60 });
});

Deno.test("loadConfig() lets a flag win over the environment, that over the file", async () => {
  const toml = "[discovery]\nbind_port = 1\nbind_host = '127.0.0.2'\n[node]\nname = 'file'\n";
  const env = { TOOLKIT_DISCOVERY_BIND_PORT: "2", TOOLKIT_NODE_NAME: "env" };
  const config = await load(toml, { env, flags: { "node.name": "flag" } });
  assert.equal(config.discovery.bind_port, 2);
  assert.equal(config.discovery.bind_host, "127.0.0.2");
  assert.equal(config.node.name, "flag");
});

Deno.test("loadConfig() reads every kind of setting from the environment", async () => {
  const config = await load("", {
    env: {
      TOOLKIT_DATA_DIR: "/x",
      TOOLKIT_DISCOVERY_HOSTS: "a, b:1",
      TOOLKIT_DISCOVERY_MDNS: "false",
      TOOLKIT_CLUSTER_MAX_CLOCK_SKEW: "90s",
      TOOLKIT_LOG_LEVEL: "debug",
    },
  });
  assert.equal(config.data_dir, "/x");
  assert.deepEqual(config.discovery.hosts, ["a", "b:1"]);
  assert.equal(config.discovery.mdns, false);
  assert.equal(config.cluster.max_clock_skew, 90_000);
  assert.equal(config.log.level, "debug");
});

Deno.test("loadConfig() says of each mistake where it is, what was found and what is allowed", async () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    [
      "[discovery]\nbind_prt = 3\n",
      /^toolkit.toml:2: unknown setting discovery.bind_prt \| .*bind_port/,
    ],
    ["[discvery]\n", /^toolkit.toml:1: unknown setting discvery \| .*discovery/],
    [
      "[discovery]\nbind_port = 'x'\n",
      /^toolkit.toml:2: discovery.bind_port is "x": expected a whole/,
    ],
    ["[discovery]\nbind_port = 70000\n", /70000: expected a whole number from 0 to 65535/],
    ["[discovery]\nhosts = 'a'\n", /discovery.hosts is "a": expected a list/],
    ["[node]\nname = 'a b'\n", /node.name is "a b": expected a name/],
    [
      "[cluster]\nmax_clock_skew = '5 minuts'\n",
      /max_clock_skew is "5 minuts": expected a duration/,
    ],
    ["[cluster]\nmax_clock_skew = 5\n", /max_clock_skew is 5: expected a duration in quotes/],
    ["[cluster]\nprofile = 'wan'\n", /profile is "wan": expected "lan" or "wifi"/],
    [
      "[[reminder]]\nname = 'a'\ntime_zone = 'Mars/Base'\n",
      /^toolkit.toml:3: .*unknown time zone "Mars/,
    ],
    [
      "[[reminder]]\nname = 'a'\nnight = '25-7'\n",
      /reminder.1.night is "25-7": expected two times/,
    ],
    [
      "[[reminder]]\nname = 'a'\n\n[[reminder]]\nname = 'b'\nthresholds = { orange = 3 }\n",
      /^toolkit.toml:6: reminder.2.thresholds .*dark_green <= orange/,
    ],
    ["[[reminder]]\nname = 'a'\n[[reminder]]\nname = 'a'\n", /a name of its own/],
    ["[[reminder]]\nnight = 'off'\n", /reminder.1.name is missing/],
    ["[up]\nparts = ['reminder', 'coffee']\n", /up.parts.2 is "coffee": expected "reminder"/],
    ["[discovery\n", /^toolkit.toml is not TOML: .*/],
  ];
  for (const [toml, expected] of cases) assert.match(await refusal(toml), expected, toml);
});

Deno.test("[vm.limits]: each takes its lowest and its highest value, and nothing beyond", async () => {
  const limits: readonly (readonly [string, readonly unknown[], readonly unknown[], RegExp])[] = [
    ["memory", ["64", 64, "2G"], ["63", 63, "3G", "64M ", ""], /expected a size from 64 to 2G/],
    ["stack", [1, 268_435_456], [0, 268_435_457, "1", 1.5], /expected a whole number from 1 to 2/],
    ["fuel", [1, Number.MAX_SAFE_INTEGER], [0, -1, "1"], /expected a whole number from 1/],
    ["remote_fuel", [1, Number.MAX_SAFE_INTEGER], [0, true], /expected a whole number from 1/],
    ["unread_output", ["4K", "64M"], ["4095", "65M", true], /expected a size from 4K to 64M/],
    ["sessions", [1, 1_024], [0, 1_025], /expected a whole number from 1 to 1024/],
    ["line", ["1K", "1M"], ["1023", "2M"], /expected a size from 1K to 1M/],
    ["idle", ["1s", "7d"], ["999ms", "8d", 5, "soon"], /expected a duration/],
    ["images", [1, 65_536], [0, 65_537], /expected a whole number from 1 to 65536/],
    ["background_programs", [1, 50_000], [0, 50_001], /expected a whole number from 1 to 50000/],
  ];
  const tomlOf = (name: string, value: unknown) =>
    `[vm.limits]\n${name} = ${JSON.stringify(value)}\n`;
  const { vm } = await load("");
  const known = [...Object.keys(vm.limits), "fuel"].sort();
  assert.deepEqual(limits.map(([name]) => name).sort(), known, "none is left out");
  for (const [name, good, bad, expected] of limits) {
    for (const value of good) await load(tomlOf(name, value));
    for (const value of bad) {
      const said = await refusal(tomlOf(name, value));
      assert.ok(said.startsWith(`toolkit.toml:2: vm.limits.${name} is `), said);
      assert.match(said, expected);
    }
  }
  assert.equal((await load(tomlOf("memory", "2G"))).vm.limits.memory, 2 ** 31);
  assert.match(await refusal("[vm.limits]\nmemry = 1\n"), /unknown .*vm.limits.memry \| .*memory/);
  assert.match(await refusal("[vm]\nlimits = 5\n"), /vm.limits is 5/);
});

Deno.test("[vm]: mistakes in its other settings are told", async () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ["remote_access = 'yes'", /vm.remote_access is "yes": expected true or false/],
    ["client_host = ''", /vm.client_host is ""/],
    ["client_port = 65536", /vm.client_port is 65536: expected a whole number from 0 to 65535/],
    ["token_file = 5", /vm.token_file is 5/],
    ["root = ''", /vm.root is ""/],
    ["threads = 0", /vm.threads is 0: expected a whole number from 1 to 256/],
    ["threads = 257", /vm.threads is 257/],
    ["remote_acess = true", /unknown setting vm.remote_acess \| .*remote_access/],
  ];
  for (const [line, expected] of cases) assert.match(await refusal(`[vm]\n${line}\n`), expected);
});

Deno.test("loadConfig() names the variable or the flag that is wrong", async () => {
  const env = { TOOLKIT_DISCOVERY_BIND_PORT: "abc" };
  assert.match(
    await refusal("", { env }),
    /^TOOLKIT_DISCOVERY_BIND_PORT: discovery.bind_port is "abc"/,
  );
  assert.match(
    await refusal("", { env: { TOOLKIT_DISCVERY_BIND_PORT: "1" } }),
    /did you mean TOOLKIT_DISCOVERY_BIND_PORT/,
  );
  assert.match(await refusal("", { flags: { "node.name": "" } }), /^--node.name: node.name is ""/);
});

Deno.test("loadConfig() says so if a named file is not there, and goes without if none is named", async () => {
  const flags = new Map();
  await assert.rejects(
    loadConfig({ path: "/nonexistent/x.toml", env: {}, flags }),
    (error) => error instanceof Problem && /no config file/.test(error.message),
  );
  await assert.rejects(
    loadConfig({ env: { TOOLKIT_CONFIG: "/nonexistent/x.toml" }, flags }),
    Problem,
  );
  await assert.rejects(loadConfig({ path: "/dev/zero", env: {}, flags }), Problem);
});

Deno.test("the sample config is valid, shows every setting, and its values are the defaults", async () => {
  const text = await Deno.readTextFile(SAMPLE);
  const { config } = await loadConfig({ path: SAMPLE, env: {}, flags: new Map() });
  for (const [section, entry] of Object.entries(ConfigSchema.entries)) {
    const inner = "entries" in entry.wrapped ? Object.keys(entry.wrapped.entries) : [];
    for (const key of inner) {
      // A table of its own.
      if (text.includes(`[${section}.${key}]`)) continue;
      assert.ok(new RegExp(`^#? ?${key} = `, "m").test(text), `${section}.${key} is not shown`);
    }
  }
  // Every commented-out line is a setting that has no default, or the default itself.
  const all = text.replaceAll(/^# (?=[a-z_]+ = )/gm, "");
  const uncommented = await load(
    all.replaceAll(
      /^(data_dir|key_file|accept_keys|group|token_file|root|threads|fuel) = .*$/gm,
      "",
    ),
  );
  const plain = await load("");
  for (const key of ["cluster", "log", "gpio", "up", "vm"] as const) {
    assert.deepEqual(uncommented[key], plain[key], key);
    assert.deepEqual(config[key], plain[key], key);
  }
});

Deno.test("lineOf() finds settings, tables and the nearest thing around them", () => {
  const toml = "a = 1\n[b]\nc = 2\nd.e = 3\n[[f]]\ng = 1\n[[f]]\ng = 2\n";
  const lines = [["a"], ["b", "c"], ["b", "d", "e"], ["f", 1, "g"], ["f", 1, "x"], ["b", "z"], [
    "q",
  ]]
    .map((path) => lineOf(toml, path));
  assert.deepEqual(lines, [1, 3, 4, 8, 7, 2, undefined]);
});

Deno.test("parseDuration() reads what people write and refuses the rest", () => {
  const cases: readonly (readonly [string, number | undefined])[] = [
    ["90s", 90_000],
    ["1h30m", 5_400_000],
    ["2 d", 172_800_000],
    ["500ms", 500],
    ["1.5h", 5_400_000],
    ["", undefined],
    ["5", undefined],
    ["h", undefined],
    ["-5m", undefined],
    ["5 parsecs", undefined],
  ];
  for (const [text, expected] of cases) assert.equal(parseDuration(text), expected, text);
});

Deno.test("formatDuration() uses the largest unit that fits", () => {
  const cases = [
    [0.83, "0.8 ms"],
    [42.4, "42 ms"],
    [1_400, "1 s"],
    [89_000, "89 s"],
    [180_000, "3 min"],
    [14 * HOUR, "14 h"],
    [3 * 24 * HOUR, "3 d"],
    [-5, "0 ms"],
  ] as const;
  for (const [ms, expected] of cases) assert.equal(formatDuration(ms), expected);
});

Deno.test("nearest() suggests what is near and nothing else", () => {
  const names = ["cluster", "reminder", "up"];
  assert.equal(nearest("clutser", names), "cluster");
  assert.equal(nearest("remind", names), "reminder");
  assert.equal(nearest("bananas", names), undefined);
});

Deno.test("a path in a config file is meant from where that file is", async () => {
  await using dir = await TempDir.make();
  await Deno.mkdir(dir.file("house"));
  const path = dir.file("house/toolkit.toml");
  await Deno.writeTextFile(
    path,
    'data_dir = "/abs"\n[cluster]\nkey_file = "key"\naccept_keys = ["../old", "/x"]\n',
  );
  const { config } = await loadConfig({ path, env: {}, flags: new Map() });
  const folder = dir.file("house");
  assert.equal(config.data_dir, "/abs");
  assert.equal(config.cluster.key_file, `${folder}/key`);
  assert.deepEqual(config.cluster.accept_keys, [`${folder}/../old`, "/x"]);
});
