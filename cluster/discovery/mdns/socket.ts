/** One socket of npm multicast-dns, for one interface and family, of which no error gets away. */

import { messageOf } from "../../errors.ts";
import { encodable, type EncodablePacket, type Packet } from "./packets.ts";
import type { PacketSource } from "./core.ts";

/** As much of npm multicast-dns as is used; it has no types of its own. */
interface MulticastDns {
  on(event: "packet", listener: (packet: unknown, source: PacketSource) => void): void;
  on(event: "ready", listener: () => void): void;
  on(event: "error" | "warning", listener: (error: unknown) => void): void;
  query(packet: EncodablePacket, sent: SendCallback): void;
  respond(packet: EncodablePacket, sent: SendCallback): void;
  destroy(done: () => void): void;
}

type SendCallback = (error?: unknown) => void;

interface MulticastDnsOptions {
  readonly type?: "udp4" | "udp6";
  /** The group. */
  readonly ip?: string;
  /** IPv4: an address of the interface; IPv6: `::%NAME`. */
  readonly interface: string;
  /** The address to bind to; bound to the interface's own, a socket gets no multicast. */
  readonly bind: string;
}

export type MulticastDnsFactory = (options: MulticastDnsOptions) => MulticastDns;

/** Takes about 18 ms, so it is done only where it is wanted. */
export async function loadMulticastDns(): Promise<MulticastDnsFactory> {
  const module: unknown = (await import("multicast-dns")).default;
  return module as MulticastDnsFactory;
}

export interface SocketHandlers {
  /** The port is open. */
  ready(): void;
  packet(decoded: unknown, source: PacketSource): void;
  /** The port could not be opened, or opened only in part; the text says why. */
  failed(reason: string): void;
  /** Something else went wrong: a packet that was not sent or not understood. */
  noticed(reason: string): void;
}

export type Family = "IPv4" | "IPv6";

export class MdnsSocket {
  readonly #mdns: MulticastDns | undefined;
  readonly #handlers: SocketHandlers;
  #failed = false;
  #closed = false;

  /** `at` is an address of the interface for IPv4, its name for IPv6. */
  constructor(
    factory: MulticastDnsFactory,
    readonly family: Family,
    readonly at: string,
    handlers: SocketHandlers,
  ) {
    this.#handlers = handlers;
    try {
      this.#mdns = factory(
        family === "IPv4"
          ? { interface: at, bind: "0.0.0.0" }
          : { type: "udp6", ip: "ff02::fb", interface: `::%${at}`, bind: "::" },
      );
      this.#listen(this.#mdns);
    } catch (error) {
      this.#fail(error);
    }
  }

  #listen(mdns: MulticastDns): void {
    mdns.on("ready", () => {
      if (!this.#closed) this.#guard(() => this.#handlers.ready());
    });
    mdns.on("error", (error) => this.#fail(error));
    mdns.on("warning", (error) => this.#notice(error));
    mdns.on("packet", (packet, source) => {
      if (!this.#closed) this.#guard(() => this.#handlers.packet(packet, source));
    });
  }

  /** Whether it is of no use and should be opened anew. */
  get failed(): boolean {
    return this.#failed;
  }

  /** Settled when the kernel has taken the packet or refused it; never rejected. */
  send(packet: Packet): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    if (this.#mdns === undefined || this.#failed || this.#closed) return Promise.resolve();
    const sent: SendCallback = (error) => {
      if (error) this.#notice(error);
      resolve();
    };
    try {
      if (packet.type === "query") this.#mdns.query(encodable(packet), sent);
      else this.#mdns.respond(encodable(packet), sent);
    } catch (error) {
      sent(error);
    }
    return promise;
  }

  /** Settled when the port is free; never rejected. */
  close(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    if (this.#mdns === undefined || this.#closed) return Promise.resolve();
    this.#closed = true;
    try {
      this.#mdns.destroy(resolve);
    } catch {
      // It was never open.
      resolve();
    }
    return promise;
  }

  #fail(error: unknown): void {
    if (this.#failed || this.#closed) return;
    this.#failed = true;
    this.#guard(() => this.#handlers.failed(messageOf(error)));
  }

  #notice(error: unknown): void {
    if (!this.#closed) this.#guard(() => this.#handlers.noticed(messageOf(error)));
  }

  /** Nothing is thrown into the library's events: nobody would catch it there. */
  #guard(action: () => void): void {
    try {
      action();
    } catch (error) {
      this.#handlers.noticed(messageOf(error));
    }
  }
}
