import assert from "node:assert/strict";
import { ByteWriter } from "../../cluster/bytes.ts";
import { MalformedError } from "../../cluster/errors.ts";
import { between, SeededRandom } from "../../cluster/random.ts";
import {
  ANSWER_LATE_MS,
  ASK_AFTER_MS,
  BULK_WINDOW_BYTES,
  type ChannelSpec,
  MAX_FRAME_PLAINTEXT_BYTES,
  Mux,
  QUEUE_LIMIT_BYTES,
} from "../../cluster/transport/mux.ts";

const CONTROL: ChannelSpec = { name: "control", priority: "control", maxMessageBytes: 1_000 };
const SMALL: ChannelSpec = { name: "small", priority: "small", maxMessageBytes: 100_000 };
const BULK: ChannelSpec = { name: "bulk", priority: "bulk", maxMessageBytes: 20_000_000 };
const BULK_2: ChannelSpec = { name: "bulk2", priority: "bulk", maxMessageBytes: 20_000_000 };
const CHANNELS = [CONTROL, SMALL, BULK, BULK_2];
const NAMES = CHANNELS.map(({ name }) => name);

function connected(channels: readonly ChannelSpec[] = CHANNELS): Mux {
  const mux = new Mux(channels, () => {});
  mux.setRemoteChannels(NAMES);
  return mux;
}

/** The next frame's plaintext, or undefined if there is nothing to send. */
function frameOf(mux: Mux): Uint8Array | undefined {
  if (!mux.hasOutput) return undefined;
  const writer = new ByteWriter();
  mux.nextFrame(writer);
  assert.ok(writer.length > 0, "what has output fills a frame");
  assert.ok(writer.length <= MAX_FRAME_PLAINTEXT_BYTES, `a frame of ${writer.length} bytes`);
  return writer.bytes.slice();
}

interface Received {
  readonly channel: string;
  readonly bytes: Uint8Array;
}

/** Moves all frames both ways until nothing is left. */
function pump(from: Mux, to: Mux, received: Received[] = []): Received[] {
  for (;;) {
    const frame = frameOf(from);
    if (frame !== undefined) {
      to.receiveFrame(frame, ({ name }, bytes) => {
        received.push({ channel: name, bytes: bytes.slice() });
      });
    }
    const back = frameOf(to);
    if (back !== undefined) from.receiveFrame(back, () => {});
    if (frame === undefined && back === undefined) return received;
  }
}

function filled(length: number, value: number): Uint8Array {
  return new Uint8Array(length).fill(value);
}

Deno.test("Mux carries messages of every size, whole and in order", () => {
  const random = new SeededRandom(1);
  const [a, b] = [connected(), connected()];
  const sent = Array.from({ length: 60 }, (_, index) => {
    const channel = CHANNELS[between(random, 0, 3)]!;
    const size = between(random, 0, Math.min(channel.maxMessageBytes, 70_000));
    return { channel: channel.name, bytes: filled(size, index) };
  });
  for (const { channel, bytes } of sent) assert.equal(a.send(0, channel, bytes), true);
  const received = pump(a, b);
  for (const channel of NAMES) {
    const of = (messages: readonly Received[]) =>
      messages.filter((message) => message.channel === channel)
        .map(({ bytes }) => `${bytes[0]} × ${bytes.length}`);
    assert.deepEqual(of(received), of(sent), channel);
  }
  assert.equal(a.totalQueuedBytes, 0);
});

Deno.test("Mux puts small messages that wait together into one frame", () => {
  const mux = connected();
  for (let i = 0; i < 20; i++) mux.send(0, "small", filled(100, i));
  frameOf(mux);
  assert.equal(mux.hasOutput, false);
});

Deno.test("Mux sends control before small before bulk, even in the middle of a message", () => {
  const [a, b] = [connected(), connected()];
  const order: string[] = [];
  const take = () => {
    const frame = frameOf(a);
    if (frame !== undefined) b.receiveFrame(frame, ({ name }) => void order.push(name));
  };
  a.send(0, "bulk", filled(60_000, 1));
  take();
  a.send(0, "small", filled(10, 2));
  a.send(0, "control", filled(10, 3));
  while (a.hasOutput) take();
  assert.deepEqual(order, ["control", "small", "bulk"]);
});

Deno.test("Mux lets two bulk channels take turns", () => {
  const [a, b] = [connected(), connected()];
  a.send(0, "bulk", filled(5_000_000, 1));
  a.send(0, "bulk2", filled(50_000, 2));
  const received = pump(a, b);
  assert.deepEqual(received.map(({ channel }) => channel), ["bulk2", "bulk"]);
});

Deno.test("Mux has at most one credit window of bulk under way", () => {
  const [a, b] = [connected(), connected()];
  a.send(0, "bulk", filled(16 * 1024 * 1024, 1));
  let underWay = 0;
  let frame: Uint8Array | undefined;
  while ((frame = frameOf(a)) !== undefined) underWay += frame.length;
  assert.ok(underWay >= BULK_WINDOW_BYTES - 64 && underWay < BULK_WINDOW_BYTES * 1.02);
  // Control goes on meanwhile.
  a.send(0, "control", filled(10, 2));
  assert.deepEqual(pump(a, b).map(({ channel }) => channel), ["control"]);
});

Deno.test("Mux gives bulk credit back only when a slow receiver has taken the message", async () => {
  let woken = 0;
  const a = connected();
  const b = new Mux(CHANNELS, () => woken++);
  b.setRemoteChannels(NAMES);
  const taken = Promise.withResolvers<void>();
  for (let i = 0; i < 20; i++) a.send(0, "bulk", filled(60_000, i));
  let delivered = 0;
  for (let frame = frameOf(a); frame !== undefined; frame = frameOf(a)) {
    b.receiveFrame(frame, () => {
      delivered++;
      return taken.promise;
    });
    const back = frameOf(b);
    if (back !== undefined) a.receiveFrame(back, () => {});
  }
  // The first message's parts gave credit back before it was whole; then the window filled up.
  assert.ok(delivered >= 4 && delivered <= 6, `${delivered} of 20 came`);
  assert.ok(a.totalQueuedBytes > 0, "the window is full while nothing was taken");
  taken.resolve();
  await new Promise((resolve) => setTimeout(resolve));
  assert.ok(woken > 0, "there is credit to send");
  const rest = pump(a, b);
  assert.equal(delivered + rest.length, 20);
});

Deno.test("Mux says no when a queue is full, and takes more when it has shrunk", () => {
  const mux = connected();
  const message = filled(100_000, 1);
  let taken = 0;
  while (mux.send(0, "small", message)) taken++;
  assert.equal(taken, Math.floor(QUEUE_LIMIT_BYTES.small / message.length));
  assert.equal(mux.send(0, "control", filled(10, 2)), true, "other queues have room");
  for (let i = 0; i < 20; i++) frameOf(mux);
  assert.equal(mux.send(0, "small", message), true);
});

Deno.test("Mux skips channels that it does not know and goes on", () => {
  const a = connected();
  const b = new Mux([CONTROL, SMALL], () => {});
  b.setRemoteChannels(NAMES);
  a.send(0, "bulk", filled(600_000, 1));
  a.send(0, "small", filled(10, 2));
  const received: string[] = [];
  for (let round = 0; round < 1000 && a.totalQueuedBytes > 0; round++) {
    const frame = frameOf(a);
    if (frame !== undefined) b.receiveFrame(frame, ({ name }) => void received.push(name));
    const back = frameOf(b);
    if (back !== undefined) a.receiveFrame(back, () => {});
  }
  assert.deepEqual(received, ["small"]);
  assert.equal(a.totalQueuedBytes, 0, "credit comes back for what is skipped");
  assert.equal(b.remoteHas("bulk"), false);
});

Deno.test("Mux numbers channels as the other side does", () => {
  const a = new Mux([CONTROL, BULK, SMALL], () => {});
  const b = connected();
  b.setRemoteChannels(["control", "bulk", "small"]);
  a.send(0, "small", filled(10, 1));
  assert.deepEqual(pump(a, b).map(({ channel }) => channel), ["small"]);
});

Deno.test("Mux asks when nothing has come back for a while, and gives up when no answer comes", () => {
  const [a, b] = [connected(), connected()];
  assert.equal(a.deadline(), Infinity, "an idle link is left alone");
  a.send(100, "small", filled(10, 1));
  b.receiveFrame(frameOf(a)!, () => {});
  assert.equal(a.deadline(), 100 + ASK_AFTER_MS);
  assert.equal(a.tick(100 + ASK_AFTER_MS), true);
  const ask = frameOf(a)!;
  b.receiveFrame(ask, () => {});
  const answer = frameOf(b)!;

  // Answered in time: idle again.
  a.receiveFrame(answer, () => {});
  assert.equal(a.deadline(), Infinity);
  assert.equal(b.deadline(), Infinity, "an answer asks for no answer");

  // Not answered: dead.
  a.send(5_000, "small", filled(10, 1));
  frameOf(a);
  assert.equal(a.tick(5_000 + ASK_AFTER_MS), true);
  frameOf(a);
  assert.equal(a.tick(5_000 + ASK_AFTER_MS + ANSWER_LATE_MS - 1), true);
  assert.equal(a.tick(5_000 + ASK_AFTER_MS + ANSWER_LATE_MS), false);
});

Deno.test("Mux gives an answer its time from when it asked: the process may have stood still", () => {
  const mux = connected();
  mux.send(0, "small", filled(10, 1));
  frameOf(mux);
  assert.equal(mux.tick(10_000), true);
  assert.equal(mux.deadline(), 10_000 + ANSWER_LATE_MS);
  assert.equal(mux.tick(10_001), true);
  assert.equal(mux.tick(10_000 + ANSWER_LATE_MS), false);
});

Deno.test("Mux says goodbye after everything else", () => {
  const [a, b] = [connected(), connected()];
  a.send(0, "bulk", filled(600_000, 1));
  a.sendGoodbye();
  let goodbyeBeforeTheEnd = false;
  const received = [];
  while (!b.heardGoodbye) {
    const frame = frameOf(a);
    if (frame !== undefined) b.receiveFrame(frame, ({ name }) => void received.push(name));
    if (b.heardGoodbye && received.length === 0) goodbyeBeforeTheEnd = true;
    const back = frameOf(b);
    if (back !== undefined) a.receiveFrame(back, () => {});
  }
  assert.equal(goodbyeBeforeTheEnd, false);
  assert.equal(received.length, 1);
  assert.equal(a.hasOutput, false);
});

Deno.test("Mux refuses parts that do not fit together, and lengths beyond the channel's", () => {
  const DATA = 0;
  const [FIRST, LAST] = [0x10, 0x20];
  const part = (flags: number, channel: number, total: number | undefined, body: number) => {
    const inner = new ByteWriter().varint(channel);
    if (total !== undefined) inner.varint(total);
    inner.raw(filled(body, 1));
    return new ByteWriter().u8(DATA | flags).varint(inner.length).raw(inner.bytes).bytes;
  };
  const cases: readonly (readonly [string, readonly Uint8Array[]])[] = [
    ["a middle without a beginning", [part(0, 1, undefined, 5)]],
    ["two beginnings", [part(FIRST, 1, 100, 5), part(FIRST, 1, 100, 5)]],
    ["more than announced", [part(FIRST, 1, 10, 5), part(0, 1, undefined, 6)]],
    ["an end too early", [part(FIRST, 1, 100, 5), part(LAST, 1, undefined, 5)]],
    ["an end too late", [part(FIRST, 1, 10, 5), part(0, 1, undefined, 5)]],
    ["a huge length", [part(FIRST, 1, 0xffff_ffff, 5)]],
    ["one byte too long", [part(FIRST | LAST, 0, undefined, CONTROL.maxMessageBytes + 1)]],
    ["more credit than was used", [new Uint8Array([1, 1, 100])]],
    ["a length beyond the frame", [new Uint8Array([0, 50, 1])]],
  ];
  for (const [name, frames] of cases) {
    const mux = connected();
    assert.throws(
      () => frames.forEach((frame) => mux.receiveFrame(frame, () => {})),
      MalformedError,
      name,
    );
  }
});

Deno.test("Mux answers random frames with an error or takes them, and stays within its memory", () => {
  const random = new SeededRandom(2);
  for (let round = 0; round < 20_000; round++) {
    const mux = connected();
    const frame = Uint8Array.from({ length: between(random, 0, 40) }, () => random.u32() & 0xff);
    try {
      mux.receiveFrame(frame, () => {});
    } catch (error) {
      assert.ok(error instanceof MalformedError, String(error));
    }
  }
});

Deno.test("a channel counts once, however often the other side names it", () => {
  const a = connected();
  const b = new Mux(CHANNELS, () => {});
  b.setRemoteChannels(["small", "small", "bulk"]);
  a.send(0, "small", filled(10, 1));
  const received: string[] = [];
  // The sender numbers small 1, which is the second naming here.
  b.receiveFrame(frameOf(a)!, ({ name }) => void received.push(name));
  assert.deepEqual(received, []);
});
