/**
 * The network between simulated hosts: datagrams that get lost, late, doubled and out of order, and
 * streams that keep their order, stall when packets are lost, and break. Integers only.
 */

import { between, chance, type Random } from "../random.ts";
import { MS, SECOND, type World } from "./world.ts";

/** What can go wrong between two hosts; times in microseconds. */
export interface Conditions {
  readonly latencyUs: readonly [number, number];
  readonly lossPerMille: number;
  readonly duplicatePerMille: number;
  /** That many packets take this much longer, as on busy Wi-Fi. */
  readonly latePerMille: number;
  readonly lateUs: readonly [number, number];
  /** Bytes per second that a stream carries; 0 for no limit. */
  readonly bytesPerSecond: number;
}

export const GOOD_NETWORK: Conditions = {
  latencyUs: [200, 1_700],
  lossPerMille: 0,
  duplicatePerMille: 0,
  latePerMille: 0,
  lateUs: [0, 0],
  bytesPerSecond: 0,
};

/** Bytes of headers: IPv4 and UDP; IPv4 and TCP with timestamps; and an acknowledgement of TCP's. */
const UDP_HEADER_BYTES = 28;
const TCP_HEADER_BYTES = 52;
const SEGMENT_BYTES = 1_400;
/** The kernel's first retransmission, doubled each time (RFC 6298, with Linux's minimum). */
const FIRST_RETRANSMISSION_US = 200 * MS;
const LAST_RETRANSMISSION_US = 60 * SECOND;
const SYN_RETRANSMISSION_US = SECOND;

/** A host as the network sees it. */
export interface Host {
  readonly name: string;
  /** Whether the machine answers at all; false after a power cut. */
  readonly powered: boolean;
  /** Whether the program runs; if not, its ports are closed and connections are reset. */
  readonly running: boolean;
  /** Counts what the host sends, headers included. */
  sent(bytes: number): void;
}

export class Network {
  readonly #world: World;
  readonly #random: Random;
  conditions: Conditions = GOOD_NETWORK;
  /** Ordered pairs "from>to" between which nothing passes. */
  readonly #cuts = new Set<string>();

  constructor(world: World) {
    this.#world = world;
    this.#random = world.random.fork("network");
  }

  /** Cuts what goes from `from` to `to`; the way back stays. */
  cutOneWay(from: Host, to: Host): void {
    this.#cuts.add(`${from.name}>${to.name}`);
  }

  cut(a: Host, b: Host): void {
    this.cutOneWay(a, b);
    this.cutOneWay(b, a);
  }

  partition(left: readonly Host[], right: readonly Host[]): void {
    for (const a of left) for (const b of right) this.cut(a, b);
  }

  heal(): void {
    this.#cuts.clear();
  }

  isCut(from: Host, to: Host): boolean {
    return this.#cuts.has(`${from.name}>${to.name}`);
  }

  sendDatagram(from: Host, to: Host, payloadBytes: number, deliver: () => void): void {
    from.sent(payloadBytes + UDP_HEADER_BYTES);
    const copies = chance(this.#random, this.conditions.duplicatePerMille) ? 2 : 1;
    for (let i = 0; i < copies; i++) {
      const latency = this.latency();
      if (this.#isLost(from, to)) continue;
      this.#world.after(latency, () => {
        if (to.running) deliver();
      });
    }
  }

  /**
   * What becomes of a call from `from` to `to`, handshake included: `connected`, `refused` or
   * `timeout`, told to the caller after the time that it takes.
   */
  dial(
    from: Host,
    to: Host,
    limitUs: number,
    handshakeBytes: number,
    outcome: (result: "connected" | "refused" | "timeout") => void,
  ): void {
    const world = this.#world;
    from.sent(handshakeBytes + 5 * TCP_HEADER_BYTES);
    const openedAt = world.now;
    // Three round trips: connection, preamble, Noise. The first loss costs a second, others less.
    let takes = 0;
    for (let packet = 0; packet < 6; packet++) {
      takes += this.latency();
      const [there, back] = packet % 2 === 0 ? [from, to] : [to, from];
      for (let wait = packet === 0 ? SYN_RETRANSMISSION_US : FIRST_RETRANSMISSION_US;; wait *= 2) {
        if (takes > limitUs || !this.#isLost(there, back)) break;
        takes += wait;
      }
    }
    const unreachable = () => !to.powered || this.isCut(from, to) || this.isCut(to, from);
    world.at(openedAt + Math.min(takes, limitUs), () => {
      if (takes > limitUs || unreachable()) {
        world.at(openedAt + limitUs, () => outcome("timeout"));
      } else {
        outcome(to.running ? "connected" : "refused");
      }
    });
  }

  latency(): number {
    const { latencyUs, latePerMille, lateUs } = this.conditions;
    const usual = between(this.#random, latencyUs[0], latencyUs[1]);
    if (!chance(this.#random, latePerMille)) return usual;
    return usual + between(this.#random, lateUs[0], lateUs[1]);
  }

  #isLost(from: Host, to: Host): boolean {
    return this.isCut(from, to) || chance(this.#random, this.conditions.lossPerMille);
  }

  /** Whether a message of that many bytes gets through at the first try. */
  passes(from: Host, to: Host, bytes: number): boolean {
    if (!from.powered || !to.powered || this.isCut(from, to)) return false;
    for (let left = bytes; left > 0; left -= SEGMENT_BYTES) {
      if (chance(this.#random, this.conditions.lossPerMille)) return false;
    }
    return true;
  }
}

interface StreamItem {
  readonly byteCount: number;
  readonly arrivesAt: number;
  readonly deliver: () => void;
}

/** One direction of a stream: in order, stalled by losses, gone when either end is. */
export class StreamDirection {
  readonly #queue: StreamItem[] = [];
  #retransmissionUs = FIRST_RETRANSMISSION_US;
  #pumping = false;
  #broken = false;
  #freeAt = 0;

  constructor(
    readonly world: World,
    readonly network: Network,
    readonly from: Host,
    readonly to: Host,
  ) {}

  send(byteCount: number, deliver: () => void): void {
    if (this.#broken) return;
    const segments = Math.max(1, Math.ceil(byteCount / SEGMENT_BYTES));
    this.from.sent(byteCount + segments * TCP_HEADER_BYTES);
    this.to.sent(TCP_HEADER_BYTES);
    const { bytesPerSecond } = this.network.conditions;
    const transmitUs = bytesPerSecond === 0 ? 0 : Math.floor(byteCount * SECOND / bytesPerSecond);
    this.#freeAt = Math.max(this.#freeAt, this.world.now) + transmitUs;
    const arrivesAt = this.#freeAt + this.network.latency();
    this.#queue.push({ byteCount, deliver, arrivesAt });
    this.#pump();
  }

  /** Nothing that is still under way arrives any more. */
  break(): void {
    this.#broken = true;
    this.#queue.length = 0;
  }

  #pump(): void {
    const head = this.#queue[0];
    if (this.#pumping || head === undefined) return;
    this.#pumping = true;
    this.world.at(head.arrivesAt, () => this.#arrive());
  }

  #arrive(): void {
    this.#pumping = false;
    const head = this.#queue[0];
    if (this.#broken || head === undefined) return;
    if (!this.network.passes(this.from, this.to, head.byteCount)) {
      this.#pumping = true;
      this.world.after(this.#retransmissionUs, () => this.#arrive());
      this.#retransmissionUs = Math.min(this.#retransmissionUs * 2, LAST_RETRANSMISSION_US);
      return;
    }
    this.#retransmissionUs = FIRST_RETRANSMISSION_US;
    this.#queue.shift();
    head.deliver();
    this.#pump();
  }
}
