/** mDNS on the sockets of this host: one core a link, fed and obeyed. */

import { isLoopback } from "../../address.ts";
import { messageOf } from "../../errors.ts";
import type { Log } from "../../log.ts";
import { MdnsCore, type MdnsCoreOptions, type MdnsEvent, type PacketSource } from "./core.ts";
import { isReplaced, type Link, linksFrom, linksOf } from "./links.ts";
import { Offers } from "./offers.ts";
import { type Family, loadMulticastDns, MdnsSocket, type MulticastDnsFactory } from "./socket.ts";

export interface MdnsOptions extends MdnsCoreOptions {
  /** What the cluster port is bound to: announced is what can be reached there, nothing on loopback. */
  readonly bindHost: string;
  /** This host's interfaces, as Deno tells them. */
  readonly interfaces: readonly Deno.NetworkInterfaceInfo[];
  readonly log: Log;
  /** Called with each address where a node of this cluster may be, and when that is over. */
  readonly found: (event: MdnsEvent) => void;
}

/** How long a node that stops waits for its goodbyes to be taken by the kernel. */
const GOODBYE_LIMIT_MS = 500;
/** And for its sockets to be closed. */
const CLOSE_LIMIT_MS = 500;

interface ActiveLink {
  link: Link;
  readonly core: MdnsCore;
  readonly sockets: Map<Family, MdnsSocket>;
  /** The last error of each kind that was told; the same one is not told again. */
  readonly told: Map<string, string>;
}

/** Announces this node on the local networks and says which others are there, until it is closed. */
export class Mdns {
  readonly #options: MdnsOptions;
  /** Undefined where mDNS is of no use. */
  readonly #factory: MulticastDnsFactory | undefined;
  readonly #links = new Map<string, ActiveLink>();
  readonly #offers = new Offers();
  readonly #closing = new Set<Promise<void>>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #timerAt = Infinity;
  #closed: Promise<void> | undefined;

  private constructor(options: MdnsOptions, factory: MulticastDnsFactory | undefined) {
    this.#options = options;
    this.#factory = factory;
  }

  /** Never rejected: without mDNS a node finds others by its hosts list and those it remembers. */
  static async start(options: MdnsOptions): Promise<Mdns> {
    const mdns = new Mdns(options, await factoryFor(options));
    mdns.refresh(options.interfaces);
    return mdns;
  }

  /** Whether it announces and listens on any link. */
  get active(): boolean {
    return this.#closed === undefined && [...this.#links.values()].some(isOpen);
  }

  /** Opens sockets on interfaces that have come, and closes those of interfaces that have gone. */
  refresh(interfaces: readonly Deno.NetworkInterfaceInfo[]): void {
    if (this.#factory === undefined || this.#closed !== undefined) return;
    const links = linksOf(interfaces, this.#options.bindHost);
    for (const [name, { link: before }] of [...this.#links]) {
      const after = links.find((link) => link.name === name);
      // A socket stays on the interface that it was opened for, even if that is gone for good.
      if (after === undefined || isReplaced(before, after)) this.#drop(name);
    }
    for (const link of links) this.#update(link, this.#factory);
    this.#flush();
  }

  /** Asks at once who is there instead of when it would be time. */
  search(): void {
    for (const { core } of this.#links.values()) core.search(performance.now());
    this.#flush();
  }

  /** Says goodbye and closes all. Never rejected. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    const sent: Promise<void>[] = [];
    for (const active of this.#links.values()) {
      active.core.goodbye();
      sent.push(...this.#send(active));
    }
    clearTimeout(this.#timer);
    await within(GOODBYE_LIMIT_MS, Promise.all(sent));
    for (const { sockets } of this.#links.values()) {
      for (const socket of sockets.values()) this.#closeSocket(socket);
    }
    this.#links.clear();
    await within(CLOSE_LIMIT_MS, Promise.all(this.#closing));
  }

  // -- links and their sockets --------------------------------------------------------------------

  #update(link: Link, factory: MulticastDnsFactory): void {
    const now = performance.now();
    let active = this.#links.get(link.name);
    if (active === undefined) {
      const core = new MdnsCore(this.#options, now);
      active = { link, core, sockets: new Map(), told: new Map() };
      this.#links.set(link.name, active);
      this.#options.log.debug(`mDNS on ${link.name}: ${link.addresses.join(", ")}`);
    }
    // Without its number for a moment, it is still the same one.
    active.link = { ...link, index: link.index ?? active.link.index };
    active.core.setAddresses(now, link.addresses);
    this.#setSocket(active, "IPv4", link.ipv4, factory);
    this.#setSocket(active, "IPv6", link.ipv6 ? link.name : undefined, factory);
  }

  #setSocket(
    active: ActiveLink,
    family: Family,
    at: string | undefined,
    factory: MulticastDnsFactory,
  ): void {
    const socket = active.sockets.get(family);
    if (socket?.at === at && !socket?.failed) return;
    if (socket !== undefined) this.#closeSocket(socket);
    active.sockets.delete(family);
    if (at === undefined) return;
    const opened = new MdnsSocket(factory, family, at, {
      ready: () => {
        if (socket !== undefined) this.#reconnected(active);
      },
      packet: (decoded, source) => this.#receive(active, decoded, source),
      failed: (reason) => this.#tell(active, family, reason, "warn"),
      noticed: (reason) => this.#tell(active, family, reason, "debug"),
    });
    active.sockets.set(family, opened);
  }

  /** What was said while there was no socket, nobody has heard. */
  #reconnected({ core }: ActiveLink): void {
    core.reconnected(performance.now());
    this.#flush();
  }

  #drop(name: string): void {
    const active = this.#links.get(name);
    if (active === undefined) return;
    this.#links.delete(name);
    for (const socket of active.sockets.values()) this.#closeSocket(socket);
    for (const event of this.#offers.dropLink(name)) this.#found(event);
    this.#options.log.debug(`no mDNS on ${name} any more`);
  }

  #closeSocket(socket: MdnsSocket): void {
    const closed = socket.close().finally(() => this.#closing.delete(closed));
    this.#closing.add(closed);
  }

  #tell(active: ActiveLink, family: Family, reason: string, level: "warn" | "debug"): void {
    const kind = `${family} ${level}`;
    if (active.told.get(kind) === reason) return;
    active.told.set(kind, reason);
    this.#options.log[level](`mDNS on ${active.link.name} (${family}): ${reason}`);
  }

  // -- driving the cores --------------------------------------------------------------------------

  #receive(active: ActiveLink, decoded: unknown, source: PacketSource): void {
    if (this.#closed !== undefined || this.#links.get(active.link.name) !== active) return;
    const links = [...this.#links.values()].map(({ link }) => link);
    if (!linksFrom(links, source.address).includes(active.link)) return;
    active.core.receive(performance.now(), decoded, source);
    this.#flush();
  }

  /** Sends what the cores want sent, tells what they have found, and arms the timer. */
  #flush(): void {
    let deadline = Infinity;
    for (const active of this.#links.values()) {
      void this.#send(active);
      for (const event of active.core.takeFound()) {
        const news = this.#offers.apply(active.link.name, event);
        if (news !== undefined) this.#found(news);
      }
      deadline = Math.min(deadline, active.core.deadline());
    }
    this.#arm(deadline);
  }

  #send({ core, sockets }: ActiveLink): Promise<void>[] {
    return core.takeOutgoing().flatMap((packet) =>
      [...sockets.values()].map((socket) => socket.send(packet))
    );
  }

  #found(event: MdnsEvent): void {
    try {
      this.#options.found(event);
    } catch (error) {
      this.#options.log.error(`taking what mDNS has found: ${messageOf(error)}`);
    }
  }

  #arm(deadline: number): void {
    if (this.#closed !== undefined || deadline === this.#timerAt) return;
    clearTimeout(this.#timer);
    this.#timerAt = deadline;
    if (deadline === Infinity) return;
    const wait = Math.max(0, Math.ceil(deadline - performance.now()));
    this.#timer = setTimeout(() => this.#tick(), wait);
  }

  #tick(): void {
    this.#timerAt = Infinity;
    for (const { core } of this.#links.values()) core.tick(performance.now());
    this.#flush();
  }
}

async function factoryFor(
  { bindHost, log }: MdnsOptions,
): Promise<MulticastDnsFactory | undefined> {
  if (isLoopback(bindHost)) return undefined;
  try {
    return await loadMulticastDns();
  } catch (error) {
    log.warn(`mDNS cannot be used: ${messageOf(error)}`);
    return undefined;
  }
}

function isOpen({ sockets }: ActiveLink): boolean {
  return [...sockets.values()].some(({ failed }) => !failed);
}

/** Settled when `promise` is, or after that long. */
async function within(limitMs: number, promise: Promise<unknown>): Promise<void> {
  const { promise: limit, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, limitMs);
  await Promise.race([promise, limit]);
  clearTimeout(timer);
}
