/** A simulated host with one node on it: the real cores, driven by the world. */

import { ByteWriter } from "../bytes.ts";
import type { BootId, NodeId } from "../ids.ts";
import { nodeIdOfBytes } from "../ids.ts";
import type { MembershipConfig } from "../membership/config.ts";
import { decodeMessage, encodeMessage, type Message } from "../membership/messages.ts";
import type { LinkNumber } from "../mesh/core.ts";
import { decodeLinkMessage, encodeLinkMessage, type Talk } from "../mesh/messages.ts";
import {
  MEMBERSHIP_CHANNEL,
  MESH_CHANNEL,
  NodeCore,
  type NodeEffect,
  type NodeEvent,
} from "../node_core.ts";
import type { SeededRandom } from "../random.ts";
import { DATAGRAM_OVERHEAD_BYTES } from "../transport/datagrams.ts";
import { MAX_HANDSHAKE_BYTES, PROTOCOL_VERSIONS } from "../transport/handshake.ts";
import { DIAL_LIMIT_MS } from "../transport/connect.ts";
import { NODE_CHANNELS } from "../channels.ts";
import type { ChannelSpec } from "../transport/mux.ts";
import { Disk } from "./disk.ts";
import { LinkEnd, type LinkOwner } from "./link.ts";
import { SimulatedKeys } from "./keys.ts";
import type { Network } from "./network.ts";
import { MS, type World } from "./world.ts";

/** Datagrams that the kernel keeps for a program that does not read. */
const SOCKET_BUFFER_DATAGRAMS = 256;
/** The channel number before every datagram's payload. */
const CHANNEL_NUMBER_BYTES = 1;

/** A part of the program on a simulated node, such as the reminder. */
export interface SimulatedPart {
  readonly name: string;
  readonly channels: readonly ChannelSpec[];
  /** The node has started; whatever the part kept in memory before is gone. */
  start(node: SimulatedNode): void;
  event(event: NodeEvent): void;
  receive(from: NodeId, channel: string, bytes: Uint8Array): void;
  tick(now: number): void;
  deadline(): number;
}

export interface SimulatedNodeOptions {
  readonly index: number;
  readonly config: MembershipConfig;
  /** Addresses that the node is configured to dial. */
  readonly hosts: readonly string[];
  readonly parts?: readonly SimulatedPart[];
}

export class SimulatedNode implements LinkOwner {
  readonly name: string;
  readonly id: NodeId;
  readonly address: string;
  readonly channels: readonly ChannelSpec[];
  readonly parts: readonly SimulatedPart[];
  readonly disk: Disk;
  powered = true;
  running = false;
  core!: NodeCore;
  random!: SeededRandom;
  bytesSent = 0;
  datagramsSent = 0;
  /** Datagrams that came with a key that is not known here. */
  datagramsDropped = 0;
  dialsStarted = 0;
  /** Nodes that this one turns away. */
  readonly banned = new Set<NodeId>();
  /** Added to the world's time to give this host's wall clock, in milliseconds. */
  clockErrorMs = 0;
  onEvent: (event: NodeEvent) => void = () => {};
  readonly #world: World;
  readonly #network: Network;
  readonly #find: (address: string) => SimulatedNode | undefined;
  readonly #byId: (id: NodeId) => SimulatedNode | undefined;
  readonly #options: SimulatedNodeOptions;
  readonly #links = new Map<LinkNumber, LinkEnd>();
  readonly #keys = new SimulatedKeys();
  readonly #writer = new ByteWriter();
  #held: (() => void)[] = [];
  #paused = false;
  #boot = 0;
  #nextLink = 1;
  #flushing = false;
  #wakeAt = Infinity;
  #generation = 0;

  constructor(
    world: World,
    network: Network,
    directory: {
      readonly byAddress: (address: string) => SimulatedNode | undefined;
      readonly byId: (id: NodeId) => SimulatedNode | undefined;
    },
    options: SimulatedNodeOptions,
  ) {
    this.#world = world;
    this.#network = network;
    this.#find = directory.byAddress;
    this.#byId = directory.byId;
    this.#options = options;
    this.name = `n${options.index}`;
    this.address = `10.0.${Math.floor(options.index / 250)}.${options.index % 250 + 1}:2254`;
    const dice = world.random.fork(`identity ${options.index}`);
    const bytes = Uint8Array.from({ length: 16 }, () => dice.u32() & 0xff);
    this.id = nodeIdOfBytes(bytes);
    this.disk = new Disk(world, world.random.fork(`disk ${options.index}`));
    this.parts = options.parts ?? [];
    this.channels = [...NODE_CHANNELS, ...this.parts.flatMap(({ channels }) => channels)];
  }

  get world(): World {
    return this.#world;
  }

  wallMs(): number {
    return Math.floor(this.#world.nowMs) + WORLD_EPOCH_MS + this.clockErrorMs;
  }

  sent(bytes: number): void {
    this.bytesSent += bytes;
  }

  // -- life ---------------------------------------------------------------------------------------

  start(): void {
    this.powered = true;
    this.running = true;
    this.#paused = false;
    this.#boot++;
    this.#generation++;
    this.#wakeAt = Infinity;
    this.#flushing = false;
    this.random = this.#world.random.fork(`node ${this.#options.index} ${this.#boot}`);
    this.core = new NodeCore({
      self: this.id,
      boot: this.#bootId(),
      config: this.#options.config,
      random: this.random,
      now: this.#world.nowMs,
      wallMs: () => this.wallMs(),
      info: () => ({
        boot: this.#bootId(),
        alias: this.name,
        addresses: [this.address],
        port: 2254,
        parts: this.parts.map(({ name }) => name),
        versions: PROTOCOL_VERSIONS,
      }),
      talkTo: (peer) => this.#talkTo(peer),
      forgetKeys: (peer) => this.#keys.drop(peer),
      isBanned: (id) => this.banned.has(id),
    });
    for (const host of this.#options.hosts) {
      if (host !== this.address) this.core.mesh.addTarget(this.#world.nowMs, host, "hosts");
    }
    for (const part of this.parts) part.start(this);
    this.#world.note(this.name, "starts");
    this.flush();
  }

  /** `kill`: the process dies, the kernel closes its connections. `power`: all is silent at once. */
  crash(how: "kill" | "power"): void {
    this.#world.note(this.name, `crashes (${how})`);
    this.running = false;
    this.#generation++;
    this.#held = [];
    this.#keys.clear();
    this.disk.crash();
    if (how === "power") this.powered = false;
    for (const link of this.#links.values()) {
      if (how === "power") link.vanish();
      else link.close();
    }
    this.#links.clear();
  }

  leave(): void {
    this.#world.note(this.name, "leaves");
    this.core.leave(this.#world.nowMs);
    this.flush();
    this.#world.after(100 * MS, () => this.crash("kill"));
  }

  pause(microseconds: number): void {
    this.#world.note(this.name, `stands still for ${microseconds / MS} ms`);
    this.#paused = true;
    const generation = this.#generation;
    this.#world.after(microseconds, () => {
      if (generation !== this.#generation) return;
      this.#paused = false;
      const held = this.#held;
      this.#held = [];
      for (const happen of held) happen();
    });
  }

  whenRunning(happen: () => void): void {
    if (!this.running) return;
    if (this.#paused) this.#held.push(happen);
    else happen();
  }

  /** A part's deadline has changed. */
  wake(): void {
    if (!this.#flushing) this.flush();
  }

  // -- driving the cores --------------------------------------------------------------------------

  /** Does what the cores want done and arms the next tick. To be called after every input. */
  flush(): void {
    if (!this.running) return;
    this.#flushing = true;
    const now = this.#world.nowMs;
    let effects = this.core.takeEffects(now);
    while (effects.length > 0) {
      for (const effect of effects) this.#do(effect);
      effects = this.core.takeEffects(now);
    }
    this.#flushing = false;
    let deadline = this.core.deadline();
    for (const part of this.parts) deadline = Math.min(deadline, part.deadline());
    if (deadline === Infinity) return;
    const at = this.#world.dueAt(deadline);
    if (at >= this.#wakeAt) return;
    this.#wakeAt = at;
    const generation = this.#generation;
    this.#world.at(at, () => {
      if (generation !== this.#generation) return;
      this.whenRunning(() => this.#tick(at));
    });
  }

  #tick(armedFor: number): void {
    // A nearer wake-up was armed since; that one does the work.
    if (armedFor !== this.#wakeAt) return;
    this.#wakeAt = Infinity;
    const now = this.#world.nowMs;
    this.core.tick(now);
    for (const part of this.parts) if (now >= part.deadline()) part.tick(now);
    this.flush();
  }

  #do(effect: NodeEffect): void {
    switch (effect.kind) {
      case "membership": {
        const { to, via, message } = effect.outgoing;
        if (via === "datagram") return this.#sendMembership(to, message);
        const bytes = this.#encode(message);
        this.#linkTo(to)?.send(MEMBERSHIP_CHANNEL, bytes.slice());
        return;
      }
      case "send":
        this.#links.get(effect.link)?.send(MESH_CHANNEL, encodeLinkMessage(effect.message));
        return;
      case "close": {
        const link = this.#links.get(effect.link);
        if (link === undefined) return;
        this.#links.delete(effect.link);
        if (effect.drain) link.drain();
        else link.close();
        this.core.linkDown(this.#world.nowMs, effect.link, false);
        return;
      }
      case "talk":
        this.#links.get(effect.link)?.setRemoteChannels(effect.talk.channels);
        this.#keys.use(effect.peer, effect.talk.datagramKeyId);
        return;
      case "dial":
        return this.#dial(effect.dial, effect.addresses);
      case "event": {
        const { event } = effect;
        if (event.type === "member") {
          const name = this.#byId(event.id)?.name ?? event.id;
          this.#world.note(this.name, `${name} is ${event.state} (${event.incarnation})`);
        }
        this.onEvent(event);
        for (const part of this.parts) part.event(event);
      }
    }
  }

  #encode(message: Message): Uint8Array {
    this.#writer.reset();
    encodeMessage(this.#writer, message);
    return this.#writer.bytes;
  }

  #sendMembership(to: NodeId, message: Message): void {
    const bytes = this.#encode(message).slice();
    this.#sendDatagram(to, bytes.length, (peer) => {
      const now = this.#world.nowMs;
      peer.core.receiveMembership(now, this.id, decodeMessage(bytes), "datagram");
    });
  }

  /** False without a key for `to`. */
  #sendDatagram(to: NodeId, bytes: number, take: (peer: SimulatedNode) => void): boolean {
    const peer = this.#byId(to);
    const key = this.#keys.sealing(to);
    if (peer === undefined || key === undefined) return false;
    this.datagramsSent++;
    const size = bytes + CHANNEL_NUMBER_BYTES + DATAGRAM_OVERHEAD_BYTES;
    this.#network.sendDatagram(
      this,
      peer,
      size,
      () => peer.#receiveDatagram(key, () => take(peer)),
    );
    return true;
  }

  #receiveDatagram(key: string, take: () => void): void {
    if (this.#paused && this.#held.length >= SOCKET_BUFFER_DATAGRAMS) return;
    this.whenRunning(() => {
      if (!this.#keys.opens(key)) {
        this.datagramsDropped++;
        return;
      }
      take();
      this.flush();
    });
  }

  #dial(dial: number, addresses: readonly string[]): void {
    this.dialsStarted++;
    const generation = this.#generation;
    const target = this.#find(addresses[0]!);
    const finish = (happen: () => void) => {
      if (generation !== this.#generation) return;
      this.whenRunning(() => {
        happen();
        this.flush();
      });
    };
    if (target === undefined) {
      this.#world.after(
        MS,
        () => finish(() => this.core.dialFailed(this.#world.nowMs, dial, "unresolved")),
      );
      return;
    }
    this.#network.dial(
      this,
      target,
      DIAL_LIMIT_MS * MS,
      MAX_HANDSHAKE_BYTES,
      (result) =>
        finish(() => {
          if (result !== "connected") {
            return this.core.dialFailed(this.#world.nowMs, dial, result);
          }
          const here = new LinkEnd(this.#world, this, this.#newLinkNumber());
          const there = new LinkEnd(this.#world, target, target.#newLinkNumber());
          LinkEnd.join(this.#network, here, there);
          this.#links.set(here.number, here);
          target.#links.set(there.number, there);
          target.whenRunning(() => {
            const callersAddress = this.address.replace(/:\d+$/, ":40000");
            const now = this.#world.nowMs;
            target.core.linkUp(now, there.number, this.id, callersAddress, undefined);
            target.flush();
          });
          this.core.linkUp(this.#world.nowMs, here.number, target.id, target.address, dial);
        }),
    );
  }

  #newLinkNumber(): LinkNumber {
    return this.#nextLink++ as LinkNumber;
  }

  #linkTo(id: NodeId): LinkEnd | undefined {
    const number = this.core.mesh.peer(id)?.link;
    return number === undefined ? undefined : this.#links.get(number);
  }

  // -- what links bring ---------------------------------------------------------------------------

  linkMessage(link: LinkEnd, channel: ChannelSpec, bytes: Uint8Array): void {
    const now = this.#world.nowMs;
    const from = (link.remote as SimulatedNode).id;
    if (channel.name === MESH_CHANNEL) {
      const message = decodeLinkMessage(bytes);
      if (message !== undefined) this.core.receiveLinkMessage(now, link.number, message);
    } else if (channel.name === MEMBERSHIP_CHANNEL) {
      this.core.receiveMembership(now, from, decodeMessage(bytes), "link");
    } else {
      this.#partOf(channel.name)?.receive(from, channel.name, bytes);
    }
    this.flush();
  }

  linkEnded(link: LinkEnd, died: boolean): void {
    if (!this.#links.delete(link.number)) return;
    this.core.linkDown(this.#world.nowMs, link.number, died);
    this.flush();
  }

  // -- what parts use -----------------------------------------------------------------------------

  #partOf(channel: string): SimulatedPart | undefined {
    return this.parts.find(({ channels }) => channels.some(({ name }) => name === channel));
  }

  sendPart(to: NodeId, channel: string, bytes: Uint8Array): boolean {
    return this.#linkTo(to)?.send(channel, bytes) ?? false;
  }

  sendPartDatagram(to: NodeId, channel: string, bytes: Uint8Array): boolean {
    return this.#sendDatagram(
      to,
      bytes.length,
      (peer) => peer.#partOf(channel)?.receive(this.id, channel, bytes),
    );
  }

  #bootId(): BootId {
    return this.#boot.toString(16).padStart(32, "0") as BootId;
  }

  #talkTo(peer: NodeId): Talk {
    return {
      channels: this.channels.map(({ name }) => name),
      datagramChannels: [MEMBERSHIP_CHANNEL, ...this.parts.map(({ name }) => name)],
      datagramKeyId: this.#keys.issue(peer),
      datagramKey: new Uint8Array(32),
    };
  }
}

/** The world begins on 2026-01-01, by correct clocks. */
const WORLD_EPOCH_MS = 1_767_225_600_000;
