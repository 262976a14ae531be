/** The command line as somebody sees it who has just heard of it. */

import assert from "node:assert/strict";
import { TempDir, TestNode, toolkit } from "../support/toolkit.ts";

Deno.test("toolkit --version says its version and nothing else", async () => {
  const { code, stdout, stderr } = await toolkit(["--version"]);
  assert.equal(code, 0);
  assert.match(stdout, /^toolkit \d+\.\d+\.\d+\n$/);
  assert.equal(stderr, "");
});

Deno.test("toolkit and every command of it have help with an example", async () => {
  const bare = await toolkit([]);
  assert.equal(bare.code, 0);
  for (const command of ["up", "reminder", "cluster"]) {
    assert.match(bare.stdout, new RegExp(command));
  }
  const commands = [
    ["up"],
    ...["run", "status", "list", "done", "snooze", "history"].map((name) => ["reminder", name]),
    ...["members", "status", "keygen", "ban", "unban", "bans"].map((name) => ["cluster", name]),
  ];
  for (const command of commands) {
    const { code, stdout, stderr } = await toolkit([...command, "--help"]);
    assert.equal(code, 0, command.join(" "));
    assert.equal(stderr, "");
    assert.match(stdout, /Example/, command.join(" "));
    assert.match(stdout, new RegExp(`toolkit ${command.join(" ")}`));
  }
  for (const group of ["reminder", "cluster"]) {
    assert.match((await toolkit([group, "--help"])).stdout, /COMMANDS/);
  }
});

Deno.test("what is used wrongly ends with 2, one error and a hint, without a stack trace", async () => {
  const cases: readonly (readonly [readonly string[], RegExp])[] = [
    [["clutser", "members"], /no command "clutser", did you mean "cluster"/],
    [["reminder", "sttus"], /no command "sttus", did you mean "status"/],
    [["bananas"], /no command "bananas"\n.*toolkit --help/],
    [["reminder", "--bogus"], /no flag/],
    [["reminder", "done"], /NAME is missing/],
    [["reminder", "done", "a", "b"], /"b" is one argument too many/],
    [["reminder", "snooze", "a", "soon"], /expected a duration/],
    [["reminder", "history", "--limit", "0"], /expected a number/],
    [["cluster", "keygen"], /--out/],
    [["up", "-P", "99999"], /expected a port/],
    [["up", "-P", "x"], /expected a port/],
    [["up", "--join", "a:b:c d"], /is not HOST or HOST:PORT/],
    [["up", "--log-level", "loud"], /expected debug, info, warn, error/],
    [["up", "--config", "/nonexistent.toml"], /no config file/],
    [["reminder", "run", "--gpio", "magic"], /expected auto, chardev, sysfs, simulated/],
  ];
  for (const [args, expected] of cases) {
    const { code, stdout, stderr } = await toolkit(args);
    assert.equal(code, 2, `${args.join(" ")}: ${stderr}`);
    assert.match(stderr, expected, args.join(" "));
    assert.equal(stdout, "", args.join(" "));
    assert.doesNotMatch(stderr, /^\s+at /m, "a stack trace");
    assert.ok(stderr.split("\n").length <= 4, stderr);
  }
});

Deno.test("no error carries colour codes where it is no terminal", async () => {
  const { stderr } = await toolkit(["clutser"]);
  assert.doesNotMatch(stderr, new RegExp(String.fromCharCode(27)));
});

Deno.test("asking where no node runs ends with 3 and says how to start one", async () => {
  await using dir = await TempDir.make();
  for (
    const args of [
      ["cluster", "members"],
      ["cluster", "members", "--watch"],
      ["reminder", "status"],
      ["reminder", "done", "x"],
    ]
  ) {
    const { code, stderr } = await toolkit([...args, "--data-dir", dir.path]);
    assert.equal(code, 3, args.join(" "));
    assert.match(stderr, /no node is running with the data dir/);
    assert.match(stderr, /toolkit up/);
  }
});

Deno.test("a config with a mistake starts nothing", async () => {
  await using dir = await TempDir.make();
  const config = dir.file("x.toml");
  await Deno.writeTextFile(config, "[discovery]\nbind_prt = 1\n");
  const { code, stderr } = await toolkit(["up", "--config", config, "--data-dir", dir.file("d")]);
  assert.equal(code, 2);
  assert.match(stderr, /x\.toml:2: unknown setting discovery\.bind_prt\n.*bind_port/);
  await assert.rejects(Deno.stat(dir.file("d")), Deno.errors.NotFound);
});

Deno.test("cluster keygen writes a key once, for its owner only", async () => {
  await using dir = await TempDir.make();
  const path = dir.file("cluster.key");
  const first = await toolkit(["cluster", "keygen", "--out", path]);
  assert.equal(first.code, 0);
  const key = await Deno.readTextFile(path);
  assert.match(key, /^[A-Za-z0-9_-]{43}\n$/);
  assert.equal(((await Deno.stat(path)).mode ?? 0) & 0o777, 0o600);
  assert.ok(!first.stdout.includes(key.trim()) && !first.stderr.includes(key.trim()));
  const second = await toolkit(["cluster", "keygen", "--out", path]);
  assert.equal(second.code, 1);
  assert.match(second.stderr, /exists already/);
  assert.equal(await Deno.readTextFile(path), key);
});

Deno.test("a node refuses to be reached from outside without a key, and with one that others can read", async () => {
  await using dir = await TempDir.make();
  for (const host of ["0.0.0.0", "::", "192.0.2.1"]) {
    const { code, stderr } = await toolkit(["up", "-H", host, "--data-dir", dir.file("d")]);
    assert.equal(code, 1);
    assert.match(stderr, /without a cluster key\n.*keygen/);
  }
  const path = dir.file("cluster.key");
  await toolkit(["cluster", "keygen", "--out", path]);
  await Deno.chmod(path, 0o644);
  const args = ["up", "-H", "0.0.0.0", "--data-dir", dir.file("d"), "--key-file", path];
  const { code, stderr } = await toolkit(args);
  assert.equal(code, 1);
  assert.match(stderr, /others can read the cluster key .*\n.*chmod 600/);
});

Deno.test("what cannot be had says so and ends with 1", async () => {
  await using dir = await TempDir.make();
  await Deno.writeTextFile(dir.file("file"), "");
  const cases: readonly (readonly [readonly string[], RegExp])[] = [
    [["up", "--data-dir", dir.file("file/below")], /cannot make the data dir/],
    [
      ["up", "--data-dir", dir.file("a"), "-H", "127.0.0.1", "--key-file", "/none"],
      /no cluster key at/,
    ],
    [["up", "--data-dir", dir.file("b"), "-H", "::1%none"], /cannot listen|without a cluster key/],
    [["reminder", "run", "--data-dir", dir.file("c"), "--gpio", "chardev"], /not supported yet/],
  ];
  for (const [args, expected] of cases) {
    const { code, stderr } = await toolkit(args);
    assert.equal(code, 1, `${args.join(" ")}: ${stderr}`);
    assert.match(stderr, expected);
  }
});

Deno.test("output that nobody reads any more is no error", async () => {
  await using dir = await TempDir.make();
  await using node = await TestNode.start({ alias: "one", dataDir: dir.file("d") });
  const script = 'set -o pipefail; "$@" | true; echo "code ${PIPESTATUS[0]}"';
  const { stdout, stderr } = await toolkit(["cluster", "members", "--data-dir", dir.file("d")], {
    prefix: ["bash", "-c", script, "bash"],
  });
  assert.equal(stdout, "code 0\n");
  assert.equal(stderr, "");
  await node.stop();
});
