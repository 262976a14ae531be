/**
 * A full mesh of links, as a core without I/O: whom to dial and when, who may stay, which of two links
 * goes, and what nodes tell each other when they meet. Membership decides who is alive; this decides
 * who is connected.
 */

import { assert } from "../errors.ts";
import type { BootId, NodeId } from "../ids.ts";
import type { Membership } from "../membership/core.ts";
import { isLiving } from "../membership/members.ts";
import { below, type Random } from "../random.ts";
import { Backoff } from "./backoff.ts";
import type { LinkMessage, MemberEntry, NodeInfo, RefuseReason, Talk } from "./messages.ts";

declare const linkNumberBrand: unique symbol;
/** Names one connection of this node. */
export type LinkNumber = number & { readonly [linkNumberBrand]: true };

/** By which way a node became known first. `incoming`: it called us. */
export type FoundBy = "hosts" | "peers" | "mdns" | "members" | "incoming";

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
  /** All that it may be dialled at, the likeliest first. */
  readonly addresses: readonly string[];
}

interface Peer {
  readonly id: NodeId;
  info: NodeInfo | undefined;
  foundBy: FoundBy;
  /** The link that is up. */
  link: LinkNumber | undefined;
  addresses: string[];
  readonly backoff: Backoff;
  dialAt: number;
  dialling: boolean;
}

/** An address to dial that is not yet known to belong to a node. */
interface Target {
  readonly address: string;
  readonly foundBy: FoundBy;
  peer: NodeId | undefined;
  isSelf: boolean;
  readonly backoff: Backoff;
  dialAt: number;
  dialling: boolean;
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

/** Dials under way at a time. */
const MAX_DIALS = 8;
/** Addresses of unknown nodes that are kept; far above any hosts list. */
export const MAX_TARGETS = 512;
const MAX_PEER_ADDRESSES = 8;
/** The node with the higher ID waits this much longer, so that two seldom dial each other at once. */
const HIGHER_ID_DELAY_MS = 200;
/** A link that is up must confirm within this time when another wants its place. */
const CONFIRM_MS = 1_000;
/** Hello to ready may take this long. */
const OPENING_LIMIT_MS = 5_000;

export class Mesh {
  readonly #options: MeshOptions;
  readonly #membership: Membership;
  readonly #random: Random;
  readonly #peers = new Map<NodeId, Peer>();
  readonly #targets = new Map<string, Target>();
  readonly #links = new Map<LinkNumber, LinkState>();
  /** The same links, by who is at the other end. */
  readonly #linksOf = new Map<NodeId, Set<LinkState>>();
  readonly #dials = new Map<number, Peer | Target>();
  readonly #openingUntil = new Map<LinkNumber, number>();
  #nextDial = 1;
  #stopping = false;
  #effects: MeshEffect[] = [];

  constructor(options: MeshOptions) {
    this.#options = options;
    this.#membership = options.membership;
    this.#random = options.random;
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

  // -- whom to look for ---------------------------------------------------------------------------

  /** An address where a node may be, and which one, if somebody said so. Known ones are left as they are. */
  addTarget(now: number, address: string, foundBy: FoundBy, hint?: NodeId): void {
    if (this.#targets.has(address) || this.#targets.size >= MAX_TARGETS) return;
    this.#targets.set(address, {
      address,
      foundBy,
      peer: hint,
      isSelf: hint === this.#options.self,
      backoff: new Backoff(),
      dialAt: now,
      dialling: false,
    });
  }

  /** Nobody is to be found there by that way any more. */
  removeTarget(address: string, foundBy: FoundBy): void {
    if (this.#targets.get(address)?.foundBy === foundBy) this.#targets.delete(address);
  }

  /** A node that was a member last time. */
  addPeer(now: number, id: NodeId, addresses: readonly string[], foundBy: FoundBy): void {
    if (id === this.#options.self) return;
    const peer = this.#peers.get(id) ?? this.#newPeer(now, id, foundBy);
    for (const address of addresses) this.#learnAddress(peer, address, false);
  }

  #newPeer(now: number, id: NodeId, foundBy: FoundBy): Peer {
    const peer: Peer = {
      id,
      info: undefined,
      foundBy,
      link: undefined,
      addresses: [],
      backoff: new Backoff(),
      dialAt: now + this.#headStart(id),
      dialling: false,
    };
    this.#peers.set(id, peer);
    return peer;
  }

  #headStart(id: NodeId): number {
    return this.#options.self < id ? 0 : HIGHER_ID_DELAY_MS;
  }

  #learnAddress(peer: Peer, address: string, first: boolean): void {
    const others = peer.addresses.filter((known) => known !== address);
    if (!first && others.length < peer.addresses.length) return;
    peer.addresses = (first ? [address, ...others] : [...others, address])
      .slice(0, MAX_PEER_ADDRESSES);
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
    const dialled = dial === undefined ? undefined : this.#dials.get(dial);
    const link: LinkState = {
      number,
      peer,
      dialled: dial !== undefined,
      address,
      foundBy: dialled?.foundBy ?? "incoming",
      phase: "opening",
      boot: undefined,
      startedAt: now,
      waiting: undefined,
    };
    this.#links.set(number, link);
    const siblings = this.#linksOf.get(peer) ?? new Set();
    this.#linksOf.set(peer, siblings.add(link));
    this.#openingUntil.set(number, now + OPENING_LIMIT_MS);
    if (dial !== undefined) this.#dialEnded(dial, peer);
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
      wantMembers: dialled === undefined || !("id" in dialled),
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
    else if (link.dialled && link.phase === "opening") this.#backOff(now, peer, link.address);
    for (const rival of this.#rivals(link)) {
      if (rival.waiting !== undefined) this.#admit(now, rival, rival.waiting.hello);
    }
  }

  #disconnected(now: number, peer: Peer, link: LinkState, died: boolean): void {
    peer.link = undefined;
    this.#membership.setReach(peer.id, { link: false });
    if (link.boot !== undefined) {
      this.#event({ type: "disconnected", peer: peer.id, boot: link.boot });
    }
    if (died) this.#membership.doubt(now, peer.id);
    peer.dialAt = now + below(this.#random, 50) + this.#headStart(peer.id);
  }

  dialFailed(now: number, dial: number, reason: string): void {
    const dialled = this.#dialEnded(dial, undefined);
    if (dialled === undefined) return;
    if (dialled.backoff.failures === 0) {
      const addresses = "id" in dialled ? dialled.addresses : [dialled.address];
      this.#event({ type: "dialFailed", addresses, reason });
    }
    dialled.dialAt = now + dialled.backoff.next(this.#random);
  }

  #dialEnded(dial: number, reached: NodeId | undefined): Peer | Target | undefined {
    const dialled = this.#dials.get(dial);
    if (dialled === undefined) return undefined;
    this.#dials.delete(dial);
    dialled.dialling = false;
    if (reached !== undefined && !("id" in dialled)) {
      dialled.peer = reached;
      dialled.isSelf = reached === this.#options.self;
    }
    return dialled;
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
        return this.#refused(now, link, message.reason, message.text);
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
        this.#refuse(rival, "duplicate-id", sameIdText(first, second));
      } else {
        this.#refuse(established, "duplicate-id", sameIdText(second, first));
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
    this.#send(link, {
      type: "welcome",
      ...this.#ownHello(now, link.peer),
      ...(known === undefined ? {} : { known }),
      ...(hello.wantMembers ? { members: this.#memberList(now) } : {}),
    });
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
    peer.backoff.reset();
    this.#membership.setReach(peer.id, { link: true, datagrams: true });
    this.#event({ type: "connected", peer: peer.id, boot: link.boot });
  }

  #takeInfo(now: number, link: LinkState, info: NodeInfo): void {
    const peer = this.#peers.get(link.peer) ?? this.#newPeer(now, link.peer, link.foundBy);
    if (peer.info !== undefined && peer.info.boot !== info.boot) {
      this.#options.forgetKeys(peer.id);
    }
    if (this.#membership.get(peer.id) === undefined) peer.foundBy = link.foundBy;
    this.#learnInfo(now, link, info);
  }

  #learnInfo(now: number, link: LinkState, info: NodeInfo): void {
    const peer = this.#peers.get(link.peer) ?? this.#newPeer(now, link.peer, link.foundBy);
    peer.info = info;
    peer.addresses = [];
    // What was seen to work comes first: the address that we dialled, or the one that it came from.
    const seen = link.dialled ? link.address : withPort(link.address, info.port);
    for (const address of [seen, ...info.addresses]) this.#learnAddress(peer, address, false);
  }

  #learnMembers(now: number, members: readonly MemberEntry[]): void {
    for (const { id, info } of members) {
      if (id === this.#options.self) continue;
      const peer = this.#peers.get(id) ?? this.#newPeer(now, id, "members");
      if (info === undefined || peer.link !== undefined) continue;
      peer.info ??= info;
      for (const address of info.addresses) this.#learnAddress(peer, address, false);
    }
    this.#membership.merge(now, members);
  }

  #memberList(now: number): MemberEntry[] {
    return this.#membership.list(now).map((entry) => {
      if (entry.id === this.#options.self) return { ...entry, info: this.#options.info() };
      const peer = this.#peers.get(entry.id);
      if (peer?.info === undefined) return entry;
      return { ...entry, info: { ...peer.info, addresses: peer.addresses } };
    });
  }

  // -- refusing -----------------------------------------------------------------------------------

  #refuse(link: LinkState, reason: RefuseReason, text: string): void {
    this.#send(link, { type: "refuse", reason, text });
    if (reason !== "duplicate-link" && reason !== "self") {
      this.#event({ type: "refusing", peer: link.peer, address: link.address, reason, text });
    }
    this.#retire(link, reason);
  }

  #refused(now: number, link: LinkState, reason: RefuseReason, text: string): void {
    const { peer: id, address } = link;
    this.#retire(link, `refused: ${reason}`);
    const peer = this.#peers.get(id);
    if (reason === "self") return;
    if (reason === "duplicate-link") {
      if (peer !== undefined) peer.dialAt = now + peer.backoff.next(this.#random);
      return;
    }
    if (reason === "duplicate-id") return this.#event({ type: "mustStop", text });
    this.#event({ type: "refused", peer: id, address, reason, text });
    this.#backOff(now, peer, address);
  }

  /** A call that came to nothing although somebody answered. */
  #backOff(now: number, peer: Peer | undefined, address: string): void {
    for (const dialled of [peer, this.#targets.get(address)]) {
      if (dialled !== undefined) dialled.dialAt = now + dialled.backoff.next(this.#random);
    }
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
      this.#membership.setReach(peer.id, { link: false });
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
    const peer = this.#peers.get(id);
    if (peer !== undefined) peer.dialAt = now + peer.backoff.next(this.#random);
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
    const peer = this.#peers.get(id);
    if (peer === undefined || peer.link !== undefined) return;
    peer.backoff.reset();
    peer.dialAt = now + this.#headStart(id);
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
    this.#send(link, { type: "members", members: this.#memberList(now), answer });
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
    let deadline = Infinity;
    if (!this.#stopping && this.#dials.size < MAX_DIALS) {
      for (const dialled of this.#diallable()) deadline = Math.min(deadline, dialled.dialAt);
    }
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
    for (const dialled of this.#diallable()) {
      if (this.#dials.size >= MAX_DIALS) break;
      if (now >= dialled.dialAt) this.#dial(dialled);
    }
  }

  #dial(dialled: Peer | Target): void {
    const dial = this.#nextDial++;
    dialled.dialling = true;
    this.#dials.set(dial, dialled);
    const addresses = "id" in dialled ? [...dialled.addresses] : [dialled.address];
    this.#effects.push({ kind: "dial", dial, addresses });
  }

  *#diallable(): Generator<Peer | Target> {
    for (const peer of this.#peers.values()) {
      if (this.#wantsDial(peer)) yield peer;
    }
    for (const target of this.#targets.values()) {
      if (!target.dialling && !target.isSelf && !this.#isCovered(target)) yield target;
    }
  }

  #wantsDial(peer: Peer): boolean {
    if (peer.link !== undefined || peer.dialling || peer.addresses.length === 0) return false;
    if (this.#isMeeting(peer.id)) return false;
    if (this.#options.isBanned(peer.id)) return false;
    return this.#membership.get(peer.id)?.state !== "left";
  }

  /** Whether the node at that address is connected, or dialled under its own name. */
  #isCovered(target: Target): boolean {
    if (target.peer === undefined) return false;
    if (this.#isMeeting(target.peer)) return true;
    const peer = this.#peers.get(target.peer);
    if (peer === undefined) return false;
    return peer.link !== undefined || isLiving(this.#membership.get(peer.id)?.state);
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
