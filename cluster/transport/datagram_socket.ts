/** Sealed datagrams on a real socket: who can be reached where, sending, and taking what opens. */

import { type HostPort, normaliseHost } from "../address.ts";
import type { NodeId } from "../ids.ts";
import {
  type DatagramKey,
  DatagramKeys,
  isDatagramKey,
  MAX_DATAGRAM_BYTES,
  MAX_DATAGRAM_PLAINTEXT_BYTES,
} from "./datagrams.ts";

/** After this many sends in a row the rest wait for the next task: sending starves receiving. */
const SENDS_IN_A_ROW = 32;
/** Sends that are further apart are not in a row. */
const ROW_PAUSE_MS = 1;
/** Sends that may wait; beyond, they are dropped, as the network would. */
const MAX_WAITING_SENDS = 4_096;

export interface DatagramHandlers {
  /** A fresh datagram of a known peer. */
  received(from: NodeId, plaintext: Uint8Array): void;
}

export class DatagramSocket {
  readonly #socket: Deno.DatagramConn;
  readonly #keys = new DatagramKeys();
  readonly #endpoints = new Map<NodeId, Deno.NetAddr>();
  readonly #handlers: DatagramHandlers;
  #waiting: { readonly to: Deno.NetAddr; readonly datagram: Uint8Array }[] = [];
  #row = 0;
  #lastSentAt = -Infinity;
  #closed = false;
  /** Counted for status and bench. */
  bytesSent = 0;
  bytesReceived = 0;
  /** Sends that the kernel refused, for example for want of a route. */
  sendErrors = 0;
  /** Datagrams that did not open. */
  dropped = 0;

  constructor(socket: Deno.DatagramConn, handlers: DatagramHandlers) {
    this.#socket = socket;
    this.#handlers = handlers;
  }

  /** Begins to take what comes. */
  listen(): void {
    void this.#receive();
  }

  /** A key for what `peer` is to send to us. */
  issueKey(peer: NodeId): DatagramKey {
    return this.#keys.issue(peer);
  }

  /** How to send to `peer` from now on. */
  setPeer(peer: NodeId, key: DatagramKey, endpoint: HostPort): void {
    if (!isDatagramKey(key)) return;
    this.#keys.use(peer, key);
    this.#endpoints.set(peer, { transport: "udp", hostname: endpoint.host, port: endpoint.port });
  }

  forget(peer: NodeId): void {
    this.#keys.drop(peer);
    this.#endpoints.delete(peer);
  }

  /** False without a key for `peer` or if it is too long; the network may still lose it. */
  send(peer: NodeId, plaintext: Uint8Array): boolean {
    const to = this.#endpoints.get(peer);
    if (to === undefined || plaintext.length > MAX_DATAGRAM_PLAINTEXT_BYTES) return false;
    const datagram = this.#keys.seal(peer, plaintext);
    if (datagram === undefined || this.#closed) return false;
    const now = performance.now();
    if (this.#waiting.length === 0 && now - this.#lastSentAt > ROW_PAUSE_MS) this.#row = 0;
    this.#lastSentAt = now;
    if (this.#row < SENDS_IN_A_ROW) {
      this.#sendNow(to, datagram);
    } else if (this.#waiting.length < MAX_WAITING_SENDS) {
      if (this.#waiting.push({ to, datagram }) === 1) this.#continueInNextTask();
    }
    return true;
  }

  close(): void {
    this.#closed = true;
    this.#waiting = [];
    this.#socket.close();
  }

  #sendNow(to: Deno.NetAddr, datagram: Uint8Array): void {
    this.#row++;
    this.bytesSent += datagram.length;
    this.#socket.send(datagram, to).catch(() => this.sendErrors++);
  }

  #continueInNextTask(): void {
    setTimeout(() => {
      this.#row = 0;
      if (this.#closed) return;
      for (const { to, datagram } of this.#waiting.splice(0, SENDS_IN_A_ROW)) {
        this.#sendNow(to, datagram);
      }
      if (this.#waiting.length > 0) this.#continueInNextTask();
    }, 0);
  }

  async #receive(): Promise<void> {
    // One byte more than any of ours has, so that a longer one is seen not to be.
    const buffer = new Uint8Array(MAX_DATAGRAM_BYTES + 1);
    while (!this.#closed) {
      let received: [Uint8Array, Deno.Addr];
      try {
        received = await this.#socket.receive(buffer);
      } catch {
        // Closed; or an error that the kernel reports of an earlier send, which concerns nobody.
        if (!this.#closed) await new Promise((resolve) => setTimeout(resolve, 1));
        continue;
      }
      this.#take(...received);
    }
  }

  #take(datagram: Uint8Array, from: Deno.Addr): void {
    this.bytesReceived += datagram.length;
    const opened = datagram.length > MAX_DATAGRAM_BYTES ? undefined : this.#keys.open(datagram);
    if (opened === undefined) {
      this.dropped++;
      return;
    }
    if (opened.newest && from.transport === "udp") this.#follow(opened.from, from);
    this.#handlers.received(opened.from, opened.plaintext);
  }

  /** The newest datagram shows where the peer is now: addresses change while links still stand. */
  #follow(peer: NodeId, from: Deno.NetAddr): void {
    const known = this.#endpoints.get(peer);
    const hostname = normaliseHost(from.hostname);
    if (known === undefined || (known.hostname === hostname && known.port === from.port)) return;
    this.#endpoints.set(peer, { transport: "udp", hostname, port: from.port });
  }
}
