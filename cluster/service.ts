/** How a part of the program (reminder, kv, vm) plugs into a node. */

import type { ControlMethods } from "./control.ts";
import type { NodeId } from "./ids.ts";
import type { Log } from "./log.ts";
import type { MemberReport } from "./member_report.ts";
import type { NodeEvent } from "./node_core.ts";
import type { Random } from "./random.ts";
import type { ChannelSpec } from "./transport/mux.ts";

/** A part. Its callbacks run on the node's loop and must return soon. */
export interface Service {
  /** As in `toolkit cluster members`. */
  readonly name: string;
  /** What it speaks over links, each name beginning with the part's. */
  readonly channels: readonly ChannelSpec[];
  /** Kinds of datagrams that it sends and takes. */
  readonly datagramChannels: readonly string[];
  /** What it answers over the control socket, each name beginning with the part's. */
  readonly methods: ControlMethods;
  /** Loads what it kept; the node is not connected to anybody yet. */
  start(node: ServiceNode): Promise<void>;
  /** Puts everything in order before the node leaves. */
  stop(): Promise<void>;
  event(event: NodeEvent): void;
  /** A message on one of its channels. A promise holds back bulk credit until it is settled. */
  receive(from: NodeId, channel: string, bytes: Uint8Array): void | Promise<void>;
  receiveDatagram(from: NodeId, channel: string, bytes: Uint8Array): void;
  /** Monotonic milliseconds when `tick` wants to be called, Infinity for never. */
  deadline(): number;
  tick(now: number): void;
}

/** What a part gets of its node. */
export interface ServiceNode {
  readonly id: NodeId;
  readonly alias: string;
  readonly log: Log;
  readonly random: Random;
  /** A file of this name in the data dir. */
  file(name: string): string;
  /** Monotonic milliseconds. */
  now(): number;
  /** The median of the living members' wall clocks, milliseconds since 1970. */
  clusterMs(): number;
  /** One member's wall clock, as far as known. */
  clockMsOf(id: NodeId): number | undefined;
  /** Living members that a link leads to, without this node. */
  connected(): NodeId[];
  /** Members that have failed, and may come back. */
  away(): NodeId[];
  /** This node first, then all others that it knows of. */
  members(): readonly MemberReport[];
  /** A member's alias, or the start of its ID. */
  nameOf(id: NodeId): string;
  /** False if there is no link, the queue is full or the other side does not know the channel. */
  send(to: NodeId, channel: string, bytes: Uint8Array): boolean;
  /** False if there is no key or it is too long. What is sent may still get lost. */
  sendDatagram(to: NodeId, channel: string, bytes: Uint8Array): boolean;
  /** The part's deadline has changed. */
  wake(): void;
}
