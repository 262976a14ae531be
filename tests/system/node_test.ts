/** Nodes as a user runs them, on loopback. */

import assert from "node:assert/strict";
import { start, TempDir, TestNode, toolkit } from "../support/toolkit.ts";
import { waitFor } from "../support/wait.ts";

interface Status {
  readonly reminders: readonly { readonly level: string; readonly done_by: string | null }[];
}

async function levelAt(node: TestNode): Promise<string> {
  const { reminders } = await node.json("reminder", "status") as unknown as Status;
  return reminders[0]!.level;
}

/** Starts nodes that look for the first of them. */
async function house(dir: TempDir, stack: AsyncDisposableStack, ...aliases: readonly string[]) {
  const nodes: TestNode[] = [];
  for (const alias of aliases) {
    const join = nodes.length === 0 ? [] : ["--join", nodes[0]!.address];
    const node = await TestNode.start({ alias, dataDir: dir.file(alias), args: join });
    stack.use(node);
    nodes.push(node);
  }
  for (const node of nodes) await node.sees(aliases);
  return nodes;
}

Deno.test("three nodes find one another from one address, and a press shows on all", async () => {
  await using dir = await TempDir.make();
  await using stack = new AsyncDisposableStack();
  const [hall, kitchen, attic] = await house(dir, stack, "hall", "kitchen", "attic") as [
    TestNode,
    TestNode,
    TestNode,
  ];
  const members = await kitchen.members();
  assert.deepEqual(members.map(({ alias, self }) => [alias, self]), [
    ["kitchen", true],
    ["attic", false],
    ["hall", false],
  ]);
  for (const { state, parts, id } of members) {
    assert.equal(state, "alive");
    assert.deepEqual(parts, ["reminder"]);
    assert.match(id, /^[0-9a-f-]{36}$/);
  }
  assert.equal(members.find(({ alias }) => alias === "hall")!.found_by, "hosts");

  assert.equal(await levelAt(hall), "red", "never done");
  const { code, stdout } = await kitchen.run("reminder", "done", "cat-litter");
  assert.equal(code, 0);
  assert.equal(stdout, "cat-litter is done; all 3 members have it\n");
  for (const node of [hall, kitchen, attic]) {
    await waitFor(`${node.alias} is green`, async () => await levelAt(node) === "light_green");
  }
  assert.match(
    (await attic.run("reminder", "status")).stdout,
    /light green +done .* by kitchen \(command\)/,
  );
});

Deno.test("a killed node is known to have failed; it comes back to what it missed", async () => {
  await using dir = await TempDir.make();
  await using stack = new AsyncDisposableStack();
  const [hall, kitchen, attic] = await house(dir, stack, "hall", "kitchen", "attic") as [
    TestNode,
    TestNode,
    TestNode,
  ];
  await attic.kill();
  for (const node of [hall, kitchen]) {
    await waitFor(
      `${node.alias} knows`,
      async () => (await node.members()).find(({ alias }) => alias === "attic")?.state === "failed",
    );
    await node.process.says(/attic \(\w+\) has failed/);
  }
  assert.match(
    (await hall.run("reminder", "done", "cat-litter")).stdout,
    /2 of 3 have it; attic .* is away and gets it later/,
  );
  const again = await TestNode.start({
    alias: "attic",
    dataDir: dir.file("attic"),
    args: ["--join", hall.address],
  });
  stack.use(again);
  await waitFor("it has caught up", async () => await levelAt(again) === "light_green");
  await hall.sees(["hall", "kitchen", "attic"]);
  await hall.process.says(/attic \(\w+\) is back/);
});

Deno.test("nodes leave with a word, within two seconds, on every stop signal", async () => {
  await using dir = await TempDir.make();
  await using stack = new AsyncDisposableStack();
  const [hall] = await house(dir, stack, "hall") as [TestNode];
  for (const signal of ["SIGINT", "SIGTERM", "SIGQUIT"] as const) {
    const alias = signal.toLowerCase();
    const node = await TestNode.start({
      alias,
      dataDir: dir.file(alias),
      args: ["--join", hall.address],
    });
    stack.use(node);
    await hall.sees(["hall", alias]);
    const started = performance.now();
    const { code } = await node.stop(signal);
    assert.equal(code, 0, signal);
    assert.ok(performance.now() - started < 2_000, `${signal} took too long`);
    await hall.process.says(new RegExp(`${alias} \\(\\w+\\) has left`));
    const member = (await hall.members()).find((member) => member.alias === alias);
    assert.equal(member?.state, "left");
    await assert.rejects(Deno.stat(`${dir.file(alias)}/control.sock`), Deno.errors.NotFound);
  }
});

Deno.test("a second stop signal ends a node at once", async () => {
  await using dir = await TempDir.make();
  await using node = await TestNode.start({ alias: "one", dataDir: dir.file("d") });
  // A peer that stands still makes leaving take its second.
  await using peer = await TestNode.start({
    alias: "peer",
    dataDir: dir.file("peer"),
    args: ["--join", node.address],
  });
  await node.sees(["one", "peer"]);
  peer.process.signal("SIGSTOP");
  node.process.signal("SIGINT");
  await node.process.says(/SIGINT: leaving the cluster/);
  node.process.signal("SIGINT");
  assert.equal((await node.process.ended).code, 130);
});

Deno.test("a node finds its peers again without being told, also at other ports", async () => {
  await using dir = await TempDir.make();
  await using stack = new AsyncDisposableStack();
  const [hall, kitchen] = await house(dir, stack, "hall", "kitchen") as [TestNode, TestNode];
  await kitchen.stop();
  const again = await TestNode.start({ alias: "kitchen", dataDir: dir.file("kitchen") });
  stack.use(again);
  await again.sees(["hall", "kitchen"]);
  assert.equal((await again.members()).find(({ alias }) => alias === "hall")?.found_by, "peers");
  await hall.sees(["hall", "kitchen"]);
});

Deno.test("a cluster port that is taken makes the node take the next, and tell that one", async () => {
  await using dir = await TempDir.make();
  await using stack = new AsyncDisposableStack();
  const first = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = first.addr;
  const node = await TestNode.start({
    alias: "one",
    dataDir: dir.file("one"),
    args: ["-P", String(port)],
  });
  stack.use(node);
  await node.process.says(new RegExp(`port ${port} is taken, using \\d+`));
  const used = Number(/:(\d+)$/.exec(node.address)![1]);
  assert.ok(used > port);
  const other = await TestNode.start({
    alias: "two",
    dataDir: dir.file("two"),
    args: ["--join", node.address],
  });
  stack.use(other);
  await other.sees(["one", "two"]);
  assert.equal((await other.members()).find(({ alias }) => alias === "one")?.address, node.address);
  first.close();
});

Deno.test("one data dir runs one node; the second says who runs there", async () => {
  await using dir = await TempDir.make();
  await using node = await TestNode.start({ alias: "one", dataDir: dir.file("d") });
  const { code, stderr } = await toolkit(["up", "--data-dir", dir.file("d"), "-P", "0"]);
  assert.equal(code, 1);
  assert.match(stderr, new RegExp(`in use by process ${node.process.pid} \\(reminder\\)`));
  assert.match(stderr, /toolkit up/);
  await node.kill();
  // Killed, it leaves nothing that stands in the way.
  await using again = await TestNode.start({ alias: "one", dataDir: dir.file("d") });
  await again.stop();
});

Deno.test("toolkit up runs the parts of the config as one node", async () => {
  await using dir = await TempDir.make();
  const config = dir.file("toolkit.toml");
  await Deno.writeTextFile(
    config,
    `[node]\nname = "pi"\n[[reminder]]\nname = "plants"\n[[reminder]]\nname = "bins"\n`,
  );
  await using node = await TestNode.start({
    alias: "pi",
    dataDir: dir.file("d"),
    command: ["up"],
    args: ["--config", config],
  });
  assert.equal((await node.run("reminder", "list", "--config", config)).stdout, "plants\nbins\n");
  const { code, stdout } = await node.run("reminder", "done", "bins", "--config", config);
  assert.equal(code, 0);
  assert.equal(stdout, "bins is done; this node has it, there are no others\n");
  const unknown = await node.run("reminder", "done", "dishes", "--config", config);
  assert.equal(unknown.code, 2);
  assert.match(unknown.stderr, /no reminder "dishes" .*\n.*plants, bins/);
  await node.stop();
});

Deno.test("snooze, history and list do what they say, in words and in JSON", async () => {
  await using dir = await TempDir.make();
  await using node = await TestNode.start({ alias: "one", dataDir: dir.file("d") });
  assert.match((await node.run("reminder", "history")).stderr, /nothing has been pressed yet/);
  await node.run("reminder", "done", "cat-litter");
  const snoozed = await node.run("reminder", "snooze", "cat-litter", "30m");
  assert.match(snoozed.stdout, /^cat-litter is snoozed until \d{4}-/);
  const status = await node.json("reminder", "status") as unknown as {
    reminders: { dark: string; snoozed_until: string }[];
  };
  assert.equal(status.reminders[0]!.dark, "snoozed");
  const left = Date.parse(status.reminders[0]!.snoozed_until) - Date.now();
  assert.ok(left > 29 * 60_000 && left <= 30 * 60_000, `${left} ms`);
  const { stdout } = await node.run("reminder", "history", "--json");
  const presses = stdout.trim().split("\n").map((line) => JSON.parse(line));
  assert.deepEqual(presses.map(({ action, by, how, for_ms }) => [action, by, how, for_ms]), [
    ["snooze", "one", "command", 30 * 60_000],
    ["done", "one", "command", null],
  ]);
  assert.equal(
    (await node.run("reminder", "history", "-n", "1")).stdout.trim().split("\n").length,
    1,
  );
  assert.equal((await node.run("reminder", "snooze", "cat-litter", "8d")).code, 2);
  await node.stop();
});

Deno.test("state and history survive a kill right after done has returned", async () => {
  await using dir = await TempDir.make();
  await using node = await TestNode.start({ alias: "one", dataDir: dir.file("d") });
  await node.run("reminder", "done", "cat-litter");
  await node.kill();
  await using again = await TestNode.start({ alias: "one", dataDir: dir.file("d") });
  assert.equal(await levelAt(again), "light_green");
  assert.match((await again.run("reminder", "history")).stdout, /cat-litter +done +by one/);
  await again.stop();
});

Deno.test("a damaged state file is set aside, and the state comes back from the others", async () => {
  await using dir = await TempDir.make();
  await using stack = new AsyncDisposableStack();
  const [hall, kitchen] = await house(dir, stack, "hall", "kitchen") as [TestNode, TestNode];
  await hall.run("reminder", "done", "cat-litter");
  await kitchen.stop();
  const file = `${dir.file("kitchen")}/reminder.json`;
  const text = await Deno.readTextFile(file);
  await Deno.writeTextFile(file, text.replace('"by":"hall"', '"by":"ha11"'));
  const again = await TestNode.start({ alias: "kitchen", dataDir: dir.file("kitchen") });
  stack.use(again);
  await again.process.says(/reminder\.json is damaged .*reminder\.json\.damaged/);
  await waitFor("the state is back", async () => await levelAt(again) === "light_green");
  assert.match(await Deno.readTextFile(`${file}.damaged`), /ha11/);
});

Deno.test("cluster status shows the loop's delay and that the node is well", async () => {
  await using dir = await TempDir.make();
  await using node = await TestNode.start({ alias: "one", dataDir: dir.file("d") });
  const { stdout } = await node.run("cluster", "status");
  assert.match(stdout, /node +one \([0-9a-f-]{36}\)/);
  assert.match(stdout, /loop delay +.* at worst/);
  const status = await node.json("cluster", "status") as Record<string, unknown>;
  assert.equal(typeof status["loop_delay_max_ms"], "number");
  assert.equal(status["pid"], node.process.pid);
  await node.stop();
});

Deno.test("standard input that is no terminal is not read, and its end stops no node", async () => {
  await using dir = await TempDir.make();
  await using node = await TestNode.start({ alias: "one", dataDir: dir.file("d") });
  await node.process.write("1q\n");
  await node.process.closeStdin();
  assert.equal((await node.run("reminder", "status", "--json")).code, 0);
  assert.equal(await levelAt(node), "red", "nothing was pressed");
  await node.stop();
});

Deno.test({
  name: "the control socket is its owner's, and a group's if the config says so",
  ignore: Deno.uid() !== 0,
  async fn() {
    await using dir = await TempDir.make();
    await using node = await TestNode.start({ alias: "one", dataDir: dir.file("d") });
    const modeOf = async (path: string) => ((await Deno.stat(path)).mode ?? 0) & 0o777;
    assert.equal(await modeOf(dir.file("d")), 0o700);
    assert.equal(await modeOf(`${dir.file("d")}/control.sock`), 0o600);
    await node.stop();
    const config = dir.file("toolkit.toml");
    await Deno.writeTextFile(config, '[control]\ngroup = "daemon"\n');
    await using shared = await TestNode.start({
      alias: "two",
      dataDir: dir.file("d"),
      args: ["--config", config],
    });
    assert.equal(await modeOf(dir.file("d")), 0o710);
    assert.equal(await modeOf(`${dir.file("d")}/control.sock`), 0o660);
    const { gid } = await Deno.stat(`${dir.file("d")}/control.sock`);
    assert.equal(gid, (await Deno.stat(dir.file("d"))).gid);
    assert.notEqual(gid, 0);
    await shared.stop();
    await Deno.writeTextFile(config, '[control]\ngroup = "no-such-group"\n');
    const { code, stderr } = await toolkit(["up", "--config", config, "--data-dir", dir.file("e")]);
    assert.equal(code, 1);
    assert.match(stderr, /no group "no-such-group"\n.*groupadd/);
  },
});

Deno.test("members --watch tells each change on a pipe, a line each, until it is stopped", async () => {
  await using dir = await TempDir.make();
  await using hall = await TestNode.start({ alias: "hall", dataDir: dir.file("hall") });
  await using watch = start(["cluster", "members", "--watch", "--data-dir", dir.file("hall")]);
  await using json = start([
    "cluster",
    "members",
    "--watch",
    "--json",
    "--data-dir",
    dir.file("hall"),
  ]);
  await watch.says(/ hall [0-9a-f]{8} 127\.0\.0\.1:\d+ alive/);
  await using attic = await TestNode.start({
    alias: "attic",
    dataDir: dir.file("attic"),
    args: ["--join", hall.address],
  });
  await watch.says(/ attic [0-9a-f]{8} \S+ alive/);
  await attic.kill();
  await watch.says(/ attic [0-9a-f]{8} \S+ failed/);
  await json.says(/"alias":"attic".*"state":"failed"/);
  watch.signal("SIGINT");
  assert.equal((await watch.ended).code, 0);
  // When the node goes, the view ends by itself and says so.
  await hall.stop();
  const { code, stderr } = await json.ended;
  assert.equal(code, 3);
  assert.match(stderr, /the node has stopped/);
});
