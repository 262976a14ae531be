/** What goes wrong in real life, done to the real program on loopback. */

import assert from "node:assert/strict";
import { parseHostPort } from "../../cluster/address.ts";
import { generateKeyPair, identityOf } from "../../cluster/identity.ts";
import { keyringOf } from "../../cluster/keys.ts";
import { between, SeededRandom } from "../../cluster/random.ts";
import { HANDSHAKE_LIMIT_MS } from "../../cluster/transport/connect.ts";
import { DiallerHandshake, PROTOCOL_VERSIONS } from "../../cluster/transport/handshake.ts";
import type { TestProcess } from "../support/process.ts";
import { startBareNode, TempDir, TestNode, toolkit } from "../support/toolkit.ts";
import { pause, waitFor } from "../support/wait.ts";

/** Makes a cluster key and gives the flags to use it. */
async function keyFlags(dir: TempDir, name: string): Promise<string[]> {
  const path = dir.file(name);
  const { code, stderr } = await toolkit(["cluster", "keygen", "--out", path]);
  assert.equal(code, 0, stderr);
  return ["--key-file", path];
}

async function memoryOf(node: TestNode): Promise<number> {
  const status = await node.json("cluster", "status") as { memory_bytes: number };
  return status.memory_bytes;
}

/** Asks a node something to see that it is well. */
async function isServing(node: TestNode): Promise<void> {
  assert.equal((await node.run("cluster", "members")).code, 0);
}

async function connectTo(node: TestNode): Promise<Deno.TcpConn> {
  const { host, port } = parseHostPort(node.address, 0);
  return await Deno.connect({ hostname: host, port });
}

Deno.test("another key, no key and another name are refused as what they are, on both sides", async () => {
  await using dir = await TempDir.make();
  const key = await keyFlags(dir, "key");
  const otherKey = await keyFlags(dir, "other");
  await using hall = await TestNode.start({ alias: "hall", dataDir: dir.file("hall"), args: key });
  const cases = [
    ["wrong-key", otherKey, /another cluster key/],
    ["no-key", [], /another cluster key \(here none is set\)/],
    ["other-name", [...key, "--cluster-name", "away"], /another cluster name/],
  ] as const;
  for (const [alias, args, expected] of cases) {
    // Callers from one address are logged once a minute: a fresh node each time.
    await using answerer = await TestNode.start({
      alias: `for-${alias}`,
      dataDir: dir.file(`for-${alias}`),
      args: key,
    });
    await using stranger = await TestNode.start({
      alias,
      dataDir: dir.file(alias),
      args: ["--join", answerer.address, ...args],
    });
    await stranger.process.says(expected);
    await answerer.process.says(
      /turned away a caller from 127\.0\.0\.1: another cluster (key|name)/,
    );
    assert.deepEqual((await answerer.members()).map(({ alias }) => alias), [`for-${alias}`]);
  }
  await isServing(hall);
});

Deno.test("two nodes whose protocol versions do not meet say so, and name both", async () => {
  await using dir = await TempDir.make();
  await using hall = await TestNode.start({ alias: "hall", dataDir: dir.file("hall") });
  await using newer = versioned("newer", dir, 3, 4, hall.address);
  await newer.says(/speaks protocol version 1, here it is versions 3 to 4/);
  await hall.process.says(/turned away .*: speaks protocol versions 3 to 4, here it is version 1/);
  await isServing(hall);
});

function versioned(
  alias: string,
  dir: TempDir,
  lowest: number,
  highest: number,
  ...hosts: string[]
) {
  return startBareNode({ alias, dataDir: dir.file(alias), versions: { lowest, highest }, hosts });
}

Deno.test("a rolling upgrade: adjacent versions work together all the way", async () => {
  await using dir = await TempDir.make();
  await using stack = new AsyncDisposableStack();
  const addressOf = async (node: TestProcess) => {
    await node.says(/listening on \S+/);
    return /listening on (\S+)/.exec(node.stdout)![1]!;
  };
  const hall = stack.use(versioned("hall", dir, 1, 1));
  const address = await addressOf(hall);
  const kitchen = stack.use(versioned("kitchen", dir, 1, 1, address));
  const attic = stack.use(versioned("attic", dir, 1, 1, address));
  for (const alias of ["kitchen", "attic"]) await hall.says(new RegExp(`${alias} is alive`));
  await attic.says(/kitchen is alive/);
  // One after the other is replaced by the next version, which still speaks the old one.
  for (const [alias, old] of [["attic", attic], ["kitchen", kitchen]] as const) {
    await old.closeStdin();
    assert.equal((await old.ended).code, 0);
    await hall.says(new RegExp(`${alias} is left`));
    const upgraded = stack.use(versioned(alias, dir, 1, 2, address));
    await upgraded.says(/hall is alive/);
    await hall.says(new RegExp(`${alias} is left[\\s\\S]*${alias} is alive`));
  }
  assert.doesNotMatch(hall.stdout, /failed/);
});

Deno.test("keys are changed without anybody being left out", async () => {
  await using dir = await TempDir.make();
  await using stack = new AsyncDisposableStack();
  const [oldKey, newKey] = [await keyFlags(dir, "old"), await keyFlags(dir, "new")];
  const start = async (
    alias: string,
    flags: readonly string[],
    accepted: string,
    join: string[],
  ) => {
    const config = dir.file(`${alias}.toml`);
    await Deno.writeTextFile(config, `[cluster]\naccept_keys = ["${accepted}"]\n`);
    const args = ["--config", config, ...flags, ...join.flatMap((address) => ["--join", address])];
    return stack.use(await TestNode.start({ alias, dataDir: dir.file(alias), args }));
  };
  // Step one: all accept the new key beside the old one.
  const hall = await start("hall", oldKey, dir.file("new"), []);
  const kitchen = await start("kitchen", oldKey, dir.file("new"), [hall.address]);
  await kitchen.sees(["hall", "kitchen"]);
  // Step two: one after the other uses the new key and accepts the old one.
  await kitchen.stop();
  const changed = await start("kitchen", newKey, dir.file("old"), [hall.address]);
  await changed.sees(["hall", "kitchen"]);
  await hall.sees(["hall", "kitchen"]);
});

Deno.test("random bytes, huge lengths and half handshakes are turned away; the node goes on", async () => {
  await using dir = await TempDir.make();
  await using hall = await TestNode.start({ alias: "hall", dataDir: dir.file("hall") });
  await using _peer = await TestNode.start({
    alias: "kitchen",
    dataDir: dir.file("kitchen"),
    args: ["--join", hall.address],
  });
  await hall.sees(["hall", "kitchen"]);
  const random = new SeededRandom(21);
  const noise = (count: number) => Uint8Array.from({ length: count }, () => random.u32() & 0xff);
  const http = new TextEncoder().encode("GET / HTTP/1.1\r\nHost: x\r\n\r\n".padEnd(200));
  const handshake = new DiallerHandshake({
    identity: identityOf(generateKeyPair()),
    keyring: keyringOf("toolkit", undefined),
    versions: PROTOCOL_VERSIONS,
  }).start().send;
  for (let round = 0; round < 40; round++) {
    const kinds = [
      noise(between(random, 0, 300)),
      http,
      handshake.subarray(0, between(random, 0, handshake.length)),
      new Uint8Array([...handshake, ...noise(100)]),
      new Uint8Array(2_000).fill(0xff),
    ];
    const connection = await connectTo(hall);
    await connection.write(kinds[round % kinds.length]!).catch(() => {});
    await Promise.race([connection.read(new Uint8Array(100)).catch(() => {}), pause(20)]);
    connection.close();
  }
  const udp = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
  const { host, port } = parseHostPort(hall.address, 0);
  for (let round = 0; round < 500; round++) {
    const to: Deno.NetAddr = { transport: "udp", hostname: host, port };
    await udp.send(noise(between(random, 0, 1_400)), to);
    if (round % 32 === 0) await pause(1);
  }
  udp.close();
  await hall.sees(["hall", "kitchen"]);
  assert.doesNotMatch(hall.process.stderr, /failed|fault/);
});

Deno.test("a connection that never finishes its handshake is closed, and few are answered at a time", async () => {
  await using dir = await TempDir.make();
  await using hall = await TestNode.start({ alias: "hall", dataDir: dir.file("hall") });
  const silent = await connectTo(hall);
  const started = performance.now();
  const many = [];
  for (let i = 0; i < 20; i++) many.push(await connectTo(hall));
  // Those beyond the limit for one address are turned away at once: a reply, then the end.
  const answers = await Promise.all(many.map(async (connection) => {
    const bytes = await Promise.race([
      new Response(connection.readable).bytes().catch(() => new Uint8Array()),
      pause(1_000),
    ]);
    return bytes?.length;
  }));
  assert.ok(answers.filter((length) => length === 8).length >= 10, `${answers}`);
  assert.equal(await silent.read(new Uint8Array(1)).catch(() => null), null);
  const took = performance.now() - started;
  assert.ok(took > HANDSHAKE_LIMIT_MS - 500 && took < HANDSHAKE_LIMIT_MS + 3_000, `${took} ms`);
  await isServing(hall);
});

Deno.test("ten thousand connections: bounded memory, and the peers are served all the while", async () => {
  await using dir = await TempDir.make();
  await using hall = await TestNode.start({ alias: "hall", dataDir: dir.file("hall") });
  await using kitchen = await TestNode.start({
    alias: "kitchen",
    dataDir: dir.file("kitchen"),
    args: ["--join", hall.address],
  });
  await hall.sees(["hall", "kitchen"]);
  const before = await memoryOf(hall);
  let opened = 0;
  const flood = async () => {
    while (opened < 10_000) {
      opened++;
      try {
        const connection = await connectTo(hall);
        await connection.write(new Uint8Array(10)).catch(() => {});
        if (opened % 3 === 0) await pause(5);
        connection.close();
      } catch {
        // Turned away, or no port left for a moment.
      }
    }
  };
  await Promise.all([
    ...Array.from({ length: 50 }, flood),
    (async () => {
      while (opened < 10_000) {
        await isServing(hall);
        await pause(200);
      }
    })(),
  ]);
  await hall.sees(["hall", "kitchen"]);
  assert.doesNotMatch(kitchen.process.stderr, /hall \(\w+\) has failed/);
  const grown = await memoryOf(hall) - before;
  assert.ok(grown < 60e6, `${Math.round(grown / 1e6)} MB more`);
});

Deno.test("a copied data dir: the newer process is refused and stops, both hosts are named", async () => {
  await using dir = await TempDir.make();
  await using hall = await TestNode.start({ alias: "hall", dataDir: dir.file("hall") });
  await using kitchen = await TestNode.start({
    alias: "kitchen",
    dataDir: dir.file("kitchen"),
    args: ["--join", hall.address],
  });
  await hall.sees(["hall", "kitchen"]);
  await Deno.mkdir(dir.file("copy"));
  await Deno.copyFile(`${dir.file("kitchen")}/identity.key`, `${dir.file("copy")}/identity.key`);
  await using copy = await TestNode.start({
    alias: "copy",
    dataDir: dir.file("copy"),
    args: ["--join", hall.address],
  });
  const { code, stderr } = await copy.process.ended;
  assert.equal(code, 1);
  const told = `two nodes have one ID: "kitchen" at ${kitchen.address} was there first, ` +
    `"copy" at ${copy.address} must go`;
  assert.ok(stderr.includes(told), stderr);
  assert.match(stderr, /identity\.key/);
  await hall.process.says(new RegExp(`refused .*${told}`));
  await hall.sees(["hall", "kitchen"]);

  // And the other way round: the copy calls the original itself.
  await using again = await TestNode.start({
    alias: "copy",
    dataDir: dir.file("copy"),
    args: ["--join", kitchen.address],
  });
  assert.equal((await again.process.ended).code, 1);
  await hall.sees(["hall", "kitchen"]);
});

Deno.test("two nodes of one alias are both shown, with their IDs", async () => {
  await using dir = await TempDir.make();
  await using one = await TestNode.start({ alias: "pi", dataDir: dir.file("one") });
  await using two = await TestNode.start({
    alias: "pi",
    dataDir: dir.file("two"),
    args: ["--join", one.address],
  });
  await one.sees(["pi", "pi"]);
  const ids = (await two.members()).map(({ id }) => id);
  assert.equal(new Set(ids).size, 2);
  const { stderr, code } = await one.run("cluster", "ban", "pi");
  assert.equal(code, 2);
  assert.match(stderr, /pi may be .* or .*\n.*more of the ID/);
});

Deno.test("a node that is killed and started again at once takes its own place", async () => {
  await using dir = await TempDir.make();
  await using hall = await TestNode.start({ alias: "hall", dataDir: dir.file("hall") });
  let kitchen = await TestNode.start({
    alias: "kitchen",
    dataDir: dir.file("kitchen"),
    args: ["--join", hall.address],
  });
  for (let round = 0; round < 3; round++) {
    await hall.sees(["hall", "kitchen"]);
    kitchen.process.signal("SIGKILL");
    const next = TestNode.start({
      alias: "kitchen",
      dataDir: dir.file("kitchen"),
      args: ["--join", hall.address],
    });
    await kitchen[Symbol.asyncDispose]();
    kitchen = await next;
  }
  await hall.sees(["hall", "kitchen"]);
  await kitchen.sees(["hall", "kitchen"]);
  assert.equal((await hall.members("--all")).length, 2, "one node, however often it starts");
  // Datagrams go both ways again: only they tell round-trip times.
  for (const [node, other] of [[hall, "kitchen"], [kitchen, "hall"]] as const) {
    await waitFor(
      `${node.alias} has answers of ${other} by datagram`,
      async () => (await node.members()).find(({ alias }) => alias === other)?.rtt_ms !== null,
    );
  }
  await kitchen.stop();
});

Deno.test("a stopped process is called failed, and is back at once when it goes on", async () => {
  await using dir = await TempDir.make();
  await using hall = await TestNode.start({ alias: "hall", dataDir: dir.file("hall") });
  await using kitchen = await TestNode.start({
    alias: "kitchen",
    dataDir: dir.file("kitchen"),
    args: ["--join", hall.address],
  });
  await hall.sees(["hall", "kitchen"]);
  kitchen.process.signal("SIGSTOP");
  await hall.process.says(/kitchen \(\w+\) has failed/);
  await hall.run("reminder", "done", "cat-litter");
  kitchen.process.signal("SIGCONT");
  await hall.sees(["hall", "kitchen"]);
  await waitFor("it knows what it missed", async () => {
    const { reminders } = await kitchen.json("reminder", "status") as {
      reminders: { done_by: string | null }[];
    };
    return reminders[0]!.done_by === "hall";
  });
});

Deno.test("a banned node is turned away everywhere and for good, until it is let in again", async () => {
  await using dir = await TempDir.make();
  await using stack = new AsyncDisposableStack();
  const start = async (alias: string, ...join: readonly TestNode[]) =>
    stack.use(
      await TestNode.start({
        alias,
        dataDir: dir.file(alias),
        args: join.flatMap(({ address }) => ["--join", address]),
      }),
    );
  const hall = await start("hall");
  const kitchen = await start("kitchen", hall);
  const thief = await start("thief", hall);
  await hall.sees(["hall", "kitchen", "thief"]);
  await kitchen.sees(["hall", "kitchen", "thief"]);
  const banned = await hall.run("cluster", "ban", "thief");
  assert.equal(banned.code, 0);
  assert.match(banned.stdout, /is banned; /);
  await hall.sees(["hall", "kitchen"]);
  await kitchen.sees(["hall", "kitchen"]);
  await thief.process.says(/refuses this node: this node is banned here/);

  // Kept over restarts, and by those who were told.
  await kitchen.stop();
  const again = await start("kitchen", hall, thief);
  await again.sees(["hall", "kitchen"]);
  assert.match((await again.run("cluster", "bans")).stdout, /thief .* hall /);
  assert.equal((await hall.run("cluster", "ban", "hall")).code, 2);
  assert.equal((await hall.run("cluster", "ban", "nobody")).code, 2);

  const refused = again.process.stderr.split("refused thief").length - 1;
  assert.ok(refused <= 2, `told ${refused} times: it is dialled again and again`);
  const { stdout } = await again.run("cluster", "unban", (await thief.members())[0]!.id);
  assert.match(stdout, /may join again/);
  await thief.kill();
  const back = await start("thief", hall);
  await back.sees(["hall", "kitchen", "thief"]);
});

Deno.test("a host name that does not resolve is told once, and does no harm", async () => {
  await using dir = await TempDir.make();
  await using node = await TestNode.start({
    alias: "hall",
    dataDir: dir.file("hall"),
    args: ["--join", "no-such-host.invalid"],
  });
  await node.process.says(/no-such-host\.invalid:\d+: the host name does not resolve/, 15_000);
  await isServing(node);
  await node.stop();
});

Deno.test("a full disk: the press shows and spreads, done says that it is not saved, later it is", async () => {
  await using dir = await TempDir.make();
  const mount = new Deno.Command("mount", {
    args: ["-t", "tmpfs", "-o", "size=64k", "tmpfs", dir.path],
    stderr: "null",
  });
  if (!(await mount.output()).success) return skipped("mount");
  try {
    await using other = await TempDir.make();
    await using hall = await TestNode.start({ alias: "hall", dataDir: dir.file("hall") });
    await using kitchen = await TestNode.start({
      alias: "kitchen",
      dataDir: other.file("kitchen"),
      args: ["--join", hall.address],
    });
    await hall.sees(["hall", "kitchen"]);
    const filler = await Deno.open(dir.file("filler"), { write: true, create: true });
    try {
      for (;;) await filler.write(new Uint8Array(4096));
    } catch {
      filler.close();
    }
    const { code, stderr } = await hall.run("reminder", "done", "cat-litter");
    assert.equal(code, 1);
    assert.match(stderr, /cannot save .*reminder\.json: .*\n.*held in memory/);
    await waitFor("the other has it", async () => {
      const { reminders } = await kitchen.json("reminder", "status") as {
        reminders: { done_by: string | null }[];
      };
      return reminders[0]!.done_by === "hall";
    });
    assert.match((await hall.run("reminder", "status")).stderr, /not saved since/);
    await Deno.remove(dir.file("filler"));
    await hall.process.says(/can be saved again/, 15_000);
    assert.equal((await hall.run("reminder", "status")).stderr, "");
    await hall.stop();
  } finally {
    await new Deno.Command("umount", { args: [dir.path] }).output();
  }
});

function skipped(what: string): void {
  if (Deno.env.has("TOOLKIT_TEST_ALL")) throw new Error(`all tests are to run, but no ${what}`);
  // deno-lint-ignore no-console -- what is ignored is said
  console.log(`ignored: no permission to ${what}`);
}

Deno.test("a data dir that cannot be read says so", async () => {
  await using dir = await TempDir.make();
  await Deno.mkdir(dir.file("d"));
  await Deno.mkdir(`${dir.file("d")}/identity.key`);
  const { code, stderr } = await toolkit(["up", "--data-dir", dir.file("d"), "-P", "0"]);
  assert.equal(code, 1);
  assert.match(stderr, /cannot read .*identity\.key/);
});
