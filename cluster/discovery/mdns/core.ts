/**
 * Multicast DNS (RFC 6762) and DNS-based Service Discovery (RFC 6763) for one link, as a core without
 * I/O: it announces this node and finds others of its cluster. What it finds are hints whom to dial,
 * no more: anybody on the network can announce anything, and the handshake says who is there.
 *
 * Packets go to all hosts of the link, their sender included. Own ones need no special care: records
 * with this node's names are not learnt, and its questions name its own record as known.
 */

import { hexOf } from "../../bytes.ts";
import type { Random } from "../../random.ts";
import { Browser, type MdnsEvent } from "./browser.ts";
import type { Announcement } from "./own_records.ts";
import { MDNS_PORT, type Packet, readPacket } from "./packets.ts";
import { Publisher } from "./publisher.ts";

export type { MdnsEvent } from "./browser.ts";

export interface MdnsCoreOptions extends Announcement {
  readonly random: Random;
}

/** Where a packet came from. */
export interface PacketSource {
  readonly address: string;
  readonly port: number;
}

export class MdnsCore {
  readonly #publisher: Publisher;
  readonly #browser: Browser;
  #stopped = false;

  /** Looks for others from now on; announces itself when it has been given addresses. */
  constructor(options: MdnsCoreOptions, now: number) {
    const publisher = new Publisher(options, options.random);
    this.#publisher = publisher;
    this.#browser = new Browser({
      id: options.id,
      cluster: hexOf(options.clusterHash),
      random: options.random,
      isOwnName: (name) => publisher.records.isOwnName(name),
      ownPointer: () => publisher.answers ? publisher.records.pointer.record : undefined,
    }, now);
  }

  /** Packets to multicast on the link. */
  takeOutgoing(): Packet[] {
    return [...this.#publisher.takeOutgoing(), ...this.#browser.takeOutgoing()];
  }

  takeFound(): MdnsEvent[] {
    return this.#browser.takeFound();
  }

  /** Records of other hosts that are kept; at most `MAX_CACHED_RECORDS`. */
  get cached(): number {
    return this.#browser.cached;
  }

  /** This host's addresses on the link; to be called again when they change. */
  setAddresses(now: number, addresses: readonly string[]): void {
    this.#publisher.setAddresses(now, addresses);
  }

  /** A packet as the codec has decoded it; whatever it is, this does not throw. */
  receive(now: number, decoded: unknown, source: PacketSource): void {
    // A query from another port wants an answer by unicast (RFC 6762, 6.7), a response is forged (6).
    if (this.#stopped || source.port !== MDNS_PORT) return;
    const packet = readPacket(decoded);
    if (packet?.type === "query") {
      this.#publisher.receiveQuery(now, packet, source.address);
    } else if (packet?.type === "response") {
      this.#publisher.receiveResponse(packet);
      this.#browser.receiveResponse(now, packet);
    }
  }

  /** Asks at once who is there instead of when it would be time. */
  search(now: number): void {
    if (!this.#stopped) this.#browser.search(now);
  }

  /** The link works again, or may be another one: announces and asks as at the start (RFC 6762, 8.3). */
  reconnected(now: number): void {
    this.#publisher.announceAgain(now);
    this.search(now);
  }

  /** Takes the announcements back; from then on it does nothing. */
  goodbye(): void {
    this.#stopped = true;
    this.#publisher.goodbye();
  }

  /** When {@link tick} is to be called next; Infinity for never. */
  deadline(): number {
    if (this.#stopped) return Infinity;
    return Math.min(this.#publisher.deadline(), this.#browser.deadline());
  }

  tick(now: number): void {
    if (this.#stopped) return;
    this.#publisher.tick(now);
    this.#browser.tick(now);
  }
}
