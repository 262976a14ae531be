/**
 * Who is there: SWIM (Das, Gupta and Motivala 2002) with the ideas of Lifeguard (Dadgar et al. 2018),
 * as a core without I/O. Time, dice and messages come in; messages and changes come out.
 *
 * Each period a node pings one other. No answer: it asks three more to ping, and asks over the link
 * as well. Still nothing: it suspects, and says so; the suspect may refute by raising its
 * incarnation, and is asked for a last word over every link before the verdict falls. Claims travel
 * on pings, acks and gossip; hashes of the views, on every ping and ack, show where some got lost.
 */

import { upperMedian } from "../clock.ts";
import { assert } from "../errors.ts";
import type { NodeId } from "../ids.ts";
import { isPlanted } from "../planted.ts";
import { below, type Random } from "../random.ts";
import type { MembershipConfig } from "./config.ts";
import { GossipQueue, tellLimit } from "./gossip_queue.ts";
import { isLiving, type Member, Members, supersedes } from "./members.ts";
import {
  MAX_INCARNATION,
  MAX_UPDATES,
  type MemberState,
  type Message,
  type Update,
  type Via,
} from "./messages.ts";
import { Prober } from "./prober.ts";
import { Suspicion } from "./suspicion.ts";
import { sameView, sourceOf, type ViewHash } from "./view_hash.ts";

export interface Outgoing {
  readonly to: NodeId;
  readonly via: Via;
  readonly message: Message;
}

/** A change of one member's state, as this node sees it. */
export interface MemberChange {
  readonly id: NodeId;
  /** Undefined for a member that was not known before. */
  readonly before: MemberState | undefined;
  readonly state: MemberState;
  readonly incarnation: number;
}

/** A member that is not kept any more, and what was believed of it last. */
export interface Forgotten {
  readonly id: NodeId;
  readonly state: MemberState;
}

/** One line of a full list, as exchanged over links. */
export interface ListEntry {
  readonly id: NodeId;
  readonly incarnation: number;
  readonly state: MemberState;
  /** Since when, as an age: clocks differ. */
  readonly ageMs: number;
}

/** One member as this node sees it. */
export type MemberView = Readonly<Omit<Member, "suspicion">>;

export interface MembershipOptions {
  readonly self: NodeId;
  readonly config: MembershipConfig;
  readonly random: Random;
  /** Monotonic time of the start, in milliseconds, as are all times here. */
  readonly now: number;
  /** The wall clock, milliseconds since 1970; told to others, never used for timing. */
  readonly wallMs: () => number;
  /** Nodes that are not to be members, whatever they or others say. */
  readonly isBanned?: (id: NodeId) => boolean;
}

/** Two differing hashes in a row, and no news under way, mean that news was lost. */
const MISMATCHES = 2;
const PRUNE_PERIOD_MS = 10_000;
/**
 * A claim this far above what is known is a fault or a lie: incarnations rise by one. It could not be
 * outdone, and would shut a member out.
 */
const MAX_STEP = 1_000;
/** How often the turns of probing are set by the cluster's clock. */
const CLOCK_REVIEW_MS = 5_000;

export class Membership {
  readonly #options: MembershipOptions;
  readonly #self: NodeId;
  readonly #config: MembershipConfig;
  readonly #random: Random;
  readonly #members: Members;
  readonly #prober: Prober;
  readonly #gossip = new GossipQueue();
  readonly #suspects = new Set<Member>();
  /** Probed in vain in this tick. */
  readonly #unanswered: Member[] = [];
  #clusterDeltaMs = 0;
  #clockReviewAt = -Infinity;
  #incarnation = 0;
  #leaving = false;
  #mismatches = 0;
  #listAllowedAt = 0;
  #nextGossipAt = Infinity;
  #nextReclaimAt: number;
  #nextPruneAt: number;
  /** The deadline that the driver was told last; a tick much later means that we stood still. */
  #toldDeadline = Infinity;
  #outgoing: Outgoing[] = [];
  #changes: MemberChange[] = [];
  #listWanted: NodeId[] = [];
  #forgotten: Forgotten[] = [];

  constructor(options: MembershipOptions) {
    const { self, config, random, now } = options;
    this.#options = options;
    this.#self = self;
    this.#config = config;
    this.#random = random;
    this.#members = new Members(random);
    this.#prober = new Prober(self, config, random, this.#members, {
      clusterMs: (now) => this.#steadyClusterMs(now),
      ping: (target, sequence, via) => this.#ping(target, sequence, via),
      pingRequest: (helper, sequence, target) =>
        this.#send(helper.id, "datagram", {
          type: "pingRequest",
          sequence,
          target: target.id,
          updates: this.#updatesFor(helper),
        }),
      // An ack in the target's name; view and clock are ours, which does no harm.
      ack: (to, sequence) =>
        this.#send(to, "datagram", this.#pingOrAck("ack", sequence, this.#members.get(to))),
      nack: (to, sequence) => this.#send(to, "datagram", { type: "nack", sequence }),
      unanswered: (target) => this.#unanswered.push(target),
    }, now);
    this.#nextReclaimAt = now + below(random, config.reclaimPeriodMs);
    this.#nextPruneAt = now + PRUNE_PERIOD_MS;
    if (this.#members.gone === 0) return;
  }

  // -- what came out ------------------------------------------------------------------------------

  takeOutgoing(): Outgoing[] {
    const outgoing = this.#outgoing;
    this.#outgoing = [];
    return outgoing;
  }

  takeChanges(): MemberChange[] {
    const changes = this.#changes;
    this.#changes = [];
    return changes;
  }

  /** Members with whom full lists are to be exchanged over the link. */
  takeListWanted(): NodeId[] {
    const wanted = this.#listWanted;
    this.#listWanted = [];
    return wanted;
  }

  /** Members that are not kept any more, in the state that they were last in. */
  takeForgotten(): Forgotten[] {
    const forgotten = this.#forgotten;
    this.#forgotten = [];
    return forgotten;
  }

  // -- what can be asked --------------------------------------------------------------------------

  get incarnation(): number {
    return this.#incarnation;
  }

  get viewHash(): ViewHash {
    return this.#members.viewWith(this.#self, this.#incarnation);
  }

  /** 0 (well) to 4 (this node itself is slow or badly connected). */
  get health(): number {
    return this.#prober.health;
  }

  /** Members that are neither failed nor left, this node included. */
  get living(): number {
    return this.#members.living + 1;
  }

  get(id: NodeId): MemberView | undefined {
    return this.#members.get(id);
  }

  /** The median of the wall clocks of all living members, this node included. */
  clusterMs(now: number): number {
    const clocks = [this.#options.wallMs()];
    for (const { state, clockDeltaMs } of this.#members.all()) {
      if (isLiving(state) && clockDeltaMs !== undefined) clocks.push(clockDeltaMs + now);
    }
    return Math.round(upperMedian(clocks)!);
  }

  /** The same, looked at once in a while only: good enough for taking turns. */
  #steadyClusterMs(now: number): number {
    if (now >= this.#clockReviewAt) {
      this.#clockReviewAt = now + CLOCK_REVIEW_MS;
      this.#clusterDeltaMs = this.clusterMs(now) - now;
    }
    return now + this.#clusterDeltaMs;
  }

  /** All other members, in the order in which they became known. */
  members(): readonly MemberView[] {
    return this.#members.all();
  }

  /** The full list for a peer, this node included. */
  list(now: number): ListEntry[] {
    const { id, incarnation, state } = this.#ownUpdate();
    return [
      { id, incarnation, state, ageMs: 0 },
      ...this.#members.all().map(({ id, incarnation, state, changedAt }) => ({
        id,
        incarnation,
        state,
        ageMs: Math.round(now - changedAt),
      })),
    ];
  }

  // -- what happens -------------------------------------------------------------------------------

  /** A member proved over a link that it is there. False if it cannot be one. */
  join(now: number, id: NodeId, incarnation: number): boolean {
    assert(id !== this.#self, "a node does not join itself");
    if (this.#members.get(id) === undefined) {
      if (!this.#add(now, id, incarnation, "alive", 0)) return false;
      this.#enqueue(now, this.#claimAbout(this.#members.get(id)!));
    }
    const member = this.#members.get(id)!;
    // What it says of itself beats what cannot be true.
    if (member.incarnation > incarnation + MAX_STEP) {
      this.#change(now, member, { id, incarnation, state: "alive", source: sourceOf(id) });
    }
    this.#apply(now, { id, incarnation, state: "alive", source: sourceOf(id) });
    return true;
  }

  /** What others know of this node from its former run: it goes on above that. */
  continueAbove(now: number, incarnation: number): void {
    if (incarnation < this.#incarnation || incarnation > this.#incarnation + MAX_STEP) return;
    this.#goAbove(incarnation);
    this.#enqueue(now, this.#ownUpdate());
  }

  /** Saturates: at the top nothing can be outdone any more, but nothing breaks either. */
  #goAbove(incarnation: number): void {
    this.#incarnation = Math.min(MAX_INCARNATION, incarnation + 1);
  }

  /** Takes in a full list. A claim that somebody failed only makes us suspect, so it can refute. */
  merge(now: number, list: readonly ListEntry[]): void {
    for (const { id, incarnation, state, ageMs } of list) {
      const known = this.#members.get(id);
      if (id !== this.#self && known === undefined) {
        // Not passed on: whom the sender knows, the others mostly know; hashes show where not.
        if (ageMs < this.#keepMs(state)) this.#add(now, id, incarnation, state, ageMs);
        continue;
      }
      const believed = state === "failed" && isLiving(known?.state) ? "suspect" : state;
      this.#apply(now, { id, incarnation, state: believed, source: sourceOf(this.#self) });
    }
  }

  /** A node was banned: it is gone, and every member that knows of the ban says the same. */
  expel(now: number, id: NodeId): void {
    const member = this.#members.get(id);
    if (member !== undefined) this.#apply(now, { ...this.#claimAbout(member), state: "left" });
  }

  /** A link to `id` is up, and keys for datagrams were exchanged. */
  reachable(now: number, id: NodeId): void {
    const member = this.#members.get(id);
    if (member === undefined) return;
    member.datagrams = member.link = true;
    if (!this.#gossip.isEmpty && this.#nextGossipAt === Infinity) this.#nextGossipAt = now;
  }

  /** From now on not by this way. */
  unreachable(id: NodeId, way: "datagrams" | "link"): void {
    const member = this.#members.get(id);
    if (member !== undefined) member[way] = false;
  }

  /** Something speaks against a member, such as the end of its link: probe it now. */
  doubt(now: number, id: NodeId): void {
    const member = this.#members.get(id);
    if (member !== undefined && isLiving(member.state)) this.#prober.probeNow(now, member);
  }

  receive(now: number, from: NodeId, message: Message, via: Via): void {
    const sender = this.#members.get(from);
    if (message.type !== "nack") this.#receiveUpdates(now, from, message.updates, via);
    switch (message.type) {
      case "ping":
        this.#noteClock(now, sender, message.clockMs);
        this.#compareView(now, from, message.view);
        this.#send(from, via, this.#pingOrAck("ack", message.sequence, sender));
        return;
      case "ack":
        this.#noteClock(now, sender, message.clockMs);
        this.#compareView(now, from, message.view);
        this.#prober.receiveAck(now, sender, message.sequence, via);
        break;
      case "pingRequest": {
        const target = this.#members.get(message.target);
        if (target !== undefined) this.#prober.relay(now, from, message.sequence, target);
        return;
      }
      case "nack":
        this.#prober.receiveNack(message.sequence);
        break;
      case "gossip":
        // Not told what we think of it: two that hold each other for failed would never stop.
        return;
    }
    if (sender?.state === "failed") this.#tellIt(sender, via);
  }

  /** Says goodbye: from now on this node is `left` in its own and soon in all other views. */
  leave(now: number): void {
    if (this.#leaving) return;
    this.#leaving = true;
    this.#enqueue(now, this.#ownUpdate());
    for (const { id } of this.#members.pick(this.living)) {
      this.#send(id, "datagram", { type: "gossip", updates: [this.#ownUpdate()] });
    }
  }

  deadline(): number {
    let deadline = Math.min(
      this.#prober.deadline(),
      this.#nextGossipAt,
      this.#nextReclaimAt,
      this.#nextPruneAt,
    );
    for (const suspect of this.#suspects) {
      deadline = Math.min(deadline, this.#suspicionDeadline(suspect));
    }
    this.#toldDeadline = deadline;
    return deadline;
  }

  tick(now: number): void {
    if (now - this.#toldDeadline > this.#config.pauseGuardMs) this.#forgiveAfterPause(now);
    this.#toldDeadline = Infinity;
    this.#tickSuspicions(now);
    this.#prober.tick(now);
    for (const target of this.#unanswered.splice(0)) this.#suspect(now, target);
    if (now >= this.#nextReclaimAt) this.#reclaim(now);
    if (now >= this.#nextGossipAt) this.#gossipRound(now);
    if (now >= this.#nextPruneAt) this.#prune(now);
  }

  // -- claims -------------------------------------------------------------------------------------

  #receiveUpdates(now: number, from: NodeId, updates: readonly Update[], via: Via): void {
    for (const update of updates) this.#receiveUpdate(now, from, update);
    // Who thinks ill of us is answered at once, and not left to chance.
    if (updates.some(({ id, state }) => id === this.#self && state !== "alive")) {
      if (!isPlanted("no-refutation")) {
        this.#send(from, via, { type: "gossip", updates: [this.#ownUpdate()] });
      }
    }
  }

  #receiveUpdate(now: number, from: NodeId, update: Update): void {
    if (update.id !== this.#self && this.#members.get(update.id) === undefined) {
      // A claim about a stranger: its name and addresses come with a full list.
      if (isLiving(update.state)) this.#wantList(now, from);
      return;
    }
    this.#apply(now, update);
  }

  #apply(now: number, update: Update): void {
    if (update.id === this.#self) return this.#applyToSelf(now, update);
    const member = this.#members.get(update.id);
    assert(member !== undefined, "claims about strangers are handled before");
    if (update.incarnation > member.incarnation + MAX_STEP) return;
    if (isLiving(update.state) && this.#options.isBanned?.(update.id)) return;
    if (update.state === "suspect" && member.state === "suspect") {
      return this.#confirm(now, member, update);
    }
    if (supersedes(update, member)) this.#change(now, member, update);
  }

  #applyToSelf(now: number, { incarnation, state }: Update): void {
    if (this.#leaving) return;
    if (state === "alive") {
      const plausible = incarnation <= this.#incarnation + MAX_STEP;
      if (plausible) this.#incarnation = Math.max(this.#incarnation, incarnation);
      return;
    }
    if (incarnation < this.#incarnation || isPlanted("no-refutation")) return;
    if (incarnation > this.#incarnation + MAX_STEP) return;
    this.#goAbove(incarnation);
    this.#prober.adjustHealth(1);
    this.#enqueue(now, this.#ownUpdate());
  }

  /** Another node suspects the same member: passed on if its word is independent. */
  #confirm(now: number, member: Member, update: Update): void {
    if (update.incarnation > member.incarnation) {
      this.#change(now, member, update);
    } else if (update.incarnation === member.incarnation) {
      if (member.suspicion?.confirm(update.source)) this.#enqueue(now, update);
    }
  }

  #change(now: number, member: Member, update: Update): void {
    const before = member.state;
    const { id, incarnation, state } = update;
    this.#members.change(id, { incarnation, state }, now);
    this.#setSuspicion(now, member, update.source);
    if (!isLiving(state)) this.#prober.removed(member);
    if (isLiving(state) !== isLiving(before)) this.#prober.membersChanged();
    if (before !== state) this.#changes.push({ id, before, state, incarnation });
    this.#enqueue(now, update);
  }

  #setSuspicion(now: number, member: Member, source: number): void {
    this.#suspects.delete(member);
    member.suspicion = undefined;
    if (member.state !== "suspect") return;
    member.suspicion = new Suspicion(now, source);
    this.#suspects.add(member);
  }

  #add(now: number, id: NodeId, incarnation: number, state: MemberState, ageMs: number): boolean {
    if (isLiving(state) && this.#options.isBanned?.(id)) return false;
    if (this.living + 1 > this.#config.maxMembers) return false;
    while (this.#members.size + 1 >= this.#config.maxMembers) {
      const gone = this.#members.longestGone();
      if (gone === undefined) return false;
      this.#forget(gone);
    }
    const member = this.#members.add(id, { incarnation, state }, now - ageMs);
    this.#setSuspicion(now, member, sourceOf(this.#self));
    this.#prober.membersChanged();
    this.#changes.push({ id, before: undefined, state, incarnation });
    return true;
  }

  #forget(member: Member): void {
    this.#members.forget(member.id);
    this.#prober.removed(member);
    this.#prober.membersChanged();
    this.#gossip.drop(member.id);
    this.#forgotten.push({ id: member.id, state: member.state });
  }

  #prune(now: number): void {
    this.#nextPruneAt = now + PRUNE_PERIOD_MS;
    for (const member of [...this.#members.all()]) {
      if (now - member.changedAt >= this.#keepMs(member.state)) this.#forget(member);
    }
  }

  #keepMs(state: MemberState): number {
    switch (state) {
      case "alive":
      case "suspect":
        return Infinity;
      case "failed":
        return this.#config.forgetFailedMs;
      case "left":
        return this.#config.forgetLeftMs;
    }
  }

  // -- suspicions ---------------------------------------------------------------------------------

  #suspect(now: number, member: Member): void {
    if (isLiving(member.state)) this.#apply(now, { ...this.#claimAbout(member), state: "suspect" });
  }

  #suspicionDeadline({ suspicion, link }: Member): number {
    assert(suspicion !== undefined, "a suspect has a suspicion");
    const endsAt = this.#suspicionEnd(suspicion);
    if (suspicion.lastWordAsked || !link) return endsAt;
    return Math.min(endsAt, suspicion.startedAt + this.#config.lastWordAfterMs);
  }

  #suspicionEnd(suspicion: Suspicion): number {
    const lastsMs = suspicion.endsAt(this.#config, this.living) - suspicion.startedAt;
    return suspicion.startedAt + lastsMs * this.#prober.patience;
  }

  #tickSuspicions(now: number): void {
    for (const suspect of [...this.#suspects]) {
      const { suspicion } = suspect;
      if (suspicion === undefined || now < this.#suspicionDeadline(suspect)) continue;
      if (now >= this.#suspicionEnd(suspicion)) {
        this.#apply(now, { ...this.#claimAbout(suspect), state: "failed" });
      } else {
        suspicion.lastWordAsked = true;
        this.#ping(suspect, this.#prober.nextSequence(), "link");
      }
    }
  }

  /** This process stood still: its probes and suspicions prove nothing, and it knows that now. */
  #forgiveAfterPause(now: number): void {
    this.#prober.forgive(now);
    for (const { suspicion } of this.#suspects) {
      if (suspicion !== undefined) suspicion.startedAt = now;
    }
  }

  /** Pings one failed member: it may be back, or the network between us. */
  #reclaim(now: number): void {
    const { reclaimPeriodMs } = this.#config;
    this.#nextReclaimAt = now + reclaimPeriodMs / 2 + below(this.#random, reclaimPeriodMs);
    if (isPlanted("no-reclaim") || this.#members.gone === 0) return;
    const failed = this.#members.all()
      .filter(({ state, datagrams }) => state === "failed" && datagrams);
    const target = failed[below(this.#random, failed.length)];
    if (target !== undefined) this.#ping(target, this.#prober.nextSequence(), "datagram");
  }

  // -- news ---------------------------------------------------------------------------------------

  #enqueue(now: number, update: Update): void {
    this.#gossip.push(update);
    if (this.#nextGossipAt === Infinity) this.#nextGossipAt = now;
  }

  #gossipRound(now: number): void {
    // Whoever is alone would spread its verdicts of before when it is back among the others; they
    // learn its view, and it theirs, from full lists.
    if (this.#members.living === 0) this.#gossip.clear();
    const targets = this.#members.pick(this.#config.gossipFanout);
    for (const target of targets) {
      const updates = this.#updatesFor(target);
      if (updates.length > 0) this.#send(target.id, "datagram", { type: "gossip", updates });
    }
    // With nobody to tell, the news waits until somebody can be reached.
    const done = this.#gossip.isEmpty || targets.length === 0;
    this.#nextGossipAt = done ? Infinity : now + this.#config.gossipPeriodMs;
  }

  /** News for `to`; if we think ill of it, that comes first, so that it can refute. */
  #updatesFor(to: Member | undefined): Update[] {
    const limit = tellLimit(this.#config.gossipRepeat, this.living);
    if (to === undefined || to.state === "alive") return this.#gossip.take(MAX_UPDATES, limit);
    return [this.#claimAbout(to), ...this.#gossip.take(MAX_UPDATES - 1, limit, to.id)];
  }

  #claimAbout({ id, incarnation, state }: Member): Update {
    return { id, incarnation, state, source: sourceOf(this.#self) };
  }

  #ownUpdate(): Update {
    return {
      id: this.#self,
      incarnation: this.#incarnation,
      state: this.#leaving ? "left" : "alive",
      source: sourceOf(this.#self),
    };
  }

  /** A member that we hold for failed speaks to us: tell it, and it will refute. */
  #tellIt(sender: Member, via: Via): void {
    this.#send(sender.id, via, { type: "gossip", updates: [this.#claimAbout(sender)] });
  }

  #compareView(now: number, from: NodeId, view: ViewHash): void {
    if (sameView(view, this.viewHash)) {
      this.#mismatches = 0;
    } else if (this.#gossip.isEmpty && this.#suspects.size === 0 && !this.#leaving) {
      if (++this.#mismatches >= MISMATCHES) this.#wantList(now, from);
    }
  }

  #wantList(now: number, from: NodeId): void {
    if (isPlanted("no-list-exchange")) return;
    if (now < this.#listAllowedAt || !this.#members.get(from)?.link) return;
    this.#listAllowedAt = now + this.#config.listPeriodMs;
    this.#mismatches = 0;
    this.#listWanted.push(from);
  }

  // -- messages -----------------------------------------------------------------------------------

  #ping(target: Member, sequence: number, via: Via): void {
    this.#send(target.id, via, this.#pingOrAck("ping", sequence, target));
  }

  #pingOrAck(type: "ping" | "ack", sequence: number, to: Member | undefined): Message {
    return {
      type,
      sequence,
      view: this.viewHash,
      clockMs: this.#options.wallMs(),
      updates: this.#updatesFor(to),
    };
  }

  #send(to: NodeId, via: Via, message: Message): void {
    this.#outgoing.push({ to, via, message });
  }

  /** The time on the way is left out: clocks that matter are off by more than that. */
  #noteClock(now: number, member: Member | undefined, clockMs: number): void {
    if (member !== undefined) member.clockDeltaMs = clockMs - now;
  }
}
