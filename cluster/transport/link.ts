/**
 * One established link: a connection, its two cipher states and the mux, driven. A frame on the wire
 * is its length in two bytes and one Noise message.
 */

import { type HostPort, normaliseHost } from "../address.ts";
import { ByteWriter } from "../bytes.ts";
import { MalformedError, messageOf } from "../errors.ts";
import { writeAll } from "../files.ts";
import type { NodeId } from "../ids.ts";
import type { SecureSession } from "./handshake.ts";
import { type ChannelSpec, type Deliver, MAX_FRAME_BYTES, Mux } from "./mux.ts";
import { TAG_BYTES } from "./noise.ts";

const LENGTH_BYTES = 2;
/** Frames sealed into one write; small enough that a probe never waits long behind it. */
const WRITE_BUFFER_BYTES = 4 * (MAX_FRAME_BYTES + LENGTH_BYTES);
const READ_BUFFER_BYTES = 4 * (MAX_FRAME_BYTES + LENGTH_BYTES);
/** A link that is being drained is closed after this long, whatever the other side does. */
const DRAIN_LIMIT_MS = 2_000;

/** Why a link ended. */
export type LinkEnd =
  | { readonly kind: "closed"; readonly reason: string }
  /** The other side closed it, orderly or by dying. */
  | { readonly kind: "eof" }
  | { readonly kind: "late" }
  | { readonly kind: "error"; readonly reason: string };

export interface LinkHandlers {
  message: Deliver;
  ended(end: LinkEnd): void;
}

export class Link {
  readonly remoteId: NodeId;
  readonly version: number;
  readonly #connection: Deno.TcpConn;
  readonly #session: SecureSession;
  readonly #handlers: LinkHandlers;
  readonly #mux: Mux;
  readonly #plaintext = new ByteWriter(MAX_FRAME_BYTES);
  readonly #sealed = new Uint8Array(WRITE_BUFFER_BYTES);
  #writing = false;
  #ended = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #closeWhenDrained: string | undefined;
  /** Counted for status and for the bench. */
  bytesSent = 0;
  bytesReceived = 0;

  constructor(
    connection: Deno.TcpConn,
    session: SecureSession,
    readonly dialled: boolean,
    /** Where the connection leads; of an accepted one the port is the caller's ephemeral one. */
    readonly remoteAddress: HostPort,
    channels: readonly ChannelSpec[],
    handlers: LinkHandlers,
  ) {
    this.#connection = connection;
    this.#session = session;
    this.#handlers = handlers;
    this.#mux = new Mux(channels, () => this.#flush());
    this.remoteId = session.remoteId;
    this.version = session.version;
    void this.#readFrames();
  }

  setRemoteChannels(names: readonly string[]): void {
    this.#mux.setRemoteChannels(names);
  }

  remoteHas(channel: string): boolean {
    return this.#mux.remoteHas(channel);
  }

  /** Queues a message; false if the queue is full or the link is over. The bytes are kept. */
  send(channel: string, bytes: Uint8Array): boolean {
    if (this.#ended || this.#closeWhenDrained !== undefined) return false;
    const taken = this.#mux.send(performance.now(), channel, bytes);
    if (taken) this.#flush();
    return taken;
  }

  /** Sends what is queued, says goodbye, and closes when the other side has done so too. */
  drain(reason: string): void {
    if (this.#ended || this.#closeWhenDrained !== undefined) return;
    this.#closeWhenDrained = reason;
    this.#mux.sendGoodbye();
    this.#flush();
    Deno.unrefTimer(setTimeout(() => this.close(reason), DRAIN_LIMIT_MS));
  }

  close(reason: string): void {
    this.#end({ kind: "closed", reason });
  }

  /** Seals and writes what the mux has, after the current task, so that small messages share frames. */
  #flush(): void {
    if (this.#writing || this.#ended) return;
    this.#writing = true;
    queueMicrotask(() => void this.#writeFrames());
  }

  async #writeFrames(): Promise<void> {
    try {
      while (!this.#ended && this.#mux.hasOutput) {
        await writeAll(this.#connection, this.#sealFrames());
      }
    } catch (error) {
      this.#end({ kind: "error", reason: messageOf(error) });
    }
    this.#writing = false;
    this.#closeIfDrained();
    this.#watch();
  }

  #sealFrames(): Uint8Array {
    let at = 0;
    while (this.#mux.hasOutput && at + LENGTH_BYTES + MAX_FRAME_BYTES <= this.#sealed.length) {
      this.#plaintext.reset();
      this.#mux.nextFrame(this.#plaintext);
      const length = this.#plaintext.length + TAG_BYTES;
      this.#sealed[at] = length >>> 8;
      this.#sealed[at + 1] = length & 0xff;
      this.#session.sending.encryptInto(this.#sealed, at + LENGTH_BYTES, this.#plaintext.bytes);
      at += LENGTH_BYTES + length;
    }
    this.bytesSent += at;
    return this.#sealed.subarray(0, at);
  }

  async #readFrames(): Promise<void> {
    const buffer = new Uint8Array(READ_BUFFER_BYTES);
    let filled = 0;
    try {
      for (;;) {
        const count = await this.#connection.read(buffer.subarray(filled));
        if (this.#ended) return;
        if (count === null) return this.#end({ kind: "eof" });
        this.bytesReceived += count;
        filled += count;
        const used = this.#openFrames(buffer.subarray(0, filled));
        buffer.copyWithin(0, used, filled);
        filled -= used;
        if (this.#mux.hasOutput) this.#flush();
        this.#closeIfDrained();
        this.#watch();
      }
    } catch (error) {
      this.#end(
        isReset(error) ? { kind: "eof" } : { kind: "error", reason: messageOf(error) },
      );
    }
  }

  /** Opens all whole frames in `bytes`; gives how many bytes they took. */
  #openFrames(bytes: Uint8Array): number {
    let at = 0;
    while (!this.#ended && bytes.length - at >= LENGTH_BYTES) {
      const length = (bytes[at]! << 8) | bytes[at + 1]!;
      if (length < TAG_BYTES || length > MAX_FRAME_BYTES) {
        throw new MalformedError(`a frame of ${length} bytes`);
      }
      if (bytes.length - at < LENGTH_BYTES + length) break;
      at += LENGTH_BYTES;
      const frame = this.#session.receiving.decrypt(bytes.subarray(at, at + length));
      at += length;
      this.#mux.receiveFrame(frame, this.#handlers.message);
    }
    return at;
  }

  #closeIfDrained(): void {
    if (this.#closeWhenDrained === undefined || this.#writing) return;
    if (this.#mux.heardGoodbye && !this.#mux.hasOutput) this.close(this.#closeWhenDrained);
  }

  /** Arms the timer for the mux's next deadline, if it has one. */
  #watch(): void {
    if (this.#ended || this.#timer !== undefined) return;
    const deadline = this.#mux.deadline();
    if (deadline === Infinity) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      if (!this.#mux.tick(performance.now())) return this.#end({ kind: "late" });
      if (this.#mux.hasOutput) this.#flush();
      this.#watch();
    }, Math.max(1, deadline - performance.now()));
    Deno.unrefTimer(this.#timer);
  }

  #end(end: LinkEnd): void {
    if (this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#timer);
    try {
      this.#connection.close();
    } catch {
      // Closed by the other side already.
    }
    this.#handlers.ended(end);
  }
}

/** A peer that was killed resets the connection; to us that is an end like any other. */
function isReset(error: unknown): boolean {
  return error instanceof Deno.errors.ConnectionReset || error instanceof Deno.errors.BrokenPipe ||
    error instanceof Deno.errors.BadResource || error instanceof Deno.errors.Interrupted;
}

export function remoteAddressOf(connection: Deno.TcpConn): HostPort {
  const { hostname, port } = connection.remoteAddr;
  return { host: normaliseHost(hostname), port };
}
