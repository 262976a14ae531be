/**
 * A running node: the core with sockets, timers, files and parts around it. Thin on purpose: what is
 * to be decided is decided in node_core.ts, which the simulator runs too.
 */

import { formatHostPort, type HostPort } from "./address.ts";
import { advertisedAddresses } from "./advertised.ts";
import { Bans } from "./bans.ts";
import { ByteWriter } from "./bytes.ts";
import { NODE_CHANNELS } from "./channels.ts";
import type { DataDir } from "./data_dir.ts";
import { Mdns } from "./discovery/mdns/driver.ts";
import type { MdnsEvent } from "./discovery/mdns/core.ts";
import { PeersFile } from "./discovery/peers_file.ts";
import { assert, MalformedError, messageOf, Problem, unreachable } from "./errors.ts";
import type { Identity } from "./identity.ts";
import { type BootId, newBootId, type NodeId } from "./ids.ts";
import type { Keyring } from "./keys.ts";
import type { Log } from "./log.ts";
import { LoopDelay } from "./loop_delay.ts";
import { type MemberReport, reportMembers } from "./member_report.ts";
import type { MembershipConfig } from "./membership/config.ts";
import type { Outgoing } from "./membership/core.ts";
import { decodeMessage, encodeMessage } from "./membership/messages.ts";
import type { LinkNumber } from "./mesh/core.ts";
import { decodeLinkMessage, encodeLinkMessage, type NodeInfo, type Talk } from "./mesh/messages.ts";
import {
  MEMBERSHIP_CHANNEL,
  MESH_CHANNEL,
  NodeCore,
  type NodeEffect,
  type NodeEvent,
} from "./node_core.ts";
import { logNodeEvent, nameOf } from "./node_log.ts";
import type { Random } from "./random.ts";
import { Repetitions } from "./repetitions.ts";
import type { Service, ServiceNode } from "./service.ts";
import { Acceptor, type Established } from "./transport/connect.ts";
import { DatagramSocket } from "./transport/datagram_socket.ts";
import { dialAny } from "./transport/dialler.ts";
import type { HandshakeError, HandshakeParty, VersionRange } from "./transport/handshake.ts";
import { Link, type LinkEnd } from "./transport/link.ts";
import type { ChannelSpec } from "./transport/mux.ts";
import { bindClusterPort, type ClusterPort } from "./transport/ports.ts";

export interface NodeOptions {
  readonly identity: Identity;
  readonly alias: string;
  readonly keyring: Keyring;
  readonly versions: VersionRange;
  readonly membership: MembershipConfig;
  readonly bindHost: string;
  readonly bindPort: number;
  /** HOST:PORT to tell others instead of what this host knows of itself. */
  readonly advertise: readonly string[];
  /** HOST:PORT of nodes to look for. */
  readonly hosts: readonly string[];
  /** Whether to announce this node, and to find others, by multicast DNS. */
  readonly mdns: boolean;
  /** Whether peers are remembered for the next start. */
  readonly remember: boolean;
  /** A change may be stamped this far ahead of the cluster's clock, in milliseconds. */
  readonly maxSkewMs: number;
  readonly dataDir: DataDir;
  readonly services: readonly Service[];
  readonly random: Random;
  readonly log: Log;
}

/** A leaving node waits this long for its goodbyes to be taken. */
const LEAVE_LIMIT_MS = 1_000;
/** Own addresses are looked at this often: a cable is plugged in, a lease ends. */
const ADDRESS_PERIOD_MS = 10_000;
/** Callers that were turned away are logged once in this time for each address. */
const REFUSAL_QUIET_MS = 600_000;
const MAX_REFUSALS_NOTED = 1_000;

export class Node {
  readonly id: NodeId;
  readonly boot: BootId = newBootId();
  readonly core: NodeCore;
  readonly bans: Bans;
  readonly loopDelay = new LoopDelay(performance.now());
  readonly startedAt = performance.now();
  readonly port: number;
  /** Peers of last time that it has begun to look for. */
  rememberedPeers = 0;
  readonly #options: NodeOptions;
  /** The node's own part first, then those that it was given. */
  readonly #services: readonly Service[];
  /** Those that have started and are not stopping: nothing is delivered to others. */
  readonly #active: Service[] = [];
  readonly #log: Log;
  readonly #party: HandshakeParty;
  readonly #channels: readonly ChannelSpec[];
  readonly #serviceByChannel = new Map<string, Service>();
  readonly #datagramChannels: readonly string[];
  /** How each peer numbers its kinds of datagrams. */
  readonly #peerDatagramChannels = new Map<NodeId, readonly string[]>();
  readonly #acceptor: Acceptor;
  readonly #socket: DatagramSocket;
  readonly #links = new Map<LinkNumber, Link>();
  readonly #writer = new ByteWriter(256);
  readonly #abort = new AbortController();
  readonly #peersFile: PeersFile | undefined;
  #mdns: Mdns | undefined;
  readonly #listeners = new Set<(event: NodeEvent) => void>();
  readonly #refusals = new Repetitions(REFUSAL_QUIET_MS, MAX_REFUSALS_NOTED);
  readonly #stopped = Promise.withResolvers<Problem | undefined>();
  #addresses: readonly string[];
  #addressTimer: ReturnType<typeof setInterval> | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #timerAt = Infinity;
  /** Parts may wake the node while others of them are not ready to be asked yet. */
  #begun = false;
  #flushing = false;
  #nextLink = 1;
  /** Of links that have ended. */
  readonly #endedTraffic = { sent: 0, received: 0 };
  #stopping: Promise<void> | undefined;

  private constructor(options: NodeOptions, clusterPort: ClusterPort) {
    const { identity, log } = options;
    this.#options = options;
    this.bans = new Bans(options.maxSkewMs, (id) => this.#ban(id));
    const services = this.#services = [this.bans, ...options.services];
    this.#log = log;
    this.id = identity.id;
    this.port = clusterPort.port;
    this.#addresses = this.#findAddresses();
    this.#channels = [...NODE_CHANNELS, ...services.flatMap(({ channels }) => channels)];
    this.#datagramChannels = [
      MEMBERSHIP_CHANNEL,
      ...services.flatMap(({ datagramChannels }) => datagramChannels),
    ];
    for (const service of services) {
      for (const { name } of service.channels) this.#serviceByChannel.set(name, service);
      for (const name of service.datagramChannels) this.#serviceByChannel.set(name, service);
    }
    this.core = new NodeCore({
      self: identity.id,
      boot: this.boot,
      config: options.membership,
      random: options.random,
      now: this.startedAt,
      wallMs: () => Math.max(0, Date.now()),
      info: () => this.#info(),
      talkTo: (peer) => this.#talkTo(peer),
      forgetKeys: (peer) => {
        this.#socket.forget(peer);
        this.#peerDatagramChannels.delete(peer);
      },
      isBanned: (id) => this.bans.isBanned(id),
    });
    this.#party = { identity, keyring: options.keyring, versions: options.versions };
    this.#socket = new DatagramSocket(clusterPort.socket, {
      received: (from, plaintext) => this.#receiveDatagram(from, plaintext),
    });
    this.#acceptor = new Acceptor(clusterPort.listener, this.#party, {
      established: (established) => this.#adopt(established, undefined),
      turnedAway: (from, reason) => this.#noteRefusal(from, reason),
      failing: (error) => {
        const text = `cannot accept connections: ${messageOf(error)}`;
        if (this.#refusals.isNews(performance.now(), text)) log.warn(text);
      },
    });
    this.#peersFile = options.remember ? new PeersFile(options.dataDir, log) : undefined;
  }

  /** Opens the ports, starts the parts, and begins to look for others. */
  static async start(options: NodeOptions): Promise<Node> {
    const clusterPort = bindClusterPort(options.bindHost, options.bindPort);
    if (options.bindPort !== 0 && clusterPort.port !== options.bindPort) {
      options.log.info(`port ${options.bindPort} is taken, using ${clusterPort.port}`);
    }
    const node = new Node(options, clusterPort);
    try {
      for (const service of node.#services) {
        await service.start(node.#serviceNode(service));
        node.#active.push(service);
      }
      await node.#begin();
    } catch (error) {
      await node.stop();
      throw error;
    }
    return node;
  }

  async #begin(): Promise<void> {
    const now = performance.now();
    for (const host of this.#options.hosts) this.core.mesh.addTarget(now, host, "hosts");
    const remembered = await this.#peersFile?.load() ?? [];
    for (const { id, addresses } of remembered) {
      this.core.mesh.addPeer(now, id, addresses, "peers");
    }
    this.rememberedPeers = remembered.length;
    if (this.#options.mdns) this.#mdns = await this.#startMdns();
    this.#begun = true;
    this.#socket.listen();
    this.#acceptor.listen();
    this.#addressTimer = setInterval(() => this.#checkAddresses(), ADDRESS_PERIOD_MS);
    this.#flush();
  }

  #startMdns(): Promise<Mdns> {
    const { alias, keyring, versions, bindHost, random } = this.#options;
    return Mdns.start({
      id: this.id,
      alias,
      port: this.port,
      bindHost,
      clusterHash: keyring.clusterHash,
      keyId: keyring.primary.keyId,
      versions,
      interfaces: Deno.networkInterfaces(),
      random,
      log: this.#log,
      found: (event) => this.#followHint(event),
    });
  }

  /** What mDNS says is a hint whom to dial, or that this is of no use any more. */
  #followHint({ kind, address, id }: MdnsEvent): void {
    if (kind === "found") this.core.mesh.addTarget(performance.now(), address, "mdns", id);
    else this.core.mesh.removeTarget(address, "mdns");
    this.#flush();
  }

  // -- what can be asked --------------------------------------------------------------------------

  get alias(): string {
    return this.#options.alias;
  }

  /** Whether this node announces itself and listens to announcements by multicast DNS. */
  get mdnsActive(): boolean {
    return this.#mdns?.active ?? false;
  }

  get addresses(): readonly string[] {
    return this.#addresses;
  }

  /** Settled when the node has stopped; with the reason, if it was none of ours. */
  get stopped(): Promise<Problem | undefined> {
    return this.#stopped.promise;
  }

  members(all: boolean): MemberReport[] {
    return reportMembers(
      this.core,
      {
        id: this.id,
        alias: this.alias,
        addresses: this.#addresses,
        parts: this.#options.services.map(({ name }) => name),
        startedAt: this.startedAt,
        wallMs: Date.now(),
      },
      performance.now(),
      all,
    );
  }

  /** Looks for a node at HOST:PORT, from now on. */
  lookFor(address: string): void {
    this.core.mesh.addTarget(performance.now(), address, "hosts");
    this.#flush();
  }

  /** Calls `listener` with everything that happens until the returned function is called. */
  listen(listener: (event: NodeEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Datagrams that did not open, and sends that the kernel refused, since the start. */
  get datagramFaults(): { readonly dropped: number; readonly sendErrors: number } {
    const { dropped, sendErrors } = this.#socket;
    return { dropped, sendErrors };
  }

  /** Bytes on the wire since the start, without the headers of IP, UDP and TCP. */
  traffic(): { sent: number; received: number } {
    let sent = this.#socket.bytesSent + this.#endedTraffic.sent;
    let received = this.#socket.bytesReceived + this.#endedTraffic.received;
    for (const link of this.#links.values()) {
      sent += link.bytesSent;
      received += link.bytesReceived;
    }
    return { sent, received };
  }

  // -- stopping -----------------------------------------------------------------------------------

  /** Says goodbye, lets the parts put things in order, closes everything. */
  stop(reason?: Problem): Promise<void> {
    this.#stopping ??= this.#stop(reason);
    return this.#stopping;
  }

  async #stop(reason: Problem | undefined): Promise<void> {
    clearInterval(this.#addressTimer);
    // Nothing is delivered to parts any more: they put things in order.
    for (const service of this.#active.splice(0)) {
      await service.stop().catch((error) =>
        this.#log.error(`stopping ${service.name}: ${messageOf(error)}`)
      );
    }
    this.core.leave(performance.now());
    this.#flush();
    this.#abort.abort();
    this.#acceptor.close();
    const silenced = this.#mdns?.close();
    const limit = performance.now() + LEAVE_LIMIT_MS;
    while (this.#links.size > 0 && performance.now() < limit) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    for (const link of [...this.#links.values()]) link.close("stopping");
    await silenced;
    clearTimeout(this.#timer);
    this.#timerAt = -Infinity;
    this.#socket.close();
    await this.#peersFile?.close();
    this.#stopped.resolve(reason);
  }

  // -- driving the core ---------------------------------------------------------------------------

  /** Does what the core wants done and arms the timer. To be called after every input. */
  #flush(): void {
    if (this.#flushing) return;
    this.#flushing = true;
    try {
      let effects = this.core.takeEffects(performance.now());
      while (effects.length > 0) {
        for (const effect of effects) this.#do(effect);
        effects = this.core.takeEffects(performance.now());
      }
    } finally {
      this.#flushing = false;
    }
    this.#arm();
  }

  #arm(): void {
    if (!this.#begun || this.#flushing) return;
    let deadline = this.core.deadline();
    for (const service of this.#active) deadline = Math.min(deadline, service.deadline());
    // Also when it is later now: an answer has come, and waking up for nothing costs more than this.
    if (deadline === this.#timerAt || this.#timerAt === -Infinity) return;
    clearTimeout(this.#timer);
    this.#timerAt = deadline;
    if (deadline === Infinity) return;
    const now = performance.now();
    const dueAt = Math.max(now, deadline);
    this.#timer = setTimeout(() => this.#tick(dueAt), Math.ceil(dueAt - now));
  }

  #tick(dueAt: number): void {
    this.#timerAt = Infinity;
    const now = performance.now();
    this.loopDelay.note(now, dueAt);
    this.core.tick(now);
    for (const service of this.#active) {
      if (now >= service.deadline()) service.tick(now);
    }
    this.#flush();
  }

  #do(effect: NodeEffect): void {
    switch (effect.kind) {
      case "membership":
        return this.#sendMembership(effect.outgoing);
      case "send":
        this.#links.get(effect.link)?.send(MESH_CHANNEL, encodeLinkMessage(effect.message));
        return;
      case "close": {
        const link = this.#links.get(effect.link);
        if (effect.drain) link?.drain(effect.reason);
        else link?.close(effect.reason);
        return;
      }
      case "talk":
        return this.#agreeOnTalk(effect.link, effect.peer, effect.talk);
      case "dial":
        return void this.#dial(effect.dial, effect.addresses);
      case "event":
        return this.#tell(effect.event);
      default:
        unreachable(effect);
    }
  }

  #tell(event: NodeEvent): void {
    if (this.#isNews(event)) logNodeEvent(this.#log, this.core, event);
    for (const service of this.#active) service.event(event);
    for (const listener of this.#listeners) listener(event);
    if (event.type === "connected") this.#rememberPeers();
    if (event.type === "mustStop") {
      const problem = new Problem(event.text, {
        hint:
          `this node's key was copied: stop the other one, or remove identity.key from ${this.#options.dataDir.path}`,
      });
      void this.stop(problem);
    }
  }

  /** Refusals are repeated with every dial, which is told once in a while. */
  #isNews(event: NodeEvent): boolean {
    if (event.type !== "refused" && event.type !== "refusing") return true;
    const { type, peer, reason } = event;
    return this.#refusals.isNews(performance.now(), `${type} ${peer} ${reason}`);
  }

  #ban(id: NodeId): void {
    this.core.ban(performance.now(), id);
    this.#flush();
  }

  #rememberPeers(): void {
    const { mesh } = this.core;
    const met = [...mesh.peers()].filter(({ met }) => met);
    // Those that are there come first, should there be more than are kept.
    met.sort((a, b) => Number(a.link === undefined) - Number(b.link === undefined));
    this.#peersFile?.save(met.map(({ id }) => ({ id, addresses: mesh.addressesOf(id) })));
  }

  // -- membership messages and datagrams ----------------------------------------------------------

  #sendMembership({ to, via, message }: Outgoing): void {
    this.#writer.reset();
    if (via === "datagram") {
      encodeMessage(this.#writer.u8(0), message);
      this.#socket.send(to, this.#writer.bytes);
    } else {
      encodeMessage(this.#writer, message);
      this.#linkTo(to)?.send(MEMBERSHIP_CHANNEL, this.#writer.bytes.slice());
    }
  }

  #receiveDatagram(from: NodeId, plaintext: Uint8Array): void {
    const number = plaintext[0];
    if (number === undefined) return;
    const channel = this.#peerDatagramChannels.get(from)?.[number];
    const payload = plaintext.subarray(1);
    try {
      if (channel === MEMBERSHIP_CHANNEL) {
        const message = decodeMessage(payload);
        this.core.receiveMembership(performance.now(), from, message, "datagram");
      } else if (channel !== undefined) {
        this.#activeByChannel(channel)?.receiveDatagram(from, channel, payload);
      }
    } catch (error) {
      const name = nameOf(this.core, from);
      if (error instanceof MalformedError) {
        this.#log.debug(`malformed datagram from ${name}: ${error.message}`);
      } else {
        this.#log.error(`a datagram from ${name} could not be handled: ${messageOf(error)}`);
      }
    }
    this.#flush();
  }

  // -- links --------------------------------------------------------------------------------------

  async #dial(dial: number, addresses: readonly string[]): Promise<void> {
    try {
      const { bindPort } = this.#options;
      const established = await dialAny(addresses, bindPort, this.#party, this.#abort.signal);
      this.#adopt(established, dial);
    } catch (error) {
      if (this.#stopping !== undefined) return;
      this.core.dialFailed(performance.now(), dial, messageOf(error));
      this.#flush();
    }
  }

  #adopt({ connection, session, address }: Established, dial: number | undefined): void {
    if (
      this.#stopping !== undefined || this.#links.size >= 2 * this.#options.membership.maxMembers
    ) {
      return connection.close();
    }
    const number = this.#nextLink++ as LinkNumber;
    const link = new Link(connection, session, dial !== undefined, address, this.#channels, {
      message: (channel, bytes) => this.#receiveOnLink(number, channel, bytes),
      ended: (end) => this.#linkEnded(number, end),
    });
    this.#links.set(number, link);
    const now = performance.now();
    this.core.linkUp(now, number, session.remoteId, formatHostPort(address), dial);
    this.#flush();
  }

  #receiveOnLink(
    number: LinkNumber,
    channel: ChannelSpec,
    bytes: Uint8Array,
  ): void | Promise<void> {
    const link = this.#links.get(number);
    assert(link !== undefined, "messages come from links that are known");
    const now = performance.now();
    let settled: void | Promise<void> = undefined;
    if (channel.name === MESH_CHANNEL) {
      const message = decodeLinkMessage(bytes);
      if (message !== undefined) this.core.receiveLinkMessage(now, number, message);
    } else if (channel.name === MEMBERSHIP_CHANNEL) {
      this.core.receiveMembership(now, link.remoteId, decodeMessage(bytes), "link");
    } else {
      settled = this.#activeByChannel(channel.name)
        ?.receive(link.remoteId, channel.name, bytes);
      settled?.catch((error) => this.#log.error(`${channel.name}: ${messageOf(error)}`));
    }
    this.#flush();
    return settled;
  }

  #activeByChannel(channel: string): Service | undefined {
    const service = this.#serviceByChannel.get(channel);
    return service !== undefined && this.#active.includes(service) ? service : undefined;
  }

  #linkEnded(number: LinkNumber, end: LinkEnd): void {
    const link = this.#links.get(number);
    if (link === undefined) return;
    this.#links.delete(number);
    this.#endedTraffic.sent += link.bytesSent;
    this.#endedTraffic.received += link.bytesReceived;
    if (end.kind === "error") {
      const name = nameOf(this.core, link.remoteId);
      this.#log.warn(`the link to ${name} broke: ${end.reason}`);
    }
    this.core.linkDown(performance.now(), number, end.kind !== "closed");
    this.#flush();
  }

  #linkTo(id: NodeId): Link | undefined {
    const number = this.core.mesh.peer(id)?.link;
    return number === undefined ? undefined : this.#links.get(number);
  }

  #agreeOnTalk(number: LinkNumber, peer: NodeId, talk: Talk): void {
    const link = this.#links.get(number);
    if (link === undefined) return;
    link.setRemoteChannels(talk.channels);
    this.#peerDatagramChannels.set(peer, talk.datagramChannels);
    const { host, port } = link.remoteAddress;
    const advertisedPort = this.core.mesh.peer(peer)?.info?.port ?? port;
    this.#socket.setPeer(
      peer,
      { keyId: talk.datagramKeyId, key: talk.datagramKey },
      { host, port: link.dialled ? port : advertisedPort },
    );
  }

  #noteRefusal(from: HostPort, reason: HandshakeError | undefined): void {
    if (reason === undefined) return;
    if (!this.#refusals.isNews(performance.now(), from.host)) return;
    this.#log.warn(`turned away a caller from ${from.host}: ${reason.message}`);
  }

  // -- what this node says of itself --------------------------------------------------------------

  #info(): NodeInfo {
    return {
      boot: this.boot,
      alias: this.alias,
      addresses: [...this.#addresses],
      port: this.port,
      parts: this.#options.services.map(({ name }) => name),
      versions: this.#options.versions,
    };
  }

  #talkTo(peer: NodeId): Talk {
    const { keyId, key } = this.#socket.issueKey(peer);
    return {
      channels: this.#channels.map(({ name }) => name),
      datagramChannels: [...this.#datagramChannels],
      datagramKeyId: keyId,
      datagramKey: key,
    };
  }

  #findAddresses(): readonly string[] {
    const { advertise, bindHost } = this.#options;
    return advertisedAddresses(advertise, bindHost, this.port, Deno.networkInterfaces());
  }

  #checkAddresses(): void {
    this.#mdns?.refresh(Deno.networkInterfaces());
    const addresses = this.#findAddresses();
    if (addresses.join() === this.#addresses.join()) return;
    this.#addresses = addresses;
    this.#log.info(`this node's addresses are now ${addresses.join(", ") || "none"}`);
    this.core.mesh.sendInfo();
    this.#flush();
  }

  // -- what parts get -----------------------------------------------------------------------------

  #serviceNode(service: Service): ServiceNode {
    return {
      id: this.id,
      alias: this.alias,
      log: this.#log,
      random: this.#options.random,
      file: (name) => this.#options.dataDir.file(name),
      now: () => performance.now(),
      clusterMs: () => this.core.clusterMs(performance.now()),
      clockMsOf: (id) => this.core.clockMsOf(performance.now(), id),
      connected: () => this.core.connected(),
      away: () => this.core.away(),
      members: () => this.members(false),
      nameOf: (id) => (id === this.id ? this.alias : nameOf(this.core, id)),
      send: (to, channel, bytes) => {
        assert(this.#serviceByChannel.get(channel) === service, "a part uses its own channels");
        const link = this.#linkTo(to);
        return link !== undefined && link.remoteHas(channel) && link.send(channel, bytes);
      },
      sendDatagram: (to, channel, bytes) => this.#sendPartDatagram(to, channel, bytes),
      wake: () => this.#arm(),
    };
  }

  #sendPartDatagram(to: NodeId, channel: string, bytes: Uint8Array): boolean {
    if (!this.#peerDatagramChannels.get(to)?.includes(channel)) return false;
    this.#writer.reset();
    this.#writer.u8(this.#datagramChannels.indexOf(channel)).raw(bytes);
    return this.#socket.send(to, this.#writer.bytes);
  }
}
