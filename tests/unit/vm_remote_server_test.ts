/** The server for remote users, on loopback: what they can do, and what they cannot do to it. */

import assert from "node:assert/strict";
import { concat, utf8 } from "../../cluster/bytes.ts";
import { MalformedError, Problem } from "../../cluster/errors.ts";
import { generateKeyPair } from "../../cluster/identity.ts";
import { between, SeededRandom } from "../../cluster/random.ts";
import { Handshake } from "../../cluster/transport/noise.ts";
import { readerBelow } from "../../vm/commands/program_files.ts";
import { RemoteSession } from "../../vm/remote/client.ts";
import { RemoteServer } from "../../vm/remote/server.ts";
import { pskOf, SEALED_GREETING } from "../../vm/remote/sealed_stream.ts";
import { TempDir } from "../support/toolkit.ts";
import { PROGRAMS } from "../support/vm_jobs.ts";
import { TestServer, TestUser } from "../support/vm_remote.ts";
import { waitFor } from "../support/wait.ts";

const BANNER = "Welcome to Iridium! Let's be productive!\n>>> ";
const LOOP = "eq $0 $0 again: inc $1 djmpe @again";
const PRINTER = "eq $0 $0 again: prti $0 djmpe @again";
const TOKEN = utf8("a token for tests");
const random = new SeededRandom(5);
const randomBytes = (length: number) => Uint8Array.from({ length }, () => random.u32() & 0xff);

/** A session as it should be, whatever has happened before. */
async function worksAsEver(server: TestServer): Promise<void> {
  using user = await server.connect();
  await user.hears(/>>> $/);
  assert.equal(user.text, BANNER);
  assert.equal(await user.asks("load $0 #6 mul $0 $0 $0 prti $0"), "36\n");
  user.forget();
  await user.send("!quit\n");
  await user.isHungUpOn();
  assert.equal(user.text, "Farewell! Have a great day!\n");
}

Deno.test("remote: each line is run once, and answered with a prompt (B30)", async () => {
  using server = new TestServer();
  using user = await server.greeted();
  assert.equal(await user.asks("load $0 #5"), "");
  assert.equal(await user.asks("inc $0"), "");
  assert.equal(await user.asks("prti $0"), "6\n");
  assert.match(await user.asks("!nope"), /^Invalid command!/);
  // Not the command again, and not all lines so far.
  assert.equal(await user.asks("prti $0"), "6\n");
  assert.equal(await user.asks(""), "");
  assert.match(await user.asks("bogus"), /^input:1:1: error\[UnknownMnemonic\]/);
});

Deno.test("remote: what a program prints goes to its user, and to nobody else (B34)", async () => {
  using server = new TestServer({
    readFile: () => Promise.resolve(utf8(PROGRAMS.hello)),
  });
  using one = await server.greeted();
  using two = await server.greeted();
  assert.match(await one.asks("!load_file x"), /^hello\nstopped with code 0/);
  one.forget();
  await one.send("!spawn x\n");
  await one.hears(
    /program 1 \(x\) started\n[^]*\[1\] hello\n[^]*program 1 \(x\) has ended:\n.* Start\n.* GracefulStop, code 0\n[^]*>>> /,
  );
  assert.match(await two.asks("!registers"), /^ {2}\$0 /);
  assert.ok(!two.text.includes("hello"));
  assert.ok(!server.log.join("\n").includes("hello"));
});

Deno.test("remote: users have a machine each", async () => {
  using server = new TestServer();
  using one = await server.greeted();
  using two = await server.greeted();
  await one.asks("load $0 #5");
  assert.equal(await two.asks("prti $0"), "0\n");
  assert.equal(await one.asks("prti $0"), "5\n");
});

Deno.test("remote: !quit ends the session, and not the server (B32)", async () => {
  using server = new TestServer();
  using other = await server.greeted();
  await worksAsEver(server);
  await worksAsEver(server);
  assert.equal(await other.asks("prti $0"), "0\n");
});

// With all that it has opened, its timers too.
const SANITIZED = { sanitizeOps: true, sanitizeResources: true } as const;

Deno.test(
  "remote: the end of a connection ends its session and its programs (B31)",
  SANITIZED,
  async () => {
    using server = new TestServer({
      limits: { unreadBytes: 4_096 },
      readFile: () => Promise.resolve(utf8(PROGRAMS.loop)),
    });
    {
      using user = await server.greeted();
      assert.match(await user.asks("!spawn x"), /program 1 \(x\) started/);
      await user.asks("!spawn x");
      assert.equal(server.workshop.background.count, 2);
    }
    await server.isQuiet();
    // In the middle of its output, in the middle of a line, and in the middle of a read.
    for (const line of [`${PRINTER}\n`, "load $0", "load $1 #9 getl $0 $1 $2\n"]) {
      using user = await server.greeted();
      await user.send(line);
      if (line.startsWith("eq")) await user.hears(/000/);
      user[Symbol.dispose]();
      await server.isQuiet();
    }
    await worksAsEver(server);
  },
);

Deno.test("remote: whoever has said all hears all before the end, as from a pipe", async () => {
  using server = new TestServer();
  using user = await server.connect();
  await user.send("load $0 #7\nprti $0\ninc $0\nload $3 #9 getl $1 $3 $2\nprti $2");
  await user.endOfInput();
  await user.isHungUpOn();
  // The line after GETL is what it reads.
  assert.equal(user.text, `${BANNER}>>> 7\n>>> >>> >>> `);
});

Deno.test("remote: a burst of many lines is all run, in order", async () => {
  using server = new TestServer({ limits: { lineBytes: 1_024 } });
  using user = await server.connect();
  await user.send(`${"inc $0\n".repeat(1_000)}prti $0\n`);
  await user.hears(/1000\n>>> $/);
});

Deno.test("remote: HTTP requests, and whatever is no text, are disconnected and logged", async () => {
  using server = new TestServer();
  for (const method of ["GET", "POST", "PUT", "HEAD", "OPTIONS", "DELETE", "PATCH", "CONNECT"]) {
    using user = await server.connect();
    await user.send(`${method} / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\nload $0 #9 prti $0\r\n`);
    await user.isHungUpOn();
    assert.ok(!user.text.includes("9"), user.text);
  }
  assert.match(server.log.join("\n"), /from 127\.0\.0\.1 was turned away: an HTTP request/);
  for (const bytes of ["\x16\x03\x01\x02\n!spawn x\n", "\0\0\0\0\n", "\x7fELF\n"]) {
    using user = await server.connect();
    await user.send(bytes);
    await user.isHungUpOn();
  }
  assert.match(server.log.join("\n"), /turned away: bytes that are no text/);
  const told = server.log.filter((line) => line.includes("turned away"));
  assert.equal(told.length, 2, "each is told once in a while");
  await worksAsEver(server);
});

Deno.test("remote: a line of the limit is taken; a longer one ends the session, which is told", async () => {
  using server = new TestServer({ limits: { lineBytes: 1_024 } });
  using user = await server.greeted();
  await user.asks(`load $0 #7 ;${"x".repeat(1_024 - 12)}`);
  assert.equal(await user.asks("prti $0"), "7\n");
  await user.send(`prti $0 ;${"x".repeat(1_024)}\n`);
  await user.hears(/a line of more than 1024 bytes\n$/);
  await user.isHungUpOn();
  using endless = await server.greeted();
  await endless.send("x".repeat(100_000)).catch(() => {});
  await endless.isHungUpOn();
  await server.isQuiet();
  await worksAsEver(server);
});

Deno.test("remote: so many sessions at a time; one more is told so, and comes when one has gone", async () => {
  using server = new TestServer({ limits: { sessions: 3 } });
  const users: TestUser[] = [];
  try {
    for (let i = 0; i < 3; i++) users.push(await server.connect());
    for (const user of users) await user.hears(/>>> $/);
    for (let i = 0; i < 12; i++) {
      using more = await server.connect();
      await more.isHungUpOn();
      assert.equal(more.text, "\n3 sessions are open already; try again later\n");
    }
    const address = { host: "127.0.0.1", port: server.server.port };
    await assert.rejects(RemoteSession.open(address, undefined), (error) => {
      assert.ok(error instanceof Problem);
      assert.match(error.message, /it hung up: 3 sessions are open already; try again later/);
      return true;
    });
    assert.equal(await users[2]!.asks("prti $0"), "0\n");
  } finally {
    for (const user of users) user[Symbol.dispose]();
  }
  await server.isQuiet();
  await worksAsEver(server);
});

Deno.test("remote: whoever says nothing for too long is told so and let go, with his programs", async () => {
  using server = new TestServer({
    limits: { idleMs: 300 },
    readFile: () => Promise.resolve(utf8(PROGRAMS.loop)),
  });
  using user = await server.connect();
  await user.send("!spawn x\n");
  await user.hears(/started/);
  await user.hears(/nothing was said for 0 s\n$/);
  await user.isHungUpOn();
  await server.isQuiet();
});

Deno.test("remote: whoever never reads parks his program; then he is let go", async () => {
  const printer = `.data\nx: .asciiz '${"x".repeat(8_000)}'\n.code\neq $0 $0\na: prts @x\ndjmpe @a`;
  using server = new TestServer({
    limits: { idleMs: 700, unreadBytes: 16_384 },
    readFile: () => Promise.resolve(utf8(printer)),
  });
  using user = await TestUser.connect(server.server.port, false);
  await user.send("!load_file x\n");
  const status = async () => [...(await server.workshop.pool.status()).values()][0];
  // What the kernel takes is not what waits here.
  let used = 0;
  let times = 0;
  await waitFor("it is parked for good", async () => {
    const { state, instructions = 0 } = await status() ?? {};
    times = state === "parked" && instructions === used ? times + 1 : 0;
    used = instructions;
    return times === 8;
  });
  await worksAsEver(server);
  assert.equal((await status())?.instructions, used, "it stands still");
  await server.isQuiet();
  assert.match(server.log.join("\n"), /is gone: nothing was said/);
});

Deno.test("remote: a line may use so much fuel, and the next as much again", async () => {
  using server = new TestServer({ limits: { remoteFuel: 100_000 } });
  using user = await server.greeted();
  assert.match(await user.asks(LOOP), /trap 9: fuel limit[^]*100000 units of fuel/);
  assert.match(await user.asks("!continue"), /trap 9/);
  assert.equal(await user.asks("load $0 #3 prti $0"), "3\n");
});

Deno.test("remote: heap and stack have the limits of the host", async () => {
  using server = new TestServer({ limits: { machine: { memoryBytes: 1_000, stackWords: 2 } } });
  using user = await server.greeted();
  assert.equal(await user.asks("load $0 #936 aloc $0 push $0 push $0"), "");
  assert.match(await user.asks("load $0 #1 aloc $0"), /trap 8/);
  assert.match(await user.asks("push $0"), /trap 3/);
});

Deno.test("remote: programs in the background are limited, and the error says how to go on", async () => {
  let text: string = PROGRAMS.loop;
  using server = new TestServer({
    limits: { backgroundPrograms: 6, sessions: 2, images: 2 },
    readFile: () => Promise.resolve(utf8(text)),
  });
  using user = await server.greeted();
  await user.asks("!spawn a");
  text += "nop\n";
  await user.asks("!spawn b");
  text += "nop\n";
  assert.match(
    await user.asks("!spawn c"),
    /^2 different programs run in the background already\n {2}try: end some: !kill PID/,
  );
  text = PROGRAMS.loop;
  await user.asks("!spawn a");
  assert.match(
    await user.asks("!spawn a"),
    /^3 programs of yours run in the background already\n {2}try:/,
  );
  assert.match(await user.asks("!ps"), /^PID .*\n1 +running .* a\n2 .* b\n3 .* a\n$/s);
  await user.send("!kill 2\n");
  await user.hears(/program 2 \(b\) has ended:\n.* Start\n.* Crash, code 10 \(killed\) at b:\d/);
  using other = await server.greeted();
  assert.equal(await other.asks("!ps"), "no programs run in the background\n");
  assert.equal(await other.asks("!kill 1"), "no program 1 runs; !ps lists them\n");
  assert.match(await user.asks("!spawn a"), /program 4 \(a\) started/);
});

Deno.test("remote: the cluster can be looked at, and not led elsewhere (B47)", async () => {
  using server = new TestServer();
  using user = await server.greeted();
  assert.equal(await user.asks("!cluster_members"), "a member\n");
  assert.match(await user.asks("!join_cluster"), /^usage: !join_cluster HOST \[PORT\]/);
  assert.match(await user.asks("!join_cluster 127.0.0.1 1"), /^that is not for remote users\n/);
  assert.match(await user.asks("!start_cluster"), /^that is not for remote users\n/);
});

Deno.test("remote: files are off, or those below a folder, and nothing else (B33)", async () => {
  using off = new TestServer();
  using user = await off.greeted();
  for (const command of ["!load_file", "!spawn"]) {
    assert.match(await user.asks(`${command} /etc/passwd`), /^files are off for remote users\n/);
  }
  await using dir = await TempDir.make();
  const root = dir.file("root");
  await Deno.mkdir(`${root}/sub`, { recursive: true });
  await Deno.mkdir(dir.file("root-too"));
  await Deno.writeTextFile(`${root}/sub/ok.iasm`, PROGRAMS.hello);
  await Deno.writeTextFile(dir.file("secret"), PROGRAMS.hello);
  await Deno.writeTextFile(dir.file("root-too/secret"), PROGRAMS.hello);
  await Deno.symlink(dir.file("secret"), `${root}/link`);
  await Deno.symlink(dir.path, `${root}/up`);
  await Deno.symlink("sub/ok.iasm", `${root}/inside`);
  await Deno.symlink("/dev/zero", `${root}/zero`);
  const fifo = await new Deno.Command("mkfifo", { args: [`${root}/pipe`] }).output();
  assert.ok(fifo.success);
  const listener = Deno.listen({ transport: "unix", path: `${root}/socket` });
  const read = readerBelow(root);
  try {
    for (const path of ["sub/ok.iasm", "/sub/ok.iasm", "./sub/../sub/ok.iasm", "inside"]) {
      assert.equal(new TextDecoder().decode(await read(path)), PROGRAMS.hello, path);
    }
    const outside = [
      dir.file("secret"),
      "/etc/passwd",
      "../secret",
      "sub/../../secret",
      "../root-too/secret",
      "link",
      "up/secret",
      "zero",
      "/dev/zero",
      "pipe",
      "socket",
      "sub",
      ".",
      "..",
      "",
      "none",
      "sub/ok.iasm/",
      "sub/ok.iasm\0",
      "x".repeat(10_000),
    ];
    for (const path of outside) {
      // All say the same, whether there is something or not.
      await assert.rejects(read(path), (error) => {
        assert.ok(error instanceof Problem, path);
        assert.equal(error.message, `there is no program ${path}`);
        return true;
      });
    }
    await assert.rejects(readerBelow(dir.file("none"))("x"), Problem);
  } finally {
    listener.close();
  }
  using below = new TestServer({ readFile: read });
  using other = await below.greeted();
  assert.match(await other.asks("!load_file sub/ok.iasm"), /^hello\n/);
  assert.match(await other.asks("!spawn ../secret"), /^there is no program \.\.\/secret\n/);
});

Deno.test("remote: a program spawned by somebody who has gone meanwhile does not stay", async () => {
  const reading = Promise.withResolvers<void>();
  const file = Promise.withResolvers<Uint8Array>();
  using server = new TestServer({
    readFile: () => {
      reading.resolve();
      return file.promise;
    },
  });
  const session = await RemoteSession.open(
    { host: "127.0.0.1", port: server.server.port },
    undefined,
  );
  await session.send({ type: "line", line: "!spawn slow" });
  await reading.promise;
  session.close();
  await waitFor("the user is gone", () => server.server.sessions === 0);
  const { background } = server.workshop;
  const spawn = background.spawn.bind(background);
  let spawned = 0;
  background.spawn = (...options) => {
    spawned++;
    return spawn(...options);
  };
  file.resolve(utf8(PROGRAMS.loop));
  await waitFor("it has been started", () => spawned === 1);
  await server.isQuiet();
});

Deno.test("remote: random bytes, broken connections and half a handshake harm nobody", async () => {
  using plain = new TestServer({ limits: { lineBytes: 1_024 } });
  using sealed = new TestServer({ token: TOKEN, limits: { lineBytes: 1_024 } });
  for (const server of [plain, sealed]) {
    const users: TestUser[] = [];
    for (let round = 0; round < 60; round++) {
      const user = await server.connect();
      users.push(user);
      const bytes = randomBytes(between(random, 0, 3_000));
      await user.send(bytes).catch(() => {});
      if (round % 3 === 0) user[Symbol.dispose]();
      if (round % 3 === 1) await user.endOfInput().catch(() => {});
    }
    for (const user of users) user[Symbol.dispose]();
    await server.isQuiet();
    assert.ok(server.log.length < 500);
  }
  await worksAsEver(plain);
  await talksSealed(sealed);
});

/** A session over a sealed connection. */
async function talksSealed({ server }: TestServer): Promise<void> {
  const session = await RemoteSession.open({ host: "127.0.0.1", port: server.port }, TOKEN);
  let text = "";
  const until = async (pattern: RegExp) => {
    while (!pattern.test(text)) {
      const message = await session.next();
      assert.ok(message !== undefined && message.type !== "ended", text);
      if (message.type === "output") text += new TextDecoder().decode(message.bytes);
      else if (message.type === "wants") text += `<${message.kind}>`;
    }
  };
  try {
    await until(/<ready>$/);
    await session.send({ type: "line", line: "load $0 #6 mul $0 $0 $0 prti $0" });
    await until(/36\n<ready>$/);
    await session.send({ type: "line", line: LOOP });
    await session.send({ type: "interrupt" });
    await until(/interrupted at [^]*<ready>$/);
    await session.send({ type: "line", line: "!quit" });
    for (;;) {
      const message = await session.next();
      assert.ok(message !== undefined);
      if (message.type !== "ended") continue;
      assert.equal(message.reason, undefined);
      break;
    }
  } finally {
    session.close();
  }
}

Deno.test("remote: with a token all is sealed; without the right one nobody gets in", async () => {
  using server = new TestServer({ token: TOKEN });
  await talksSealed(server);
  const address = { host: "127.0.0.1", port: server.server.port };
  for (
    const [token, expected] of [
      [utf8("another token"), /it has another token/],
      [undefined, /wants a token/],
    ] as const
  ) {
    await assert.rejects(RemoteSession.open(address, token), (error) => {
      assert.ok(error instanceof Problem && !(error instanceof MalformedError));
      assert.match(error.message, expected);
      return true;
    });
  }
  using user = await server.connect();
  await user.send("!registers\nprti $0\n");
  await user.hears(/\n$/);
  assert.equal(user.text, SEALED_GREETING);
  await talksSealed(server);
  assert.match(server.log.join("\n"), /turned away: it has another token, or none/);
});

Deno.test("remote: a recorded handshake opens no session and takes no place", async () => {
  using server = new TestServer({ token: TOKEN, limits: { sessions: 2 } });
  const message = new Handshake({
    pattern: "NNpsk0",
    initiator: true,
    prologue: utf8(SEALED_GREETING),
    ephemeralKey: generateKeyPair(),
    psk: pskOf(TOKEN),
  }).write(new Uint8Array());
  const recorded = concat(Uint8Array.of(0, message.length), message);
  const replays: TestUser[] = [];
  try {
    for (let i = 0; i < 8; i++) {
      const user = await server.connect();
      replays.push(user);
      await user.hears(/\n$/);
      await user.send(recorded);
      // The server has answered: for whoever has the token that would be the end of the handshake.
      await waitFor("an answer", () => user.text.length > SEALED_GREETING.length);
    }
    assert.equal(server.server.sessions, 0);
    await talksSealed(server);
  } finally {
    for (const user of replays) user[Symbol.dispose]();
  }
});

Deno.test("remote: a flood of interrupts is one interrupt, and the session goes on", async () => {
  using server = new TestServer({ limits: { remoteFuel: 100_000_000_000 } });
  const address = { host: "127.0.0.1", port: server.server.port };
  const session = await RemoteSession.open(address, undefined);
  const lines: string[] = [];
  const ready = async () => {
    for (;;) {
      const message = await session.next();
      assert.ok(message !== undefined);
      if (message.type === "output") lines.push(new TextDecoder().decode(message.bytes));
      if (message.type === "wants" && message.kind === "ready") return;
    }
  };
  await ready();
  for (let round = 0; round < 3; round++) {
    for (let i = 0; i < 2_000; i++) void session.send({ type: "interrupt" });
    await session.send({ type: "line", line: "eq $0 $0 x: djmpe @x" });
    for (let i = 0; i < 2_000; i++) void session.send({ type: "interrupt" });
    await ready();
  }
  await session.send({ type: "line", line: "load $1 #41 inc $1 prti $1" });
  await ready();
  assert.match(lines.join(""), /42\n?$/);
  assert.equal(lines.join("").match(/interrupted at/g)?.length, 3);
  session.close();
  await server.isQuiet();
});

Deno.test("remote: handshakes that nobody goes on with are limited, and keep no place", async () => {
  using server = new TestServer({ token: TOKEN });
  const users: TestUser[] = [];
  try {
    for (let i = 0; i < 32; i++) users.push(await server.connect());
    for (const user of users) await user.hears(/\n$/);
    using more = await server.connect();
    await more.isHungUpOn();
    assert.equal(more.text, "");
    assert.equal(server.server.sessions, 0);
    users.pop()![Symbol.dispose]();
    await waitFor(
      "there is a place again",
      () => talksSealed(server).then(() => true, () => false),
    );
  } finally {
    for (const user of users) user[Symbol.dispose]();
  }
});

Deno.test("remote: a client without a token where one is wanted, and the other way round, is told", async () => {
  using server = new TestServer();
  const address = { host: "127.0.0.1", port: server.server.port };
  await assert.rejects(RemoteSession.open(address, TOKEN), /does not seal its sessions/);
  const session = await RemoteSession.open(address, undefined);
  const greeting = await session.next();
  assert.ok(greeting?.type === "output");
  assert.match(new TextDecoder().decode(greeting.bytes), /^Welcome to Iridium!.*\n$/);
  const message = await session.next();
  assert.ok(message?.type === "wants" && message.kind === "ready");
  session.close();
  await server.isQuiet();
});

Deno.test("remote: a client is safe from what is no server", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const address = { host: "127.0.0.1", port: listener.addr.port };
  const sayings = [
    utf8("HTTP/1.1 400 Bad Request\r\n\r\n"),
    utf8("SSH-2.0-x\r\n"),
    new Uint8Array(100_000),
    utf8(SEALED_GREETING.slice(0, 10)),
    new Uint8Array(),
    randomBytes(5_000),
  ];
  const serving = (async () => {
    for (const saying of sayings) {
      using connection = await listener.accept();
      await connection.write(saying);
    }
  })();
  for (const _ of sayings) {
    await assert.rejects(RemoteSession.open(address, undefined), (error) => {
      assert.ok(error instanceof Problem);
      assert.equal(error.exitCode, 3);
      return true;
    });
  }
  await serving;
  listener.close();
  await assert.rejects(RemoteSession.open(address, undefined), /nobody listens there/);
});

Deno.test("remote: without a token only loopback is served, and a port that is taken is told", () => {
  using server = new TestServer();
  const { workshop } = server;
  const log = { debug() {}, info() {}, warn() {}, error() {} };
  const answer = () => Promise.reject(new Error("nobody asks"));
  const options = { port: 0, token: undefined, workshop, log, answer };
  for (const host of ["0.0.0.0", "::", "192.0.2.1", "127.0.0.1.example"]) {
    assert.throws(() => RemoteServer.start({ ...options, host }), (error) => {
      assert.ok(error instanceof Problem);
      assert.match(error.message, /refusing remote users on .* without a token/);
      assert.match(error.hint!, /vm token/);
      return true;
    });
  }
  const { port } = server.server;
  assert.throws(() => RemoteServer.start({ ...options, host: "127.0.0.1", port }), (error) => {
    assert.ok(error instanceof Problem);
    assert.match(error.message, new RegExp(`cannot listen on 127\\.0\\.0\\.1:${port}`));
    assert.match(error.hint!, /-p PORT/);
    return true;
  });
});
