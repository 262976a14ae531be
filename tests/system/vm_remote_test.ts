/** Remote users of the real program: as from nc, and with vm attach. */

import assert from "node:assert/strict";
import type { TestProcess } from "../support/process.ts";
import { start, TempDir, TestNode, toolkit } from "../support/toolkit.ts";
import { TestUser } from "../support/vm_remote.ts";

const BANNER = "Welcome to Iridium! Let's be productive!\n";
const FAREWELL = "Farewell! Have a great day!\n";
const LOOP = "eq $0 $0 again: inc $1 djmpe @again\n";

function portOf({ stdout, stderr }: TestProcess): number {
  return Number(/remote users are welcome on port (\d+)/.exec(stdout + stderr)![1]);
}

async function serve(dir: TempDir, ...args: readonly string[]) {
  const node = await TestNode.start({
    alias: "hall",
    dataDir: dir.file("hall"),
    command: ["vm", "serve", "-r", "-p", "0"],
    args,
  });
  await node.process.says(/remote users are welcome/);
  return { node, port: portOf(node.process) };
}

async function tokenIn(dir: TempDir, name: string): Promise<string> {
  const { code } = await toolkit(["vm", "token", "--out", dir.file(name)]);
  assert.equal(code, 0);
  return dir.file(name);
}

/** Attaches, says lines, and ends. */
async function attach(args: readonly string[], input: string) {
  await using process = start(["vm", "attach", ...args]);
  await process.write(input).catch(() => {});
  await process.closeStdin().catch(() => {});
  return await process.ended;
}

Deno.test("a session as from nc; !quit ends it, and not the server", async () => {
  await using dir = await TempDir.make();
  const { node, port } = await serve(dir);
  await using _ = node;
  {
    using user = await TestUser.connect(port);
    await user.hears(/>>> $/);
    assert.equal(user.text, `${BANNER}>>> `);
    assert.equal(await user.asks("load $0 #6 mul $0 $0 $0 prti $0"), "36\n");
    assert.match(await user.asks("!cluster_members"), /hall\* .*alive/);
    assert.match(await user.asks("!load_file /etc/passwd"), /files are off/);
    user.forget();
    await user.send("!quit\n");
    await user.isHungUpOn();
    assert.equal(user.text, FAREWELL);
  }
  {
    using page = await TestUser.connect(port);
    await page.send("POST / HTTP/1.1\r\nHost: x\r\n\r\nprti $0\r\n");
    await page.isHungUpOn();
  }
  await node.process.says(/turned away: an HTTP request/);
  // Its end ends the process's sessions too.
  using last = await TestUser.connect(port);
  await last.send(LOOP);
  assert.equal((await node.stop()).code, 0);
  await last.isHungUpOn();
});

Deno.test("vm attach on a pipe: lines in, output out, as vm repl does it", async () => {
  await using dir = await TempDir.make();
  const { node, port } = await serve(dir);
  await using _ = node;
  const address = `127.0.0.1:${port}`;
  const input = "load $0 #6 mul $0 $0 $0\nprti $0\nbogus\n!quit\nprti $0\n";
  const { code, stdout, stderr } = await attach([address], input);
  assert.deepEqual([code, stderr], [0, ""]);
  assert.match(stdout, /^Welcome[^\n]*\n36\ninput:1:1: error[^]*Farewell! Have a great day!\n$/);
  const without = await attach([address], "load $0 #7\nprti $0");
  assert.deepEqual([without.code, without.stdout], [0, `${BANNER}7\n`]);

  await using process = start(["vm", "attach", address]);
  await process.write(LOOP);
  await process.says(/Welcome/);
  await process.write("load $0 #44 prti $0\n");
  for (let last = ""; !process.stdout.includes("interrupted"); last = process.stdout) {
    process.signal("SIGINT");
    await process.says(last === "" ? /interrupted at/ : /$/);
  }
  await process.says(/44/);
  // The node goes: that is no end of ours.
  await node.stop();
  const ended = await process.ended;
  assert.equal(ended.code, 1);
  assert.match(ended.stderr, /error: /);
});

Deno.test("vm attach with a token; with another, without one, with nobody there", async () => {
  await using dir = await TempDir.make();
  const token = await tokenIn(dir, "token");
  const other = await tokenIn(dir, "other");
  const { node, port } = await serve(dir, "--token-file", token);
  await using _ = node;
  const address = `127.0.0.1:${port}`;
  const good = await attach([address, "--token-file", token], "load $0 #7 prti $0\n!quit\n");
  assert.deepEqual([good.code, good.stdout], [0, `${BANNER}7\n${FAREWELL}`]);
  assert.equal(good.stderr, "");
  const plain = await TestUser.connect(port);
  await plain.send("load $0 #9 prti $0\n");
  await plain.hears(/vm attach --token-file FILE\n$/);
  plain[Symbol.dispose]();
  const free = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const nobody = `127.0.0.1:${free.addr.port}`;
  free.close();
  const cases = [
    [
      [address, "--token-file", other],
      1,
      /cannot attach to \S+: .*another token[^]*copy the token/,
    ],
    [[address], 1, /wants a token[^]*--token-file FILE/],
    [[address, "--token-file", dir.file("none")], 1, /none/],
    [[nobody], 3, /cannot attach to \S+: nobody listens there[^]*-r/],
    [[`${address}x`], 2, /is not HOST or HOST:PORT/],
    [[], 2, /HOST:PORT/],
  ] as const;
  for (const [args, expected, message] of cases) {
    const { code, stdout, stderr } = await attach(args, "");
    assert.deepEqual([code, stdout], [expected, ""], `${args}: ${stderr}`);
    assert.match(stderr, message);
  }
  await node.process.says(/turned away: it has another token, or none/);
});

Deno.test("vm repl -r lets others in, each with a session of his own", async () => {
  await using dir = await TempDir.make();
  const root = dir.file("programs");
  await Deno.mkdir(root);
  await Deno.writeTextFile(`${root}/ok.iasm`, ".data\nx: .asciiz 'found'\n.code\nprts @x\nhlt\n");
  await using repl = start(["vm", "repl", "-r", "-p", "0", "--root", root], { cwd: dir.path });
  await repl.write("load $0 #5\n");
  await repl.says(/remote users are welcome/);
  using user = await TestUser.greeted(portOf(repl));
  assert.equal(await user.asks("prti $0"), "0\n");
  assert.match(await user.asks("!load_file ok.iasm"), /^found\n/);
  assert.match(await user.asks("!cluster_members"), /on no cluster/);
  assert.match(await user.asks("!start_cluster"), /not for remote users/);
  await user.send(LOOP);
  await repl.write("prti $0\n");
  await repl.says(/5/);
  await repl.closeStdin();
  assert.equal((await repl.ended).code, 0);
  await user.isHungUpOn();
});

Deno.test("limits of remote users come from the configuration", async () => {
  await using dir = await TempDir.make();
  const config = dir.file("toolkit.toml");
  await Deno.writeTextFile(
    config,
    "[vm.limits]\nremote_fuel = 100000\nsessions = 1\nline = '1K'\nidle = '1s'\n" +
      "unread_output = '4K'\n",
  );
  const { node, port } = await serve(dir, "--config", config);
  await using _ = node;
  {
    using user = await TestUser.greeted(port);
    assert.match(await user.asks(LOOP.trim()), /100000 units of fuel/);
    const { code, stderr } = await attach([`127.0.0.1:${port}`], "");
    assert.equal(code, 3);
    assert.match(stderr, /1 sessions are open already; try again later/);
    await user.send(`${"x".repeat(1_025)}\n`);
    await user.hears(/a line of more than 1024 bytes/);
    await user.isHungUpOn();
  }
  await using idle = start(["vm", "attach", `127.0.0.1:${port}`]);
  const { code, stderr } = await idle.ended;
  assert.deepEqual([code, stderr], [1, "error: nothing was said for 1 s\n"]);
});
