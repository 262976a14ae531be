import assert from "node:assert/strict";
import { textOf } from "../../cluster/bytes.ts";
import {
  ControlServer,
  type ControlStream,
  MAX_CONNECTIONS,
  MAX_REQUEST_BYTES,
} from "../../cluster/control.ts";
import { Problem } from "../../cluster/errors.ts";
import { NO_LOG } from "../../cluster/log.ts";
import { TempDir } from "../support/toolkit.ts";
import { waitFor } from "../support/wait.ts";

class Served implements AsyncDisposable {
  private constructor(
    readonly path: string,
    readonly dir: TempDir,
    readonly server: ControlServer,
    readonly streams: ControlStream[],
  ) {}

  static async start(): Promise<Served> {
    const dir = await TempDir.make();
    const path = dir.file("control.sock");
    const streams: ControlStream[] = [];
    const server = await ControlServer.start({
      path,
      log: NO_LOG,
      methods: {
        echo: (params) => params,
        slow: async () => {
          await new Promise((resolve) => setTimeout(resolve, 20));
          return "done";
        },
        refuse: () => {
          throw new Problem("no", { hint: "try yes", exitCode: 3 });
        },
        fail: () => {
          throw new TypeError("a bug");
        },
        watch: async (_params, stream) => {
          streams.push(stream);
          stream.emit(1);
          stream.emit(2);
          await stream.closed;
          return null;
        },
      },
    });
    return new Served(path, dir, server, streams);
  }

  connect(): Promise<Deno.UnixConn> {
    return Deno.connect({ transport: "unix", path: this.path });
  }

  /** Sends text and gives all that comes until the server closes. */
  async ask(text: string): Promise<string> {
    const connection = await this.connect();
    await connection.write(new TextEncoder().encode(text));
    return await new Response(connection.readable).text();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.server.close();
    await this.dir[Symbol.asyncDispose]();
  }
}

Deno.test("ControlServer answers a request with its result, soon or late", async () => {
  await using served = await Served.start();
  assert.equal(
    await served.ask('{"method":"echo","params":{"a":[1,"x"]}}\n'),
    '{"result":{"a":[1,"x"]}}\n',
  );
  assert.equal(await served.ask('{"method":"slow"}\n'), '{"result":"done"}\n');
});

Deno.test("ControlServer hands problems over, and calls a bug a bug", async () => {
  await using served = await Served.start();
  assert.deepEqual(JSON.parse(await served.ask('{"method":"refuse"}\n')), {
    error: { message: "no", hint: "try yes", exitCode: 3 },
  });
  const { error } = JSON.parse(await served.ask('{"method":"fail"}\n'));
  assert.match(error.message, /fault in the node: a bug/);
  assert.equal(error.exitCode, 1);
});

Deno.test("ControlServer refuses what is no request, or one that it does not know", async () => {
  await using served = await Served.start();
  for (const text of ["hello\n", "3\n", "[]\n", '{"params":{}}\n', "\n"]) {
    assert.match(await served.ask(text), /not a JSON object with a method/, text);
  }
  // Nothing that every object has is a method.
  for (const method of ["nothing", "toString", "__proto__", "constructor"]) {
    assert.match(await served.ask(`{"method":"${method}"}\n`), /knows no request/, method);
  }
});

Deno.test("ControlServer reads no request without an end", async () => {
  await using served = await Served.start();
  const connection = await served.connect();
  const chunk = new TextEncoder().encode("x".repeat(8192));
  await assert.rejects(async () => {
    for (let sent = 0; sent < 4 * MAX_REQUEST_BYTES; sent += chunk.length) {
      await connection.write(chunk);
    }
  });
  connection.close();
  assert.match(await served.ask('{"method":"echo"}\n'), /result/, "it goes on serving");
});

Deno.test("ControlServer streams events until the other side goes", async () => {
  await using served = await Served.start();
  const connection = await served.connect();
  await connection.write(new TextEncoder().encode('{"method":"watch"}\n'));
  const buffer = new Uint8Array(100);
  let text = "";
  while (!text.includes('{"event":2}')) {
    text += new TextDecoder().decode(buffer.subarray(0, await connection.read(buffer) ?? 0));
  }
  assert.equal(text, '{"event":1}\n{"event":2}\n');
  connection.close();
  await served.streams[0]!.closed;
  assert.equal(served.streams[0]!.emit(3), false);
});

Deno.test("ControlServer cuts off a stream whose reader does not read", async () => {
  await using served = await Served.start();
  const connection = await served.connect();
  await connection.write(new TextEncoder().encode('{"method":"watch"}\n'));
  const stream = await waitFor("the stream is there", () => served.streams[0]);
  const text = "x".repeat(10_000);
  await waitFor("the reader is cut off", async () => {
    for (let i = 0; i < 100; i++) if (!stream.emit(text)) return true;
    await Promise.resolve();
    return false;
  });
  connection.close();
});

Deno.test("ControlServer serves a limited number at a time", async () => {
  await using served = await Served.start();
  const idle = [];
  for (let i = 0; i < MAX_CONNECTIONS; i++) idle.push(await served.connect());
  await waitFor("one more is turned away", async () => {
    const one = await served.connect();
    const said = new Uint8Array(200);
    const told = await Promise.race([
      one.read(said).then(() => textOf(said).includes("too many"), () => false),
      new Promise<false>((resolve) => setTimeout(resolve, 50, false)),
    ]);
    one.close();
    return told;
  });
  for (const connection of idle) connection.close();
  await waitFor("there is room again", async () => {
    try {
      return (await served.ask('{"method":"echo"}\n')).includes("result");
    } catch {
      return false;
    }
  });
});

Deno.test("ControlServer removes its socket, which only its owner may open", async () => {
  const served = await Served.start();
  assert.equal(((await Deno.stat(served.path)).mode ?? 0) & 0o777, 0o600);
  served.server.close();
  await assert.rejects(Deno.stat(served.path), Deno.errors.NotFound);
  await served.dir[Symbol.asyncDispose]();
});

Deno.test("ControlServer takes the place of a socket that a killed node left", async () => {
  await using dir = await TempDir.make();
  const path = dir.file("control.sock");
  const left = Deno.listen({ transport: "unix", path });
  const server = await ControlServer.start({ path, log: NO_LOG, methods: {} });
  server.close();
  left.close();
});
