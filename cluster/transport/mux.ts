/**
 * Many channels over one link, as a core without I/O: messages in, frames out, and back.
 *
 * A frame's plaintext is a row of records. A record is a head byte (kind in the low four bits, flags
 * above), the body's length as varint, and the body; unknown kinds are skipped, so that a newer
 * version may add some. Messages are cut into parts; each frame is filled by priority, control
 * first, bulk last, round robin among the channels of one priority. Bulk has a credit window per
 * link: what a slow receiver or a thin wire has not taken yet never stands in front of a probe.
 */

import { ByteReader, type ByteWriter } from "../bytes.ts";
import { assert, MalformedError } from "../errors.ts";
import { Fifo } from "../fifo.ts";
import { TAG_BYTES } from "./noise.ts";

/** One Noise message on the wire, tag included, its length prefix not. */
export const MAX_FRAME_BYTES = 16 * 1024;
export const MAX_FRAME_PLAINTEXT_BYTES = MAX_FRAME_BYTES - TAG_BYTES;

/** Bulk bytes that may be under way, sent and not yet taken by the other side. */
export const BULK_WINDOW_BYTES = 256 * 1024;
/** Credit is given back in pieces of at least this, not for every part. */
const CREDIT_STEP_BYTES = BULK_WINDOW_BYTES / 4;

/** After this long without hearing anything in answer, the link is asked whether it lives. */
export const ASK_AFTER_MS = 1_000;
/** An answer owed on the link that is this late ends it. */
export const ANSWER_LATE_MS = 2_000;

export type Priority = "control" | "small" | "bulk";
const PRIORITIES: readonly Priority[] = ["control", "small", "bulk"];

/** Bytes that may wait to be sent per priority; beyond, `send` says no and the sender must wait. */
export const QUEUE_LIMIT_BYTES: Readonly<Record<Priority, number>> = {
  control: 4 * 1024 * 1024,
  small: 4 * 1024 * 1024,
  bulk: 64 * 1024 * 1024,
};

/** A named stream of messages, the same on all links. */
export interface ChannelSpec {
  readonly name: string;
  readonly priority: Priority;
  /** Longer messages are refused on both sides. */
  readonly maxMessageBytes: number;
}

const Kind = { data: 0, credit: 1, ask: 2, answer: 3, goodbye: 4 } as const;
const KIND_MASK = 0x0f;
const FIRST_FLAG = 0x10;
const LAST_FLAG = 0x20;
const BULK_FLAG = 0x40;

/** Head, length (3), channel (2), total (5): what a part costs beside its bytes, at most. */
const PART_OVERHEAD_BYTES = 11;
/** A part smaller than this is not worth beginning at the end of a frame. */
const MIN_PART_BYTES = 64;

interface Outgoing {
  readonly bytes: Uint8Array;
  sent: number;
}

interface OutgoingChannel {
  readonly index: number;
  readonly spec: ChannelSpec;
  readonly queue: Fifo<Outgoing>;
}

interface Incoming {
  readonly whole: Uint8Array;
  received: number;
}

/** A whole message came in. A promise holds back its channel's bulk credit until it is settled. */
export type Deliver = (channel: ChannelSpec, bytes: Uint8Array) => void | Promise<void>;

export class Mux {
  readonly #byName = new Map<string, OutgoingChannel>();
  /** Per priority, the channels that have something to send, in turn. */
  readonly #ready: Record<Priority, OutgoingChannel[]> = { control: [], small: [], bulk: [] };
  readonly #queuedBytes: Record<Priority, number> = { control: 0, small: 0, bulk: 0 };
  /** The other side's channels by its numbering; undefined where we do not know the name. */
  #remote: readonly (ChannelSpec | undefined)[] = [];
  readonly #incoming = new Map<number, Incoming>();
  readonly #outputReady: () => void;
  /** Credit for channels whose receivers are still busy with messages that they got. */
  readonly #heldCredit = new Map<number, { byteCount: number; deliveries: number }>();
  #windowBytes = BULK_WINDOW_BYTES;
  #creditOwedBytes = 0;
  #askDue = false;
  #answerDue = false;
  #goodbyeDue = false;
  #saidGoodbye = false;
  #heardGoodbye = false;
  /** When we first sent something that has found no echo yet. */
  #owedSince: number | undefined;
  #askedAt: number | undefined;

  /**
   * `channels` are numbered by their order, which the other side learns from our hello.
   * `outputReady` is called when there is something to send that no call from outside caused.
   */
  constructor(channels: readonly ChannelSpec[], outputReady: () => void) {
    this.#outputReady = outputReady;
    channels.forEach((spec, index) => {
      this.#byName.set(spec.name, { index, spec, queue: new Fifo() });
    });
    // Until hellos have been exchanged only the first channel, the node's own, can be used.
    this.#remote = channels.slice(0, 1);
  }

  /** Takes over the other side's numbering; names unknown here are skipped when they come. */
  setRemoteChannels(names: readonly string[]): void {
    // A name counts once: each channel may have one unfinished message, which bounds what is held.
    this.#remote = names.map((name, index) =>
      names.indexOf(name) === index ? this.#byName.get(name)?.spec : undefined
    );
  }

  /** Whether the other side announced this channel. */
  remoteHas(name: string): boolean {
    return this.#remote.some((spec) => spec?.name === name);
  }

  /**
   * Queues a message. False if it is longer than the channel takes, or the queue of its priority is
   * full: nothing was taken then. The bytes are kept, not copied.
   */
  send(now: number, channelName: string, bytes: Uint8Array): boolean {
    const channel = this.#byName.get(channelName);
    assert(channel !== undefined, `no channel ${channelName}`);
    const { priority, maxMessageBytes } = channel.spec;
    if (bytes.length > maxMessageBytes) return false;
    if (this.#queuedBytes[priority] + bytes.length > QUEUE_LIMIT_BYTES[priority]) return false;
    this.#queuedBytes[priority] += bytes.length;
    channel.queue.push({ bytes, sent: 0 });
    if (channel.queue.length === 1) this.#ready[priority].push(channel);
    this.#owedSince ??= now;
    return true;
  }

  /** Bytes of messages, of all priorities, that no frame has taken yet. */
  get totalQueuedBytes(): number {
    const { control, small, bulk } = this.#queuedBytes;
    return control + small + bulk;
  }

  /** After everything queued, tells the other side that nothing more will come. */
  sendGoodbye(): void {
    if (this.#saidGoodbye) return;
    this.#saidGoodbye = true;
    this.#goodbyeDue = true;
  }

  /** Whether the other side said that nothing more will come. */
  get heardGoodbye(): boolean {
    return this.#heardGoodbye;
  }

  get hasOutput(): boolean {
    const ready = this.#ready;
    return this.#askDue || this.#answerDue || this.#creditOwedBytes >= CREDIT_STEP_BYTES ||
      ready.control.length > 0 || ready.small.length > 0 ||
      (ready.bulk.length > 0 ? this.#windowBytes >= MIN_PART_BYTES : this.#goodbyeDue);
  }

  /** Writes the plaintext of the next frame: nothing, if there is nothing to send. */
  nextFrame(writer: ByteWriter): void {
    if (this.#askDue) writer.u8(Kind.ask).varint(0);
    if (this.#answerDue) writer.u8(Kind.answer).varint(0);
    this.#askDue = this.#answerDue = false;
    if (this.#creditOwedBytes >= CREDIT_STEP_BYTES) {
      writer.u8(Kind.credit).varint(varintBytes(this.#creditOwedBytes)).varint(
        this.#creditOwedBytes,
      );
      this.#creditOwedBytes = 0;
    }
    for (const priority of PRIORITIES) {
      while (this.#ready[priority].length > 0 && this.#writePart(writer, priority)) { /* next */ }
    }
    const nothingWaits = PRIORITIES.every((priority) => this.#ready[priority].length === 0);
    if (this.#goodbyeDue && nothingWaits && writer.length + 2 <= MAX_FRAME_PLAINTEXT_BYTES) {
      writer.u8(Kind.goodbye).varint(0);
      this.#goodbyeDue = false;
    }
  }

  /** Takes in one frame's plaintext. Throws {@link MalformedError}: the link is then to be closed. */
  receiveFrame(frame: Uint8Array, deliver: Deliver): void {
    this.#owedSince = undefined;
    this.#askedAt = undefined;
    const reader = new ByteReader(frame);
    while (reader.remaining > 0) {
      const head = reader.u8();
      const body = reader.raw(reader.varint());
      switch (head & KIND_MASK) {
        case Kind.data:
          this.#receivePart(head, body, deliver);
          break;
        case Kind.credit:
          this.#receiveCredit(new ByteReader(body).varint());
          break;
        case Kind.ask:
          this.#answerDue = true;
          break;
        case Kind.goodbye:
          this.#heardGoodbye = true;
          break;
        default: // an answer has done its work by coming; unknown kinds are for later versions
      }
    }
  }

  /** When {@link tick} wants to be called next. */
  deadline(): number {
    if (this.#owedSince === undefined) return Infinity;
    // From when it was asked: this process may have stood still before.
    if (this.#askedAt !== undefined) return this.#askedAt + ANSWER_LATE_MS;
    return this.#owedSince + ASK_AFTER_MS;
  }

  /** False when an answer owed on this link is too late: it is dead and is to be closed. */
  tick(now: number): boolean {
    if (now < this.deadline()) return true;
    if (this.#askedAt !== undefined) return false;
    this.#askedAt = now;
    this.#askDue = true;
    return true;
  }

  /** Writes a part of the next message of that priority; false if it does not fit this frame. */
  #writePart(writer: ByteWriter, priority: Priority): boolean {
    const channel = this.#ready[priority][0]!;
    const message = channel.queue.peek()!;
    const left = message.bytes.length - message.sent;
    const room = MAX_FRAME_PLAINTEXT_BYTES - writer.length - PART_OVERHEAD_BYTES;
    const allowed = priority === "bulk" ? Math.min(room, this.#windowBytes) : room;
    if (room < 0 || allowed < Math.min(left, MIN_PART_BYTES)) return false;

    const count = Math.min(left, allowed);
    const first = message.sent === 0;
    const last = count === left;
    const totalBytes = first && !last ? varintBytes(message.bytes.length) : 0;
    writer
      .u8(
        Kind.data | (first ? FIRST_FLAG : 0) | (last ? LAST_FLAG : 0) |
          (priority === "bulk" ? BULK_FLAG : 0),
      )
      .varint(varintBytes(channel.index) + totalBytes + count)
      .varint(channel.index);
    if (totalBytes > 0) writer.varint(message.bytes.length);
    writer.raw(message.bytes.subarray(message.sent, message.sent + count));
    message.sent += count;
    this.#queuedBytes[priority] -= count;
    if (priority === "bulk") this.#windowBytes -= count;

    // To the back of the row, so that one long message does not hold up its neighbours.
    this.#ready[priority].shift();
    if (last) channel.queue.shift();
    if (channel.queue.length > 0) this.#ready[priority].push(channel);
    return true;
  }

  #receivePart(head: number, body: Uint8Array, deliver: Deliver): void {
    const reader = new ByteReader(body);
    const number = reader.varint();
    const spec = this.#remote[number];
    const first = (head & FIRST_FLAG) !== 0;
    const last = (head & LAST_FLAG) !== 0;
    const total = first && !last ? reader.varint() : undefined;
    const bytes = reader.raw(reader.remaining);
    let settled: void | Promise<void> = undefined;
    if (spec !== undefined) {
      const message = this.#assemble(number, spec, first, last, total, bytes);
      if (message !== undefined) settled = deliver(spec, message);
    }
    if ((head & BULK_FLAG) !== 0) this.#owe(number, bytes.length, settled);
  }

  /** Owes credit for bulk bytes: at once, or when their channel's receiver has done with what it has. */
  #owe(number: number, byteCount: number, settled: void | Promise<void>): void {
    const held = this.#heldCredit.get(number) ?? { byteCount: 0, deliveries: 0 };
    if (settled !== undefined) {
      held.deliveries++;
      this.#heldCredit.set(number, held);
      const release = () => {
        if (--held.deliveries > 0) return;
        this.#creditOwedBytes += held.byteCount;
        this.#heldCredit.delete(number);
        this.#outputReady();
      };
      settled.then(release, release);
    }
    if (held.deliveries > 0) held.byteCount += byteCount;
    else this.#creditOwedBytes += byteCount;
  }

  #assemble(
    number: number,
    spec: ChannelSpec,
    first: boolean,
    last: boolean,
    total: number | undefined,
    bytes: Uint8Array,
  ): Uint8Array | undefined {
    const begun = this.#incoming.get(number);
    if (first === (begun !== undefined)) {
      throw new MalformedError(`parts of ${spec.name} out of order`);
    }
    if (first && last) {
      if (bytes.length > spec.maxMessageBytes) throw tooLong(spec, bytes.length);
      return bytes;
    }
    let message = begun;
    if (message === undefined) {
      if (total === undefined || total > spec.maxMessageBytes) throw tooLong(spec, total ?? 0);
      message = { whole: new Uint8Array(total), received: 0 };
      this.#incoming.set(number, message);
    }
    const received = message.received + bytes.length;
    if (received > message.whole.length || last !== (received === message.whole.length)) {
      throw new MalformedError(`parts of ${spec.name} do not add up`);
    }
    message.whole.set(bytes, message.received);
    message.received = received;
    if (!last) return undefined;
    this.#incoming.delete(number);
    return message.whole;
  }

  #receiveCredit(bytes: number): void {
    this.#windowBytes += bytes;
    if (this.#windowBytes > BULK_WINDOW_BYTES) {
      throw new MalformedError("more credit than was used");
    }
  }
}

function varintBytes(value: number): number {
  let bytes = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes++;
  return bytes;
}

function tooLong(spec: ChannelSpec, bytes: number): MalformedError {
  return new MalformedError(
    `message of ${bytes} bytes on ${spec.name}, which takes ${spec.maxMessageBytes}`,
  );
}
