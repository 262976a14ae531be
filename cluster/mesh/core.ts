/**
 * A full mesh of links, as a core without I/O: how nodes meet, who may stay, which of two links goes,
 * and what nodes tell each other. Membership decides who is alive; this decides who is connected; the
 * dial plan, whom to call and when.
 */

import { MAX_REMEMBERED } from "../discovery/remembered.ts";
import { assert } from "../errors.ts";
import type { BootId, NodeId } from "../ids.ts";
import type { Membership } from "../membership/core.ts";
import { isLiving } from "../membership/members.ts";
import type { MemberState } from "../membership/messages.ts";
import type { Random } from "../random.ts";
import { DialPlan, type FoundBy } from "./dial_plan.ts";
import {
  type LinkMessage,
  MAX_AGE_MS,
  type MemberEntry,
  type NodeInfo,
  type RefuseReason,
  type Talk,
} from "./messages.ts";

declare const linkNumberBrand: unique symbol;
/** Names one connection of this node. */
export type LinkNumber = number & { readonly [linkNumberBrand]: true };

/** What the mesh wants done. */
export type MeshEffect =
  /** Try these addresses; then `linkUp` or `dialFailed` with the same number. */
  | { readonly kind: "dial"; readonly dial: number; readonly addresses: readonly string[] }
  | { readonly kind: "send"; readonly link: LinkNumber; readonly message: LinkMessage }
  /** Close at once, or first send what is queued. */
  | {
    readonly kind: "close";
    readonly link: LinkNumber;
    readonly reason: string;
    readonly drain: boolean;
  }
  /** How the other side of a link numbers its channels and wants its datagrams sealed. */
  | { readonly kind: "talk"; readonly link: LinkNumber; readonly peer: NodeId; readonly talk: Talk }
  | { readonly kind: "event"; readonly event: MeshEvent };

/** What people and parts may want to know. */
export type MeshEvent =
  | { readonly type: "connected"; readonly peer: NodeId; readonly boot: BootId }
  | { readonly type: "disconnected"; readonly peer: NodeId; readonly boot: BootId }
  /** The first of a row of failed dials. */
  | { readonly type: "dialFailed"; readonly addresses: readonly string[]; readonly reason: string }
  /** The other node says no. */
  | {
    readonly type: "refused";
    readonly peer: NodeId;
    readonly address: string;
    readonly reason: RefuseReason;
    readonly text: string;
  }
  /** We said no. */
  | {
    readonly type: "refusing";
    readonly peer: NodeId;
    readonly address: string;
    readonly reason: RefuseReason;
    readonly text: string;
  }
  /** Another process runs with this node's own ID and has been running longer. */
  | { readonly type: "mustStop"; readonly text: string };

/** What is known of another node beside its state. */
export interface PeerView {
  readonly id: NodeId;
  readonly info: NodeInfo | undefined;
  readonly foundBy: FoundBy;
  readonly link: LinkNumber | undefined;
  /** Whether it was ever connected. */
  readonly met: boolean;
}

interface Peer {
  readonly id: NodeId;
  info: NodeInfo | undefined;
  foundBy: FoundBy;
  /** The link that is up. */
  link: LinkNumber | undefined;
  /** Whether there ever was one, in this run or, as remembered, in the last. */
  met: boolean;
}

interface Hello {
  readonly info: NodeInfo;
  readonly talk: Talk;
  readonly incarnation: number;
  readonly uptimeMs: number;
  readonly wantMembers: boolean;
}

type Known = NonNullable<(LinkMessage & { readonly type: "welcome" })["known"]>;

interface LinkState {
  readonly number: LinkNumber;
  readonly peer: NodeId;
  readonly dialled: boolean;
  readonly address: string;
  readonly foundBy: FoundBy;
  phase: "opening" | "welcomed" | "up" | "closing";
  boot: BootId | undefined;
  /** When the other process started, by our clock. */
  startedAt: number;
  /** A hello that waits for the verdict on the link that is up. */
  waiting: { readonly hello: Hello; readonly until: number } | undefined;
}

export interface MeshOptions {
  readonly self: NodeId;
  readonly boot: BootId;
  readonly random: Random;
  readonly membership: Membership;
  readonly startedAt: number;
  /** What this node says of itself; may change while it runs. */
  readonly info: () => NodeInfo;
  /** Channels, and a fresh key for datagrams from that peer. */
  readonly talkTo: (peer: NodeId) => Talk;
  /** That run of the peer is over: its datagram keys are of no use any more. */
  readonly forgetKeys: (peer: NodeId) => void;
  readonly isBanned: (peer: NodeId) => boolean;
}

/** A link that is up must confirm within this time when another wants its place. */
const CONFIRM_MS = 1_000;
/** Members in one message; the longest entries take 5 kB each. */
const LIST_PIECE = 64;
/** Hello to ready may take this long. */
const OPENING_LIMIT_MS = 5_000;

export class Mesh {
  readonly #options: MeshOptions;
  readonly #membership: Membership;
  readonly #plan: DialPlan;
  readonly #peers = new Map<NodeId, Peer>();
  readonly #links = new Map<LinkNumber, LinkState>();
  /** The same links, by who is at the other end. */
  readonly #linksOf = new Map<NodeId, Set<LinkState>>();
  readonly #openingUntil = new Map<LinkNumber, number>();
  #stopping = false;
  #effects: MeshEffect[] = [];

  constructor(options: MeshOptions) {
    this.#options = options;
    this.#membership = options.membership;
    this.#plan = new DialPlan({
      self: options.self,
      random: options.random,
      isSettled: (id) =>
        this.#peers.get(id)?.link !== undefined || this.#isMeeting(id) || options.isBanned(id),
      hasLeft: (id) => this.#membership.get(id)?.state === "left",
      isLiving: (id) => isLiving(this.#membership.get(id)?.state),
    });
  }

  takeEffects(): MeshEffect[] {
    const effects = this.#effects;
    this.#effects = [];
    return effects;
  }

  peer(id: NodeId): PeerView | undefined {
    return this.#peers.get(id);
  }

  peers(): IterableIterator<PeerView> {
    return this.#peers.values();
  }

  /** All that a node may be dialled at, the likeliest first. */
  addressesOf(id: NodeId): readonly string[] {
    return this.#plan.addressesOf(id);
  }

  /** Nobody is being called and nobody is left to call. */
  get hasCalledAll(): boolean {
    return this.#plan.isDone;
  }

  // -- whom to look for ---------------------------------------------------------------------------

  /** An address where a node may be, and which one, if somebody said so. */
  addTarget(now: number, address: string, foundBy: FoundBy, hint?: NodeId): void {
    this.#plan.addTarget(now, address, foundBy, hint);
  }

  /** Nobody is to be found there by that way any more. */
  removeTarget(address: string, foundBy: FoundBy): void {
    this.#plan.removeTarget(address, foundBy);
  }

  /** A node that was a member last time. */
  addPeer(now: number, id: NodeId, addresses: readonly string[], foundBy: FoundBy): void {
    if (id === this.#options.self) return;
    this.#peerOf(now, id, foundBy).met = true;
    this.#plan.addAddresses(id, addresses);
  }

  #peerOf(now: number, id: NodeId, foundBy: FoundBy): Peer {
    const known = this.#peers.get(id);
    if (known !== undefined) return known;
    const peer: Peer = { id, info: undefined, foundBy, link: undefined, met: false };
    this.#peers.set(id, peer);
    this.#plan.addNode(now, id);
    return peer;
  }

  // -- links --------------------------------------------------------------------------------------

  /** A connection is through its handshake; `dial` is set if we opened it. */
  linkUp(
    now: number,
    number: LinkNumber,
    peer: NodeId,
    address: string,
    dial: number | undefined,
  ): void {
    const found = dial === undefined ? undefined : this.#plan.reached(now, dial, peer, address);
    const link: LinkState = {
      number,
      peer,
      dialled: dial !== undefined,
      address,
      foundBy: found ?? (dial === undefined ? "incoming" : "members"),
      phase: "opening",
      boot: undefined,
      startedAt: now,
      waiting: undefined,
    };
    this.#links.set(number, link);
    const siblings = this.#linksOf.get(peer) ?? new Set();
    this.#linksOf.set(peer, siblings.add(link));
    this.#openingUntil.set(number, now + OPENING_LIMIT_MS);
    if (this.#stopping) return this.#close(link, "stopping");
    if (this.#options.isBanned(peer)) {
      return this.#refuse(link, "banned", "this node is banned here");
    }
    if (!link.dialled) return;

    if (this.#rivals(link).some(({ phase }) => phase === "up" || phase === "welcomed")) {
      return this.#close(link, "connected already");
    }
    this.#send(link, {
      type: "hello",
      ...this.#ownHello(now, peer),
      wantMembers: found !== undefined || this.#membership.get(peer) === undefined,
    });
  }

  linkDown(now: number, number: LinkNumber, died: boolean): void {
    const link = this.#links.get(number);
    if (link === undefined) return;
    this.#links.delete(number);
    const siblings = this.#linksOf.get(link.peer);
    siblings?.delete(link);
    if (siblings?.size === 0) this.#linksOf.delete(link.peer);
    this.#openingUntil.delete(number);
    const peer = this.#peers.get(link.peer);
    if (peer?.link === number) this.#disconnected(now, peer, link, died);
    for (const rival of this.#rivals(link)) {
      if (rival.waiting !== undefined) this.#admit(now, rival, rival.waiting.hello);
    }
  }

  #disconnected(now: number, peer: Peer, link: LinkState, died: boolean): void {
    peer.link = undefined;
    this.#membership.unreachable(peer.id, "link");
    if (link.boot !== undefined) {
      this.#event({ type: "disconnected", peer: peer.id, boot: link.boot });
    }
    if (died) this.#membership.doubt(now, peer.id);
    this.#plan.disconnected(now, peer.id);
  }

  dialFailed(now: number, dial: number, reason: string): void {
    const addresses = this.#plan.failed(now, dial);
    if (addresses !== undefined) this.#event({ type: "dialFailed", addresses, reason });
  }

  receive(now: number, number: LinkNumber, message: LinkMessage): void {
    const link = this.#links.get(number);
    if (link === undefined || link.phase === "closing") return;
    switch (message.type) {
      case "hello":
        if (link.dialled || link.phase !== "opening") {
          return this.#close(link, "hello out of order");
        }
        return this.#receiveHello(now, link, message);
      case "welcome":
        if (!link.dialled || link.phase !== "opening") {
          return this.#close(link, "welcome out of order");
        }
        return this.#receiveWelcome(now, link, message);
      case "ready":
        if (link.phase !== "welcomed") return this.#close(link, "ready out of order");
        return this.#connect(now, link, message.incarnation);
      case "refuse":
        return this.#refused(now, link, message);
      case "members":
        this.#learnMembers(now, message.members);
        if (message.answer) this.sendMembers(now, link.peer, false);
        return;
      case "info":
        return this.#learnInfo(now, link, message.info);
      case "leave":
        this.#membership.merge(now, [
          { id: link.peer, incarnation: message.incarnation, state: "left", ageMs: 0 },
        ]);
        return;
      case "ask":
        return this.#send(link, { type: "answer" });
      case "answer":
        return this.#confirmed(now, link);
    }
  }

  // -- meeting ------------------------------------------------------------------------------------

  #ownHello(now: number, peer: NodeId): Omit<Hello, "wantMembers"> {
    return {
      info: this.#options.info(),
      talk: this.#options.talkTo(peer),
      incarnation: this.#membership.incarnation,
      uptimeMs: Math.round(now - this.#options.startedAt),
    };
  }

  #receiveHello(now: number, link: LinkState, hello: Hello): void {
    link.boot = hello.info.boot;
    link.startedAt = now - hello.uptimeMs;
    if (link.peer === this.#options.self) return this.#meetSelf(now, link, hello);
    const rivals = this.#rivals(link);
    const established = rivals.find(({ phase }) => phase === "up" || phase === "welcomed");
    if (established !== undefined) {
      // Is it still there? The answer, or its absence, decides; see #confirmed and tick.
      link.waiting = { hello, until: now + CONFIRM_MS };
      this.#send(established, { type: "ask" });
      return;
    }
    // Both dialled at once: the lower ID's call stays, as the other side sees it too.
    if (rivals.some(({ dialled }) => dialled) && this.#options.self < link.peer) {
      return this.#refuse(link, "duplicate-link", "the other connection stays");
    }
    this.#admit(now, link, hello);
  }

  /** A connection to oneself, or another process with the same key pair. */
  #meetSelf(now: number, link: LinkState, hello: Hello): void {
    if (hello.info.boot === this.#options.boot) {
      return this.#refuse(link, "self", "a node called itself");
    }
    if (hello.uptimeMs > now - this.#options.startedAt) {
      this.#close(link, "the same ID");
      const text = sameIdText(described(hello.info), described(this.#options.info()));
      return this.#event({ type: "mustStop", text });
    }
    const text = sameIdText(described(this.#options.info()), described(hello.info));
    this.#refuse(link, "duplicate-id", text);
  }

  /** The link that is up has answered: whoever wants its place must go, or was there first. */
  #confirmed(now: number, established: LinkState): void {
    for (const rival of this.#rivals(established)) {
      if (rival.waiting === undefined) continue;
      const { hello } = rival.waiting;
      if (hello.info.boot === established.boot) {
        this.#refuse(rival, "duplicate-link", "the other connection stays");
        continue;
      }
      const known = this.#peers.get(established.peer)?.info;
      const first = known === undefined ? established.address : described(known);
      const second = described(hello.info);
      if (rival.startedAt >= established.startedAt) {
        const twin = this.addressesOf(established.peer);
        this.#refuse(rival, "duplicate-id", sameIdText(first, second), twin);
      } else {
        const twin = hello.info.addresses;
        this.#refuse(established, "duplicate-id", sameIdText(second, first), twin);
        this.#admit(now, rival, hello);
      }
    }
  }

  /** Welcomes a dialler. Other links to it, of this run or of one that is over, go. */
  #admit(now: number, link: LinkState, hello: Hello): void {
    link.waiting = undefined;
    if (link.phase !== "opening") return;
    const known = this.#believedOf(link.peer);
    this.#closeRivals(now, link);
    this.#takeInfo(now, link, hello.info);
    this.#effects.push({ kind: "talk", link: link.number, peer: link.peer, talk: hello.talk });
    link.phase = "welcomed";
    const [first, ...rest] = this.#memberList(now);
    this.#send(link, {
      type: "welcome",
      ...this.#ownHello(now, link.peer),
      ...(known === undefined ? {} : { known }),
      ...(hello.wantMembers ? { members: first } : {}),
    });
    for (const members of hello.wantMembers ? rest : []) {
      this.#send(link, { type: "members", members, answer: false });
    }
  }

  /** What is believed of a node before it has said anything new. */
  #believedOf(id: NodeId): Known | undefined {
    const member = this.#membership.get(id);
    if (member === undefined) return undefined;
    const boot = this.#peers.get(id)?.info?.boot;
    const { incarnation, state } = member;
    return boot === undefined ? { incarnation, state } : { boot, incarnation, state };
  }

  #receiveWelcome(
    now: number,
    link: LinkState,
    welcome: LinkMessage & { readonly type: "welcome" },
  ): void {
    link.boot = welcome.info.boot;
    link.startedAt = now - welcome.uptimeMs;
    this.#closeRivals(now, link);
    this.#takeInfo(now, link, welcome.info);
    this.#effects.push({ kind: "talk", link: link.number, peer: link.peer, talk: welcome.talk });
    const { known } = welcome;
    // What is said of a former run, or of this one when it was taken for dead, has to be outdone.
    if (known !== undefined && (known.boot !== this.#options.boot || known.state !== "alive")) {
      this.#membership.continueAbove(now, known.incarnation);
    }
    this.#send(link, { type: "ready", incarnation: this.#membership.incarnation });
    this.#connect(now, link, welcome.incarnation);
    if (welcome.members !== undefined) this.#learnMembers(now, welcome.members);
  }

  #connect(now: number, link: LinkState, incarnation: number): void {
    if (!this.#membership.join(now, link.peer, incarnation)) {
      return this.#refuse(link, "full", "this cluster holds as many members as it may");
    }
    link.phase = "up";
    this.#openingUntil.delete(link.number);
    const peer = this.#peers.get(link.peer);
    assert(peer !== undefined && link.boot !== undefined, "a node that said hello is known");
    peer.link = link.number;
    peer.met = true;
    this.#plan.connected(peer.id);
    this.#membership.reachable(now, peer.id);
    this.#event({ type: "connected", peer: peer.id, boot: link.boot });
  }

  #takeInfo(now: number, link: LinkState, info: NodeInfo): void {
    const peer = this.#peerOf(now, link.peer, link.foundBy);
    if (this.#membership.get(peer.id) === undefined && !peer.met) peer.foundBy = link.foundBy;
    this.#learnInfo(now, link, info);
  }

  #learnInfo(now: number, link: LinkState, info: NodeInfo): void {
    this.#peerOf(now, link.peer, link.foundBy).info = info;
    // What was seen to work comes first: the address that we dialled, or the one that it came from.
    const seen = link.dialled ? link.address : withPort(link.address, info.port);
    this.#plan.setAddresses(link.peer, [seen, ...info.addresses]);
  }

  #learnMembers(now: number, members: readonly MemberEntry[]): void {
    this.#membership.merge(now, members);
    for (const { id, info } of members) {
      // Only who became a member: what is kept of others has no limit of its own.
      if (id === this.#options.self || this.#membership.get(id) === undefined) continue;
      const peer = this.#peerOf(now, id, "members");
      if (info === undefined || peer.link !== undefined) continue;
      peer.info ??= info;
      this.#plan.addAddresses(id, info.addresses);
    }
  }

  /** All members, in pieces that each fit into one message. */
  #memberList(now: number): [MemberEntry[], ...MemberEntry[][]] {
    const entries = this.#membership.list(now).map((told): MemberEntry => {
      const entry = { ...told, ageMs: Math.min(MAX_AGE_MS, told.ageMs) };
      if (entry.id === this.#options.self) return { ...entry, info: this.#options.info() };
      const info = this.#peers.get(entry.id)?.info;
      if (info === undefined) return entry;
      return { ...entry, info: { ...info, addresses: [...this.addressesOf(entry.id)] } };
    });
    const rest: MemberEntry[][] = [];
    for (let at = LIST_PIECE; at < entries.length; at += LIST_PIECE) {
      rest.push(entries.slice(at, at + LIST_PIECE));
    }
    return [entries.slice(0, LIST_PIECE), ...rest];
  }

  // -- refusing -----------------------------------------------------------------------------------

  #refuse(
    link: LinkState,
    reason: RefuseReason,
    text: string,
    addresses: readonly string[] = [],
  ): void {
    const where = addresses.length === 0 ? {} : { addresses: [...addresses] };
    this.#send(link, { type: "refuse", reason, text, ...where });
    if (reason !== "duplicate-link" && reason !== "self") {
      this.#event({ type: "refusing", peer: link.peer, address: link.address, reason, text });
    }
    this.#retire(link, reason);
  }

  #refused(now: number, link: LinkState, refusal: LinkMessage & { readonly type: "refuse" }): void {
    const { peer, address } = link;
    const { reason, text, addresses = [] } = refusal;
    this.#retire(link, `refused: ${reason}`);
    if (reason === "self" || reason === "duplicate-link") return;
    if (reason === "duplicate-id") {
      // Only who has this node's own key can tell it to stop. Where others say so, it looks itself.
      if (peer === this.#options.self) return this.#event({ type: "mustStop", text });
      for (const twin of addresses) this.addTarget(now, twin, "members");
    }
    this.#event({ type: "refused", peer, address, reason, text });
  }

  /** Ends a link after what is queued has been sent. */
  #retire(link: LinkState, reason: string): void {
    if (link.phase === "closing") return;
    const wasUp = link.phase === "up";
    link.phase = "closing";
    link.waiting = undefined;
    const peer = this.#peers.get(link.peer);
    if (wasUp && peer?.link === link.number) {
      peer.link = undefined;
      this.#membership.unreachable(peer.id, "link");
      if (link.boot !== undefined) {
        this.#event({ type: "disconnected", peer: peer.id, boot: link.boot });
      }
    }
    this.#effects.push({ kind: "close", link: link.number, reason, drain: true });
  }

  #close(link: LinkState, reason: string): void {
    this.#effects.push({ kind: "close", link: link.number, reason, drain: false });
  }

  /** The other links to the same node that are not on their way out. */
  #rivals(link: LinkState): LinkState[] {
    return [...this.#linksOf.get(link.peer) ?? []]
      .filter((other) => other !== link && other.phase !== "closing");
  }

  #closeRivals(now: number, link: LinkState): void {
    for (const rival of this.#rivals(link)) {
      const peer = this.#peers.get(rival.peer);
      if (peer?.link === rival.number) this.#disconnected(now, peer, rival, false);
      this.#retire(rival, "replaced by another connection");
    }
  }

  // -- what membership says -----------------------------------------------------------------------

  /** A member was declared failed: its link is of no use any more. */
  memberFailed(now: number, id: NodeId): void {
    this.#dropLink(id, "declared failed");
    this.#plan.later(now, id);
  }

  /** It said goodbye, or so we hear: old news, if a new run of it is introducing itself. */
  memberLeft(id: NodeId): void {
    this.#dropLink(id, "left");
    if (!this.#isMeeting(id)) this.#options.forgetKeys(id);
  }

  /** Whether a link to it is being opened. */
  #isMeeting(id: NodeId): boolean {
    for (const { phase } of this.#linksOf.get(id) ?? []) {
      if (phase === "opening" || phase === "welcomed") return true;
    }
    return false;
  }

  /** It is back, or new: dial it at once if we must. */
  memberAlive(now: number, id: NodeId): void {
    if (this.#peers.get(id)?.link === undefined) this.#plan.soon(now, id);
  }

  /** Membership knows it no more. Whom we met and who did not say goodbye is called on. */
  memberForgotten(id: NodeId, state: MemberState): void {
    const peer = this.#peers.get(id);
    if (peer === undefined || this.#linksOf.has(id)) return;
    this.#options.forgetKeys(id);
    if (!peer.met || state === "left") return this.#forget(id);
    const strangers = [...this.#peers.keys()]
      .filter((other) => this.#membership.get(other) === undefined);
    for (const other of strangers.slice(0, -MAX_REMEMBERED)) this.#forget(other);
  }

  #forget(id: NodeId): void {
    this.#peers.delete(id);
    this.#plan.forget(id);
  }

  banned(id: NodeId): void {
    for (const link of [...this.#links.values()]) {
      if (link.peer === id && link.phase !== "closing") {
        this.#refuse(link, "banned", "this node is banned here");
      }
    }
    this.#options.forgetKeys(id);
  }

  #dropLink(id: NodeId, reason: string): void {
    for (const link of [...this.#links.values()]) {
      if (link.peer === id && link.phase === "up") this.#retire(link, reason);
    }
  }

  /** Sends the full list to a member over its link. */
  sendMembers(now: number, id: NodeId, answer: boolean): void {
    const number = this.#peers.get(id)?.link;
    const link = number === undefined ? undefined : this.#links.get(number);
    if (link === undefined) return;
    const pieces = this.#memberList(now);
    pieces.forEach((members, index) => {
      const last = index === pieces.length - 1;
      this.#send(link, { type: "members", members, answer: answer && last });
    });
  }

  /** What this node says of itself has changed, such as its addresses. */
  sendInfo(): void {
    for (const link of this.#links.values()) {
      if (link.phase === "up") this.#send(link, { type: "info", info: this.#options.info() });
    }
  }

  /** Says goodbye on all links; nothing is dialled or accepted from now on. */
  stop(): void {
    this.#stopping = true;
    for (const link of [...this.#links.values()]) {
      if (link.phase === "up") {
        this.#send(link, { type: "leave", incarnation: this.#membership.incarnation });
      }
      this.#retire(link, "leaving");
    }
  }

  // -- time ---------------------------------------------------------------------------------------

  deadline(): number {
    let deadline = this.#stopping ? Infinity : this.#plan.deadline();
    for (const { waiting } of this.#links.values()) {
      if (waiting !== undefined) deadline = Math.min(deadline, waiting.until);
    }
    for (const until of this.#openingUntil.values()) deadline = Math.min(deadline, until);
    return deadline;
  }

  tick(now: number): void {
    for (const [number, until] of [...this.#openingUntil]) {
      const link = this.#links.get(number);
      if (now < until) continue;
      this.#openingUntil.delete(number);
      if (link !== undefined) this.#close(link, "did not introduce itself in time");
    }
    for (const link of [...this.#links.values()]) {
      // The link that is up did not confirm: its end of it is gone.
      if (link.waiting !== undefined && now >= link.waiting.until) {
        this.#admit(now, link, link.waiting.hello);
      }
    }
    if (this.#stopping) return;
    for (const dial of this.#plan.start(now)) this.#effects.push({ kind: "dial", ...dial });
  }

  #send(link: LinkState, message: LinkMessage): void {
    this.#effects.push({ kind: "send", link: link.number, message });
  }

  #event(event: MeshEvent): void {
    this.#effects.push({ kind: "event", event });
  }
}

function withPort(address: string, port: number): string {
  return address.replace(/:\d+$/, `:${port}`);
}

function described({ alias, addresses }: NodeInfo): string {
  return `"${alias}" at ${addresses[0] ?? "an unknown address"}`;
}

function sameIdText(older: string, newer: string): string {
  return `two nodes have one ID: ${older} was there first, ${newer} must go`;
}
