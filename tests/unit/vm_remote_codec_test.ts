/** What goes over the wire to remote users, without a network: lines, frames, sealed streams. */

import assert from "node:assert/strict";
import { concat, utf8 } from "../../cluster/bytes.ts";
import { MalformedError } from "../../cluster/errors.ts";
import { between, SeededRandom } from "../../cluster/random.ts";
import type { SessionInput } from "../../vm/repl/channel.ts";
import type { ByteStream } from "../../vm/remote/byte_stream.ts";
import {
  decodeFromServer,
  decodeInput,
  encodeEnded,
  encodeInput,
  encodeLines,
  encodeOutput,
  encodeWants,
  FrameReader,
  type FromServer,
  MAX_SERVER_FRAME_BYTES,
} from "../../vm/remote/frames.ts";
import { LineSplitter } from "../../vm/remote/line_splitter.ts";
import { acceptSealed, openSealed, pskOf, TokenError } from "../../vm/remote/sealed_stream.ts";
import {
  ATTACH_LINE,
  FramedWire,
  type Incoming,
  PlainWire,
  type Wire,
} from "../../vm/remote/wire.ts";

const random = new SeededRandom(11);
const randomBytes = (length: number) => Uint8Array.from({ length }, () => random.u32() & 0xff);
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

/** `bytes` in pieces of any size. */
function* pieces(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length;) {
    const next = at + between(random, 1, 40);
    yield bytes.subarray(at, next);
    at = next;
  }
}

// -- lines ----------------------------------------------------------------------------------------

Deno.test("remote lines: however the bytes are cut, the lines are the same", () => {
  const bytes = utf8("one\r\n\ntwo — zwei\n\r\nlast\r");
  for (let round = 0; round < 50; round++) {
    const splitter = new LineSplitter(100);
    const lines: string[] = [];
    for (const piece of pieces(bytes)) {
      splitter.push(piece);
      for (let line; (line = splitter.next()) !== undefined;) lines.push(line);
    }
    assert.deepEqual(lines, ["one", "", "two — zwei", ""]);
    assert.deepEqual([splitter.last(), splitter.last(), splitter.length], ["last", undefined, 0]);
  }
});

Deno.test("remote lines: one of the limit is taken, one byte more is too long", () => {
  const splitter = new LineSplitter(5);
  splitter.push(utf8("12345"));
  assert.equal(splitter.isTooLong, false);
  splitter.push(utf8("\n"));
  assert.equal(splitter.isTooLong, false);
  assert.equal(splitter.next(), "12345");
  splitter.push(utf8("123456"));
  assert.equal(splitter.isTooLong, true);
});

// -- wires ----------------------------------------------------------------------------------------

/** All that a wire gives while everything is wanted. */
function drain(wire: Wire, wanted: "ready" | "input" = "ready"): Incoming[] {
  const all: Incoming[] = [];
  for (let next; (next = wire.next(wanted)) !== undefined && next.type !== "hungUp";) {
    all.push(next);
  }
  return all;
}

const lineOf = (line: string): SessionInput => ({ type: "line", line });

Deno.test("plain wire: each line once, none with the one before it in front (B30)", () => {
  const wire = new PlainWire(100);
  wire.push(utf8("load $0 #5\n!registers\ninc $0\n"));
  assert.equal(wire.next(undefined), undefined, "nothing is taken before it is wanted");
  assert.deepEqual(drain(wire), [lineOf("load $0 #5"), lineOf("!registers"), lineOf("inc $0")]);
  assert.deepEqual(drain(wire), []);
});

Deno.test("plain wire: its end is noticed, after the lines before it (B31)", () => {
  const wire = new PlainWire(100);
  wire.push(utf8("one\ntwo"));
  wire.end();
  assert.deepEqual(wire.next("ready"), lineOf("one"));
  assert.deepEqual(wire.next("ready"), lineOf("two"));
  assert.equal(wire.next(undefined), undefined, "what runs is not disturbed");
  // For a program that reads it is the end of input, for the session that of the connection.
  assert.deepEqual(wire.next("input"), { type: "endOfInput" });
  assert.deepEqual(wire.next("ready"), { type: "hungUp" });
  assert.deepEqual(wire.next("path"), { type: "hungUp" });
});

const REQUESTS = [
  "GET / HTTP/1.1",
  "POST /x HTTP/1.0",
  "HEAD / HTTP/1.1",
  "PUT / HTTP/1.1",
  "DELETE / HTTP/1.1",
  "OPTIONS * HTTP/1.1",
  "PATCH / HTTP/2",
  "CONNECT 127.0.0.1:2244 HTTP/1.1",
  "TRACE / HTTP/1.1",
  "PRI * HTTP/2.0",
  "PROPFIND / HTTP/1.1",
  "GET /",
];

Deno.test("plain wire: HTTP requests of all methods, and first bytes that are no text, are refused", () => {
  for (const request of REQUESTS) {
    const wire = new PlainWire(1_000);
    wire.push(utf8(`${request}\r\nHost: x\r\n\r\n!quit\n`));
    assert.throws(() => wire.next("ready"), /HTTP request/, request);
  }
  // The greeting of TLS, in which a page may have lines of its own; and other programs' greetings.
  for (const bytes of [[0x16, 3, 1, 2, 0, 1], [0], [0x7f, 0x45, 0x4c, 0x46], [1, 2, 3]]) {
    const wire = new PlainWire(1_000);
    wire.push(concat(Uint8Array.from(bytes), utf8("\n!spawn x\n")));
    assert.throws(() => wire.next("ready"), MalformedError, bytes.join());
  }
  // What only looks like it: instructions, and what comes later.
  for (const line of ["get $0", "POST", "add $0 $0 $0", "\tnop ; – ü"]) {
    const wire = new PlainWire(1_000);
    wire.push(utf8(`${line}\nGET / HTTP/1.1\n`));
    assert.deepEqual(drain(wire), [lineOf(line), lineOf("GET / HTTP/1.1")]);
  }
});

Deno.test("plain wire: lines beyond the limit end it, wherever they stand", () => {
  const at = (limit: number, ...parts: readonly string[]) => () => {
    const wire = new PlainWire(limit);
    const lines: Incoming[] = [];
    for (const part of parts) {
      wire.push(utf8(part));
      lines.push(...drain(wire));
    }
    return lines;
  };
  const [five, six] = ["x".repeat(5), "x".repeat(6)];
  assert.deepEqual(at(5, `${five}\n${five}`, "\n")(), [lineOf(five), lineOf(five)]);
  for (
    const parts of [[six], [`${six}\n`], [`a\n${six}`], [`a\n${six}\nb\n`], ["a\nxxx", "xxx"], [
      `${five}\n${five}\nb\n${six}\n`,
    ]]
  ) {
    assert.throws(at(5, ...parts), /a line of more than 5 bytes/, parts.join("|"));
  }
});

Deno.test("plain wire: whoever sends much waits, and is never left waiting for ever", () => {
  for (let round = 0; round < 300; round++) {
    const wire = new PlainWire(20);
    const lines = Array.from({ length: 30 }, () => "x".repeat(between(random, 0, 20)));
    const stream = [...pieces(utf8(lines.map((line) => `${line}\n`).join("")))];
    const got: string[] = [];
    while (got.length < lines.length) {
      if (!wire.isFull && stream.length > 0) wire.push(stream.shift()!);
      const next = wire.next(random.u32() % 3 === 0 ? undefined : "ready");
      if (next?.type === "line") got.push(next.line);
      else assert.ok(!wire.isFull || next === undefined);
    }
    assert.deepEqual(got, lines);
  }
});

Deno.test("plain wire: a first line of toolkit's own turns it into frames, a later one does not", () => {
  const wire = new PlainWire(100);
  wire.push(utf8(`${ATTACH_LINE}\n`));
  wire.push(encodeInput(lineOf("behind")));
  assert.equal(wire.next("ready"), undefined);
  assert.deepEqual(wire.successor()?.next("ready"), lineOf("behind"));
  const other = new PlainWire(100);
  other.push(utf8(`nop\n${ATTACH_LINE}\n`));
  assert.equal(drain(other).length, 2);
  assert.equal(other.successor(), undefined);
});

Deno.test("framed wire: a line of the limit passes, however it is cut; one byte more does not", () => {
  for (let round = 0; round < 300; round++) {
    const wire = new FramedWire(64);
    const lines = ["x".repeat(64), "", "y".repeat(63), "z".repeat(64), "end"];
    const stream = [...pieces(concat(...lines.map((line) => encodeInput(lineOf(line)))))];
    const got: Incoming[] = [];
    while (got.length < lines.length) {
      // As the server does: what is full is not read from.
      assert.ok(!wire.isFull || wire.next(undefined) === undefined);
      const next = wire.next("ready");
      if (next !== undefined) got.push(next);
      else if (wire.isFull) assert.fail("it is full, and gives nothing");
      else wire.push(stream.shift()!);
    }
    assert.deepEqual(got, lines.map(lineOf));
  }
  const wire = new FramedWire(64);
  wire.push(encodeInput(lineOf("x".repeat(65))));
  assert.throws(() => wire.next("ready"), MalformedError);
});

Deno.test("framed wire: Ctrl-C overtakes lines that are not wanted yet, and they are dropped", () => {
  const wire = new FramedWire(100);
  wire.push(concat(encodeInput(lineOf("one")), encodeInput(lineOf("two"))));
  assert.deepEqual(wire.next("ready"), lineOf("one"));
  assert.equal(wire.next(undefined), undefined);
  wire.push(encodeInput({ type: "interrupt" }));
  assert.deepEqual(wire.next(undefined), { type: "interrupt" });
  assert.equal(wire.next("ready"), undefined);
  wire.push(encodeInput({ type: "endOfInput" }));
  assert.deepEqual(wire.next("input"), { type: "endOfInput" });
  wire.end();
  assert.deepEqual(wire.next(undefined), { type: "hungUp" });
});

// -- frames ---------------------------------------------------------------------------------------

const INPUTS: readonly SessionInput[] = [
  lineOf(""),
  lineOf("prts @x ; — ü"),
  { type: "endOfInput" },
  { type: "interrupt" },
];

const MESSAGES: readonly FromServer[] = [
  { type: "output", bytes: Uint8Array.of(0, 255, 10) },
  { type: "wants", kind: "ready", prompt: ">>> " },
  { type: "wants", kind: "input", prompt: "", labels: [] },
  { type: "wants", kind: "path", prompt: "?", labels: [{ name: "a", section: "code" }] },
  { type: "lines", bytes: utf8("a\nü\n") },
  { type: "ended", reason: undefined },
  { type: "ended", reason: "why" },
];

function encode(message: FromServer): Uint8Array {
  switch (message.type) {
    case "output":
      return concat(...encodeOutput(message.bytes));
    case "wants":
      return encodeWants(message);
    case "lines":
      return concat(...encodeLines(message.bytes));
    case "ended":
      return encodeEnded(message.reason);
  }
}

Deno.test("remote frames: all messages there and back, however they are cut", () => {
  const reader = new FrameReader(1_000);
  const inputs: SessionInput[] = [];
  for (const piece of pieces(concat(...INPUTS.map(encodeInput)))) {
    reader.push(piece);
    for (let frame; (frame = reader.next()) !== undefined;) {
      inputs.push(decodeInput(frame.kind, frame.body));
    }
  }
  assert.deepEqual(inputs, INPUTS);
  const messages: FromServer[] = [];
  for (const piece of pieces(concat(...MESSAGES.map(encode)))) {
    reader.push(piece);
    for (let frame; (frame = reader.next()) !== undefined;) {
      messages.push(decodeFromServer(frame.kind, frame.body));
    }
  }
  assert.deepEqual(messages, MESSAGES);
  assert.equal(reader.length, 0);
});

Deno.test("remote frames: long output is cut into pieces that a client takes", () => {
  const bytes = randomBytes(200_000);
  const frames = encodeOutput(bytes);
  assert.ok(frames.length > 1 && frames.every(({ length }) => length < MAX_SERVER_FRAME_BYTES));
  assert.deepEqual(concat(...frames.map((frame) => frame.subarray(5))), bytes);
  assert.deepEqual(encodeOutput(new Uint8Array()), []);
});

Deno.test("remote frames: a length beyond the limit is refused before anything is kept (B39)", () => {
  for (const header of [[0, 0, 0, 0], [0xff, 0xff, 0xff, 0xff], [0x65, 0, 0, 0]]) {
    const reader = new FrameReader(100);
    reader.push(Uint8Array.from([...header, 1]));
    assert.throws(() => reader.next(), MalformedError);
  }
});

Deno.test("remote frames: any bytes give messages or a MalformedError, and nothing is kept of them", () => {
  const good = [...INPUTS.map(encodeInput), ...MESSAGES.map(encode)];
  for (let round = 0; round < 5_000; round++) {
    const bytes = round % 2 === 0
      ? randomBytes(between(random, 0, 60))
      : good[random.u32() % good.length]!.slice();
    for (let left = between(random, 0, 3); left > 0 && bytes.length > 0; left--) {
      bytes[random.u32() % bytes.length] = random.u32() & 0xff;
    }
    for (const decode of [decodeInput, decodeFromServer]) {
      const reader = new FrameReader(1_000);
      onlyMalformed(() => {
        for (const piece of pieces(bytes)) {
          reader.push(piece);
          for (let frame; (frame = reader.next()) !== undefined;) decode(frame.kind, frame.body);
        }
      });
      assert.ok(reader.length <= 1_004);
    }
    for (const kind of [1, 16, 17, 18, 19, 99]) {
      onlyMalformed(() => decodeFromServer(kind, bytes));
      onlyMalformed(() => decodeInput(kind, bytes));
    }
    for (const wire of [new PlainWire(50), new FramedWire(50)]) {
      onlyMalformed(() => {
        for (const piece of pieces(bytes)) {
          wire.push(piece);
          drain(wire, "input");
        }
        wire.end();
        assert.ok(wire.next("ready")?.type !== undefined || wire instanceof PlainWire);
      });
    }
  }
});

function onlyMalformed(run: () => void): void {
  try {
    run();
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
  }
}

Deno.test("remote frames: JSON of any shape is refused, or of the right one", () => {
  const bodies = [
    "null",
    "1",
    '"x"',
    "[]",
    "{}",
    "[1]",
    '{"kind":"ready"}',
    '{"kind":"x","prompt":""}',
    '{"kind":"ready","prompt":"","labels":{}}',
    '{"kind":"ready","prompt":"","labels":[null]}',
    '{"kind":"ready","prompt":"","labels":[{"name":1,"section":"code"}]}',
    '{"__proto__":{"kind":"ready","prompt":""}}',
    "{",
    "",
  ];
  for (const body of bodies) {
    assert.throws(() => decodeFromServer(17, utf8(body)), MalformedError, body);
  }
  assert.deepEqual(decodeFromServer(19, utf8('{"reason":5}')), {
    type: "ended",
    reason: undefined,
  });
  assert.throws(() => decodeInput(1, Uint8Array.of(0xff)), MalformedError, "no UTF-8");
});

// -- sealed streams -------------------------------------------------------------------------------

/** One direction of a connection in memory; `change` is somebody in between. */
class Pipe {
  readonly #waiting: Uint8Array[] = [];
  #ended = false;
  #wake: (() => void) | undefined;
  change: (bytes: Uint8Array) => readonly Uint8Array[] = (bytes) => [bytes];

  async read(): Promise<Uint8Array | null> {
    for (;;) {
      const next = this.#waiting.shift();
      if (next !== undefined) return next;
      if (this.#ended) return null;
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
  }

  write(bytes: Uint8Array): Promise<void> {
    this.#waiting.push(...this.change(bytes));
    this.#wake?.();
    return Promise.resolve();
  }

  end(): void {
    this.#ended = true;
    this.#wake?.();
  }
}

function connection() {
  const [toServer, toClient] = [new Pipe(), new Pipe()];
  const close = () => [toServer, toClient].forEach((pipe) => pipe.end());
  const side = (from: Pipe, to: Pipe): ByteStream => ({
    read: () => from.read(),
    write: (bytes) => to.write(bytes),
    close,
  });
  const [server, client] = [side(toServer, toClient), side(toClient, toServer)];
  return { server, client, toServer, toClient };
}

const PSK = pskOf(utf8("a token"));
const NONE = new Uint8Array();

/** Both sides after a handshake that went well. */
async function sealedPair() {
  const { server, client, toServer, toClient } = connection();
  const [accepted, opened] = await Promise.all([
    acceptSealed(server, PSK),
    openSealed(client, PSK, NONE),
  ]);
  return { accepted, opened, toServer, toClient };
}

async function readBytes(stream: ByteStream, count: number): Promise<Uint8Array> {
  let all = new Uint8Array();
  while (all.length < count) {
    const next = await stream.read();
    if (next === null) break;
    all = concat(all, next) as Uint8Array<ArrayBuffer>;
  }
  return all;
}

Deno.test("sealed stream: with the right token bytes go both ways, and not in the clear", async () => {
  const { accepted, opened, toServer } = await sealedPair();
  const seen: Uint8Array[] = [];
  toServer.change = (bytes) => {
    seen.push(bytes.slice());
    return [...pieces(bytes)];
  };
  const long = randomBytes(100_000);
  await opened.write(utf8("!registers"));
  await opened.write(long);
  assert.equal(text(await readBytes(accepted, 10)), "!registers");
  assert.deepEqual(await readBytes(accepted, long.length), long);
  assert.ok(!text(concat(...seen)).includes("!registers"));
  await accepted.write(utf8("answer"));
  assert.equal(text(await readBytes(opened, 6)), "answer");
  opened.close();
  assert.equal(await accepted.read(), null);
});

Deno.test("sealed stream: another token is refused, and both sides learn why", async () => {
  const { server, client } = connection();
  const accepted = acceptSealed(server, PSK).finally(() => server.close());
  const opened = openSealed(client, pskOf(utf8("another")), NONE);
  await assert.rejects(accepted, TokenError);
  await assert.rejects(opened, TokenError);
  assert.notDeepEqual(pskOf(utf8("a token")), utf8("a token"), "a key of this use only");
});

Deno.test("sealed stream: what is changed, repeated, left out or cut off is never taken", async () => {
  const attacks: Record<string, (bytes: Uint8Array) => Uint8Array[]> = {
    tampered: (bytes) => [bytes.map((byte, i) => i === bytes.length - 1 ? byte ^ 1 : byte)],
    "with another length": (bytes) => [bytes.map((byte, i) => i === 1 ? byte - 1 : byte)],
    replayed: (bytes) => [bytes, bytes],
    empty: (bytes) => [Uint8Array.of(0, 0), bytes],
    foreign: () => [concat(Uint8Array.of(0, 40), randomBytes(40))],
  };
  for (const [name, attack] of Object.entries(attacks)) {
    const { accepted, opened, toServer } = await sealedPair();
    toServer.change = attack;
    await opened.write(utf8("one"));
    toServer.change = (bytes) => [bytes];
    await opened.write(utf8("two"));
    const got: string[] = [];
    await assert.rejects(
      async () => {
        for (;;) got.push(text((await accepted.read())!));
      },
      MalformedError,
      name,
    );
    assert.deepEqual(got, name === "replayed" ? ["one"] : [], name);
  }
  const { accepted, opened, toServer } = await sealedPair();
  toServer.change = (bytes) => [bytes.subarray(0, bytes.length - 1)];
  await opened.write(utf8("one"));
  opened.close();
  assert.equal(await accepted.read(), null, "half a message is none");
  const dropped = await sealedPair();
  dropped.toServer.change = () => [];
  await dropped.opened.write(utf8("one"));
  dropped.toServer.change = (bytes) => [bytes];
  await dropped.opened.write(utf8("two"));
  await assert.rejects(dropped.accepted.read(), MalformedError);
});

Deno.test("sealed stream: any bytes instead of a handshake are refused", async () => {
  for (let round = 0; round < 200; round++) {
    const { server, client, toServer } = connection();
    const accepted = acceptSealed(server, PSK);
    // Real ones with a byte changed, and noise.
    toServer.change = (bytes) => {
      if (round % 2 === 0) return [randomBytes(between(random, 0, 200))];
      const changed = bytes.slice();
      changed[2 + random.u32() % (bytes.length - 2)]! ^= 1 + random.u32() % 255;
      return [changed];
    };
    const opened = openSealed(client, PSK, NONE).catch(() => {});
    queueMicrotask(() => toServer.end());
    await assert.rejects(accepted, MalformedError);
    server.close();
    await opened;
  }
});
