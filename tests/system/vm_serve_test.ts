/** Programs in the background of a node, as a user runs and asks it. */

import assert from "node:assert/strict";
import { parseHostPort } from "../../cluster/address.ts";
import { start, TempDir, TestNode, toolkit } from "../support/toolkit.ts";
import { PROGRAMS } from "../support/vm_jobs.ts";
import { waitFor } from "../support/wait.ts";

async function files(dir: TempDir): Promise<Record<keyof typeof PROGRAMS, string>> {
  const paths: Record<string, string> = {};
  for (const [name, source] of Object.entries(PROGRAMS)) {
    paths[name] = dir.file(`${name}.iasm`);
    await Deno.writeTextFile(paths[name], source);
  }
  return paths as Record<keyof typeof PROGRAMS, string>;
}

interface Programs {
  readonly programs: readonly {
    readonly pid: number;
    readonly program: string;
    readonly owner: string;
    readonly state: string;
    readonly instructions: number;
    readonly started_at: string;
  }[];
}

async function programsOf(node: TestNode): Promise<Programs["programs"]> {
  return (await node.json("vm", "ps") as unknown as Programs).programs;
}

Deno.test("vm serve runs programs, logs what they print and how they end; ps, spawn, kill", async () => {
  await using dir = await TempDir.make();
  const { hello, loop, division } = await files(dir);
  await using node = await TestNode.start({
    alias: "hall",
    dataDir: dir.file("data"),
    command: ["vm", "serve", hello, loop],
  });
  await node.process.says(/\[1\] hello\n/);
  await node.process.says(/program 1 \(hello\.iasm\): GracefulStop, code 0/);
  await node.process.says(/program 2 \(loop\.iasm\) started/);
  assert.doesNotMatch(node.process.stderr, /remote users/);

  const [first, ...others] = await programsOf(node);
  assert.deepEqual(others, []);
  const { instructions, started_at, ...rest } = first!;
  assert.deepEqual(rest, { pid: 2, program: "loop.iasm", owner: "node", state: "running" });
  assert.ok(instructions > 0 && Date.parse(started_at) > 0);
  assert.match((await node.run("vm", "ps")).stdout, /^PID +STATE .*\n2 +running .* loop\.iasm\n$/);

  assert.deepEqual(await node.json("vm", "spawn", division), { pid: 3 });
  await node.process.says(
    /program 3 \(division\.iasm\): Crash, code 2 \(division by zero\) at div/,
  );
  // A path is meant from where the command runs.
  const spawned = await toolkit(["vm", "spawn", "loop.iasm", "--data-dir", dir.file("data")], {
    cwd: dir.path,
  });
  assert.deepEqual([spawned.code, spawned.stdout], [
    0,
    "program 4 started; its output goes to the log of the node\n",
  ]);
  assert.deepEqual(await node.json("vm", "kill", "2"), { pid: 2 });
  await node.process.says(/program 2 \(loop\.iasm\): Crash, code 10 \(killed\) at loop\.iasm:\d/);
  assert.equal((await node.run("vm", "kill", "4")).stdout, "program 4 killed\n");
  await waitFor("none is left", async () => (await programsOf(node)).length === 0);
  assert.equal((await node.run("vm", "ps")).stdout, "no programs run in the background\n");

  const cases = [
    [["kill", "2"], 1, /no program 2 runs here[^]*toolkit vm ps/],
    [["kill", "x"], 2, /whole number/],
    [["spawn", dir.file("none")], 1, /cannot read \S+none: there is no such file/],
  ] as const;
  for (const [args, expected, message] of cases) {
    const { code, stdout, stderr } = await node.run("vm", ...args);
    assert.deepEqual([code, stdout], [expected, ""], args.join(" "));
    assert.match(stderr, message);
  }
  const nobody = await toolkit(["vm", "ps", "--data-dir", dir.file("nobody")]);
  assert.equal(nobody.code, 3);
  assert.match(nobody.stderr, /no node is running/);
});

Deno.test("vm serve tells what is wrong with a program before it starts, vm spawn to who asks", async () => {
  await using dir = await TempDir.make();
  const wrong = dir.file("wrong.iasm");
  await Deno.writeTextFile(wrong, ".data\n.code\nlod $0 #1\n");
  const dataDir = dir.file("data");
  for (const [file, code] of [[wrong, 65], [dir.file("none.iasm"), 66]] as const) {
    const served = await toolkit(["vm", "serve", file, "--data-dir", dataDir]);
    assert.deepEqual([served.code, served.stdout], [code, ""]);
    assert.match(served.stderr, /UnknownMnemonic|cannot read \S+none\.iasm/);
  }
  await using node = await TestNode.start({ alias: "hall", dataDir, command: ["vm", "serve"] });
  const { code, stderr } = await node.run("vm", "spawn", wrong);
  assert.equal(code, 1);
  assert.match(stderr, /wrong\.iasm is no program:\n\S*wrong\.iasm:3:1: error\[UnknownMnemonic\]/);
  assert.deepEqual(await programsOf(node), []);
});

Deno.test("vm serve ends at once, however busy its programs are", async () => {
  await using dir = await TempDir.make();
  const { loop, printer, heapEater } = await files(dir);
  await using node = await TestNode.start({
    alias: "busy",
    dataDir: dir.file("data"),
    command: ["vm", "serve", heapEater, loop, loop, printer],
  });
  await node.process.says(/\[4\] 012345678/);
  await waitFor("it answers all the same", async () => (await programsOf(node)).length >= 3);
  // A node that needs longer than it may is ended by its test.
  assert.equal((await node.stop()).code, 0);
});

Deno.test("limits from the configuration reach programs and sessions", async () => {
  await using dir = await TempDir.make();
  const { loop, hello, heapEater, stackEater } = await files(dir);
  const config = dir.file("toolkit.toml");
  await Deno.writeTextFile(
    config,
    "[vm.limits]\nmemory = '100K'\nstack = 50\nfuel = 3000000\nimages = 2\nbackground_programs = 2\n",
  );
  const args = ["--config", config];
  await using node = await TestNode.start({
    alias: "small",
    dataDir: dir.file("data"),
    command: ["vm", "serve", heapEater],
    args,
  });
  await node.process.says(/program 1 .*: Crash, code 8 \(memory limit\)/);
  await node.run("vm", "spawn", stackEater);
  await node.process.says(/program 2 .*: Crash, code 3 \(stack/);
  await node.run("vm", "spawn", loop);
  await node.process.says(/program 3 .*: Crash, code 9 \(fuel limit\)/);
  // The same for the session at a terminal or a pipe.
  await using repl = start(["vm", "repl", ...args]);
  await repl.write(`!load_file ${heapEater}\n!load_file ${stackEater}\n!load_file ${loop}\n`);
  await repl.write(`!load_file ${hello}\n`);
  await repl.closeStdin();
  const { code, stdout } = await repl.ended;
  assert.equal(code, 0);
  assert.match(stdout, /trap 8:[^]*trap 3:[^]*trap 9:[^]*3000000 units of fuel[^]*hello/);
});

Deno.test("toolkit up runs reminder and vm as one node, and members show both", async () => {
  await using dir = await TempDir.make();
  const { hello } = await files(dir);
  await using node = await TestNode.start({
    alias: "both",
    dataDir: dir.file("data"),
    command: ["up"],
    env: { TOOLKIT_GPIO_DRIVER: "simulated" },
  });
  const [member] = await node.members();
  assert.deepEqual(member!.parts, ["reminder", "vm"]);
  assert.deepEqual(await node.json("vm", "spawn", hello), { pid: 1 });
  await node.process.says(/\[1\] hello/);
  assert.equal((await node.run("reminder", "done", "cat-litter")).code, 0);
  assert.equal((await node.stop()).code, 0);
});

/** Ports on which a process listens. */
async function portsOf(pid: number): Promise<string[]> {
  const sockets = new Set<string>();
  for await (const { name } of Deno.readDir(`/proc/${pid}/fd`)) {
    const target = await Deno.readLink(`/proc/${pid}/fd/${name}`).catch(() => "");
    const inode = /^socket:\[(\d+)\]$/.exec(target)?.[1];
    if (inode !== undefined) sockets.add(inode);
  }
  const found: string[] = [];
  for (const table of ["tcp", "tcp6", "udp", "udp6"]) {
    const text = await Deno.readTextFile(`/proc/${pid}/net/${table}`).catch(() => "");
    for (const line of text.split("\n").slice(1)) {
      const [, local = "", , , , , , , , inode = ""] = line.trim().split(/\s+/);
      if (sockets.has(inode)) found.push(`${table} ${parseInt(local.split(":")[1]!, 16)}`);
    }
  }
  return found;
}

Deno.test({
  name: "vm repl without anything opens no port and makes no folder (B48)",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    await using dir = await TempDir.make();
    const env = { XDG_DATA_HOME: dir.file("data") };
    await using repl = start(["vm", "repl"], { cwd: dir.path, env });
    await repl.write("load $0 #7 prti $0\n!cluster_members\n!ps\n");
    await repl.says(/7\nthis REPL is on no cluster\n[^]*no programs run/);
    assert.deepEqual(await portsOf(repl.pid), []);
    // So that the check is known to see ports: with -r there is one.
    await using remote = start(["vm", "repl", "-r", "-p", "0"], { cwd: dir.path, env });
    await remote.says(/welcome on port (\d+)/);
    const port = /welcome on port (\d+)/.exec(remote.stdout)![1];
    assert.deepEqual(await portsOf(remote.pid), [`tcp ${port}`]);
    await repl.closeStdin();
    assert.equal((await repl.ended).code, 0);
    await remote.closeStdin();
    assert.equal((await remote.ended).code, 0);
    assert.deepEqual([...Deno.readDirSync(dir.path)].map(({ name }) => name), []);
  },
});

Deno.test("a port for remote users that is taken, or open to all, is an error with a hint", async () => {
  await using dir = await TempDir.make();
  await using node = await TestNode.start({
    alias: "first",
    dataDir: dir.file("first"),
    command: ["vm", "serve", "-r", "-p", "0"],
  });
  await node.process.says(/remote users are welcome on port (\d+)/);
  const port = /welcome on port (\d+)/.exec(node.process.stderr)![1]!;
  assert.notEqual(Number(port), parseHostPort(node.address, 0).port);
  const cases = [
    [["-p", port], 1, new RegExp(`cannot listen on 127\\.0\\.0\\.1:${port}[^]*-p PORT`)],
    [
      ["--bind-host", "0.0.0.0", "-p", "0"],
      1,
      /refusing remote users on 0\.0\.0\.0[^]*vm token --out/,
    ],
    [["--token-file", dir.file("none"), "-p", "0"], 1, /none/],
  ] as const;
  for (const [args, expected, message] of cases) {
    for (const command of [["serve", "-P", "0", "--data-dir", dir.file("second")], ["repl"]]) {
      const { code, stderr } = await toolkit(["vm", ...command, "-r", ...args]);
      assert.equal(code, expected, `${command} ${args}: ${stderr}`);
      assert.match(stderr, message);
    }
  }
  assert.equal((await node.stop()).code, 0);
});
