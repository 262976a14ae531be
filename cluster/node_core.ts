/**
 * One node without its sockets: membership and mesh together, and the cluster's clock. The driver in
 * node.ts and the simulator run this very class.
 */

import type { BootId, NodeId } from "./ids.ts";
import type { MembershipConfig } from "./membership/config.ts";
import {
  type MemberChange,
  Membership,
  type MemberView,
  type Outgoing,
} from "./membership/core.ts";
import { isLiving } from "./membership/members.ts";
import type { Message } from "./membership/messages.ts";
import {
  type LinkNumber,
  Mesh,
  type MeshEffect,
  type MeshEvent,
  type PeerView,
} from "./mesh/core.ts";
import type { LinkMessage, NodeInfo, Talk } from "./mesh/messages.ts";
import type { Random } from "./random.ts";

/** The channel of mesh messages, the first on every link. */
export const MESH_CHANNEL = "mesh";
/** The channel of membership messages, on links and in datagrams. */
export const MEMBERSHIP_CHANNEL = "membership";

/** Something that people and parts may want to know. */
export type NodeEvent =
  | MeshEvent
  | ({ readonly type: "member" } & MemberChange);

/** What the driver is to do. */
export type NodeEffect =
  | Exclude<MeshEffect, { readonly kind: "event" }>
  | { readonly kind: "membership"; readonly outgoing: Outgoing }
  | { readonly kind: "event"; readonly event: NodeEvent };

export interface NodeCoreOptions {
  readonly self: NodeId;
  readonly boot: BootId;
  readonly config: MembershipConfig;
  readonly random: Random;
  /** Monotonic time of the start, in milliseconds, as are all times here. */
  readonly now: number;
  readonly wallMs: () => number;
  readonly info: () => NodeInfo;
  readonly talkTo: (peer: NodeId) => Talk;
  readonly forgetKeys: (peer: NodeId) => void;
  readonly isBanned: (peer: NodeId) => boolean;
}

export class NodeCore {
  readonly membership: Membership;
  readonly mesh: Mesh;

  constructor(options: NodeCoreOptions) {
    const { self, boot, random, now } = options;
    this.membership = new Membership(options);
    this.mesh = new Mesh({
      self,
      boot,
      random,
      membership: this.membership,
      startedAt: now,
      info: options.info,
      talkTo: options.talkTo,
      forgetKeys: (peer) => {
        this.membership.unreachable(peer, "datagrams");
        options.forgetKeys(peer);
      },
      isBanned: options.isBanned,
    });
  }

  // -- what happens -------------------------------------------------------------------------------

  linkUp(
    now: number,
    link: LinkNumber,
    peer: NodeId,
    address: string,
    dial: number | undefined,
  ): void {
    this.mesh.linkUp(now, link, peer, address, dial);
  }

  /** `died`: the other side ended it without a word. */
  linkDown(now: number, link: LinkNumber, died: boolean): void {
    this.mesh.linkDown(now, link, died);
  }

  dialFailed(now: number, dial: number, reason: string): void {
    this.mesh.dialFailed(now, dial, reason);
  }

  receiveLinkMessage(now: number, link: LinkNumber, message: LinkMessage): void {
    this.mesh.receive(now, link, message);
  }

  receiveMembership(now: number, from: NodeId, message: Message, via: "datagram" | "link"): void {
    this.membership.receive(now, from, message, via);
  }

  /** `isBanned` says yes of this node from now on: it is turned away. */
  ban(now: number, id: NodeId): void {
    this.mesh.banned(id);
    this.membership.expel(now, id);
  }

  leave(now: number): void {
    this.membership.leave(now);
    this.mesh.stop();
  }

  tick(now: number): void {
    this.membership.tick(now);
    this.mesh.tick(now);
  }

  deadline(): number {
    return Math.min(this.membership.deadline(), this.mesh.deadline());
  }

  // -- what comes out -----------------------------------------------------------------------------

  /** All that is to be done by now, in order. */
  takeEffects(now: number): NodeEffect[] {
    const effects: NodeEffect[] = [];
    for (const change of this.membership.takeChanges()) {
      this.#tellMesh(now, change);
      effects.push({ kind: "event", event: { type: "member", ...change } });
    }
    for (const { id, state } of this.membership.takeForgotten()) {
      this.mesh.memberForgotten(id, state);
    }
    for (const peer of this.membership.takeListWanted()) this.mesh.sendMembers(now, peer, true);
    for (const effect of this.mesh.takeEffects()) effects.push(effect);
    for (const outgoing of this.membership.takeOutgoing()) {
      effects.push({ kind: "membership", outgoing });
    }
    return effects;
  }

  #tellMesh(now: number, { id, state, before }: MemberChange): void {
    if (state === "failed") this.mesh.memberFailed(now, id);
    else if (state === "left") this.mesh.memberLeft(id);
    else if (state === "alive" && before !== "suspect") this.mesh.memberAlive(now, id);
  }

  // -- what can be asked --------------------------------------------------------------------------

  member(id: NodeId): (MemberView & { readonly peer: PeerView | undefined }) | undefined {
    const member = this.membership.get(id);
    return member && { ...member, peer: this.mesh.peer(id) };
  }

  /** Whether a member lives and a link to it is up. */
  isConnected(id: NodeId): boolean {
    return this.mesh.peer(id)?.link !== undefined && isLiving(this.membership.get(id)?.state);
  }

  /** The living members that a link leads to. */
  connected(): NodeId[] {
    const ids: NodeId[] = [];
    for (const { id } of this.membership.members()) if (this.isConnected(id)) ids.push(id);
    return ids;
  }

  /** Members that have failed. */
  away(): NodeId[] {
    return this.membership.members().filter(({ state }) => state === "failed").map(({ id }) => id);
  }

  /** The wall clock of one living member now, as far as known. */
  clockMsOf(now: number, id: NodeId): number | undefined {
    const deltaMs = this.membership.get(id)?.clockDeltaMs;
    return deltaMs === undefined ? undefined : deltaMs + now;
  }

  /** The median of the clocks of all living members, this node included. */
  clusterMs(now: number): number {
    return this.membership.clusterMs(now);
  }
}
