/**
 * Who is there: SWIM (Das, Gupta and Motivala 2002) with the ideas of Lifeguard (Dadgar et al. 2018),
 * as a core without I/O. Time, dice and messages come in; messages and changes come out.
 *
 * Each period a node pings one other. No answer: it asks three more to ping, and asks over the link
 * as well. Still nothing: it suspects, and says so; the suspect may refute by raising its
 * incarnation, and is asked for a last word over every link before the verdict falls. Claims travel
 * on pings, acks and gossip; hashes of the views, on every ping and ack, show where some got lost.
 */

import { assert } from "../errors.ts";
import type { NodeId } from "../identity.ts";
import { below, type Random, shuffle } from "../random.ts";
import type { MembershipConfig } from "./config.ts";
import { GossipQueue, tellLimit } from "./gossip_queue.ts";
import {
  MAX_UPDATES,
  MEMBER_STATES,
  type MemberState,
  type Message,
  type Update,
} from "./messages.ts";
import { Suspicion } from "./suspicion.ts";
import { RunningViewHash, sameView, sourceOf, type ViewHash } from "./view_hash.ts";

/** How a message travels. */
export type Via = "datagram" | "link";

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

/** One line of a full list, as exchanged over links. */
export interface ListEntry {
  readonly id: NodeId;
  readonly incarnation: number;
  readonly state: MemberState;
  /** Since when, as an age: clocks differ. */
  readonly ageMs: number;
}

/** One member as this node sees it. */
export interface MemberView {
  readonly id: NodeId;
  readonly incarnation: number;
  readonly state: MemberState;
  /** Monotonic time of the last change of state. */
  readonly changedAt: number;
  /** Smoothed round-trip time of direct probes. */
  readonly rttMs: number | undefined;
  /** The member's wall clock minus our monotonic clock. */
  readonly clockDeltaMs: number | undefined;
}

interface Member {
  readonly id: NodeId;
  incarnation: number;
  state: MemberState;
  changedAt: number;
  /** Whether we hold a key for datagrams to it. */
  datagrams: boolean;
  /** Whether a link to it is up. */
  link: boolean;
  rttMs: number | undefined;
  clockDeltaMs: number | undefined;
  suspicion: Suspicion | undefined;
}

interface Probe {
  readonly target: Member;
  readonly sequence: number;
  readonly startedAt: number;
  readonly endsAt: number;
  stage: "direct" | "resent" | "indirect";
  answered: boolean;
  /** Helpers asked, and helpers that said at least that they are there. */
  asked: number;
  nacks: number;
}

/** A ping on behalf of another node. */
interface Relay {
  readonly requester: NodeId;
  readonly requesterSequence: number;
  readonly expiresAt: number;
  nackAt: number;
}

/** Local health (Lifeguard, IV.A): 0 is well; each point slows our own accusations down. */
const MAX_HEALTH = 4;
const HEALTH_PERIOD_STEP = 0.5;
/** A helper says that it has no answer yet after this part of the direct timeout, in percent. */
const NACK_PERCENT = 80;
/** Two differing hashes in a row, and no news under way, mean that news was lost. */
const MISMATCHES = 2;
const RTT_SMOOTHING = 8;
const PRUNE_PERIOD_MS = 10_000;
/** Relays kept for others; far above what honest members ask for. */
const MAX_RELAYS = 1_024;

export class Membership {
  readonly #self: NodeId;
  readonly #config: MembershipConfig;
  readonly #random: Random;
  readonly #wallMs: () => number;
  readonly #members = new Map<NodeId, Member>();
  /** The same members, for picking one at random. */
  readonly #row: Member[] = [];
  readonly #gossip = new GossipQueue();
  readonly #view = new RunningViewHash();
  readonly #relays = new Map<number, Relay>();
  #suspects = new Set<Member>();
  #probes: Probe[] = [];
  #order: Member[] = [];
  #living = 1;
  #incarnation = 0;
  #leaving = false;
  #health = 0;
  #sequence = 0;
  #mismatches = 0;
  #listAllowedAt = 0;
  #nextProbeAt: number;
  #nextGossipAt = Infinity;
  #nextReclaimAt: number;
  #nextPruneAt: number;
  /** The deadline that the driver was told last; a tick much later means that we stood still. */
  #toldDeadline = Infinity;
  #outgoing: Outgoing[] = [];
  #changes: MemberChange[] = [];
  #listWanted: NodeId[] = [];

  constructor(
    self: NodeId,
    config: MembershipConfig,
    random: Random,
    now: number,
    /** The wall clock, milliseconds since 1970; told to others, never used for timing. */
    wallMs: () => number,
  ) {
    this.#self = self;
    this.#config = config;
    this.#random = random;
    this.#wallMs = wallMs;
    this.#nextProbeAt = now + below(random, config.probePeriodMs);
    this.#nextReclaimAt = now + below(random, config.reclaimPeriodMs);
    this.#nextPruneAt = now + PRUNE_PERIOD_MS;
    this.#view.toggle(self, 0, "alive");
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

  // -- what can be asked --------------------------------------------------------------------------

  get incarnation(): number {
    return this.#incarnation;
  }

  get viewHash(): ViewHash {
    return this.#view.value;
  }

  /** 0 (well) to 4 (this node itself is slow or badly connected). */
  get health(): number {
    return this.#health;
  }

  /** Members that are neither failed nor left, this node included. */
  get living(): number {
    return this.#living;
  }

  get(id: NodeId): MemberView | undefined {
    return this.#members.get(id);
  }

  /** All other members, in the order in which they became known. */
  members(): IterableIterator<MemberView> {
    return this.#members.values();
  }

  /** The full list for a peer, this node included. */
  list(now: number): ListEntry[] {
    const own: ListEntry = {
      id: this.#self,
      incarnation: this.#incarnation,
      state: this.#leaving ? "left" : "alive",
      ageMs: 0,
    };
    return [
      own,
      ...this.#row.map(({ id, incarnation, state, changedAt }) => ({
        id,
        incarnation,
        state,
        ageMs: Math.round(now - changedAt),
      })),
    ];
  }

  // -- what happens -------------------------------------------------------------------------------

  /** A member proved over a link that it is there. False if the table is full. */
  join(now: number, id: NodeId, incarnation: number): boolean {
    assert(id !== this.#self, "a node does not join itself");
    if (!this.#members.has(id) && !this.#add(now, id, incarnation, "alive")) return false;
    this.#apply(now, { id, incarnation, state: "alive", source: sourceOf(id) });
    return true;
  }

  /** What others know of this node from its former run: it goes on above that. */
  continueAbove(now: number, incarnation: number): void {
    if (incarnation < this.#incarnation) return;
    this.#setIncarnation(incarnation + 1);
    this.#enqueue(now, this.#ownUpdate());
  }

  /** Takes in a full list. A claim that somebody failed only makes us suspect, so it can refute. */
  merge(now: number, list: readonly ListEntry[]): void {
    for (const { id, incarnation, state, ageMs } of list) {
      const known = this.#members.get(id);
      if (id !== this.#self && known === undefined) {
        if (ageMs < this.#keepMs(state)) this.#add(now, id, incarnation, state, ageMs);
        continue;
      }
      const believed = state === "failed" && isLiving(known?.state) ? "suspect" : state;
      this.#apply(now, { id, incarnation, state: believed, source: sourceOf(this.#self) });
    }
  }

  /** How `id` can be reached from now on. */
  setReach(id: NodeId, reach: { readonly datagrams?: boolean; readonly link?: boolean }): void {
    const member = this.#members.get(id);
    if (member === undefined) return;
    member.datagrams = reach.datagrams ?? member.datagrams;
    member.link = reach.link ?? member.link;
  }

  /** Something speaks against a member, such as the end of its link: probe it now. */
  doubt(now: number, id: NodeId): void {
    const member = this.#members.get(id);
    if (member === undefined || !isLiving(member.state)) return;
    if (this.#probes.some(({ target }) => target === member)) return;
    this.#startProbe(now, member);
  }

  receive(now: number, from: NodeId, message: Message, via: Via): void {
    const sender = this.#members.get(from);
    if (message.type !== "nack") {
      for (const update of message.updates) this.#receiveUpdate(now, from, update);
    }
    switch (message.type) {
      case "ping":
        this.#noteClock(now, sender, message.clockMs, 0);
        this.#compareView(now, from, message.view);
        this.#send(from, via, this.#pingOrAck("ack", message.sequence, sender));
        return;
      case "ack":
        this.#compareView(now, from, message.view);
        this.#receiveAck(now, sender, message.sequence, message.clockMs, via);
        break;
      case "pingRequest":
        this.#relay(now, from, message.sequence, message.target);
        return;
      case "nack": {
        const probe = this.#probes.find(({ sequence }) => sequence === message.sequence);
        if (probe !== undefined) probe.nacks++;
        break;
      }
      case "gossip":
        break;
    }
    if (sender?.state === "failed") this.#tellIt(sender, via);
  }

  /** Says goodbye: from now on this node is `left` in its own and soon in all other views. */
  leave(now: number): void {
    if (this.#leaving) return;
    this.#leaving = true;
    this.#enqueue(now, this.#ownUpdate());
    for (const target of this.#pick(this.#living, undefined)) {
      this.#send(target.id, "datagram", { type: "gossip", updates: [this.#ownUpdate()] });
    }
  }

  deadline(): number {
    let deadline = Math.min(
      this.#nextProbeAt,
      this.#nextGossipAt,
      this.#nextReclaimAt,
      this.#nextPruneAt,
    );
    for (const probe of this.#probes) deadline = Math.min(deadline, this.#probeDeadline(probe));
    for (const { nackAt } of this.#relays.values()) deadline = Math.min(deadline, nackAt);
    for (const suspect of this.#suspects) {
      deadline = Math.min(deadline, this.#suspicionDeadline(suspect));
    }
    this.#toldDeadline = deadline;
    return deadline;
  }

  tick(now: number): void {
    if (now - this.#toldDeadline > this.#config.pauseGuardMs) this.#forgiveAfterPause(now);
    this.#toldDeadline = Infinity;
    this.#tickRelays(now);
    this.#tickSuspicions(now);
    this.#tickProbes(now);
    if (now >= this.#nextProbeAt) this.#probeNext(now);
    if (now >= this.#nextReclaimAt) this.#reclaim(now);
    if (now >= this.#nextGossipAt) this.#gossipRound(now);
    if (now >= this.#nextPruneAt) this.#prune(now);
  }

  // -- claims -------------------------------------------------------------------------------------

  #receiveUpdate(now: number, from: NodeId, update: Update): void {
    if (update.id !== this.#self && !this.#members.has(update.id)) {
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
    if (update.state === "suspect" && member.state === "suspect") {
      return this.#confirm(now, member, update);
    }
    if (!supersedes(update, member)) return;
    this.#change(now, member, update.incarnation, update.state, update.source);
    this.#enqueue(now, update);
  }

  #applyToSelf(now: number, { incarnation, state }: Update): void {
    if (this.#leaving) return;
    if (state === "alive") {
      if (incarnation > this.#incarnation) this.#setIncarnation(incarnation);
      return;
    }
    if (incarnation < this.#incarnation) return;
    this.#setIncarnation(incarnation + 1);
    this.#adjustHealth(1);
    this.#enqueue(now, this.#ownUpdate());
  }

  /** Another node suspects the same member: passed on if its word is independent. */
  #confirm(now: number, member: Member, update: Update): void {
    if (update.incarnation < member.incarnation) return;
    if (update.incarnation > member.incarnation) {
      this.#change(now, member, update.incarnation, "suspect", update.source);
      this.#enqueue(now, update);
    } else if (member.suspicion?.confirm(update.source)) {
      this.#enqueue(now, update);
    }
  }

  #change(
    now: number,
    member: Member,
    incarnation: number,
    state: MemberState,
    source: number,
  ): void {
    const before = member.state;
    this.#view.toggle(member.id, member.incarnation, before);
    this.#view.toggle(member.id, incarnation, state);
    if (isLiving(before) !== isLiving(state)) this.#living += isLiving(state) ? 1 : -1;
    member.incarnation = incarnation;
    member.state = state;
    if (before !== state) member.changedAt = now;
    this.#suspects.delete(member);
    member.suspicion = undefined;
    if (state === "suspect") {
      member.suspicion = new Suspicion(now, source);
      this.#suspects.add(member);
    }
    if (!isLiving(state)) this.#probes = this.#probes.filter(({ target }) => target !== member);
    if (before !== state) this.#changes.push({ id: member.id, before, state, incarnation });
  }

  #add(now: number, id: NodeId, incarnation: number, state: MemberState, ageMs = 0): boolean {
    if (this.#members.size + 1 >= this.#config.maxMembers && !this.#evict()) return false;
    const member: Member = {
      id,
      incarnation,
      state,
      changedAt: now - ageMs,
      datagrams: false,
      link: false,
      rttMs: undefined,
      clockDeltaMs: undefined,
      suspicion: undefined,
    };
    this.#members.set(id, member);
    this.#row.push(member);
    this.#view.toggle(id, incarnation, state);
    if (isLiving(state)) this.#living++;
    if (state === "suspect") {
      member.suspicion = new Suspicion(now, sourceOf(this.#self));
      this.#suspects.add(member);
    }
    // Into the current round at a random place, so that newcomers are not probed by all at once.
    this.#order.splice(below(this.#random, this.#order.length + 1), 0, member);
    this.#changes.push({ id, before: undefined, state, incarnation });
    this.#enqueue(now, { id, incarnation, state, source: sourceOf(this.#self) });
    return true;
  }

  /** Makes room by forgetting the longest gone; false if all members live. */
  #evict(): boolean {
    let oldest: Member | undefined;
    for (const member of this.#row) {
      if (isLiving(member.state)) continue;
      if (oldest === undefined || member.changedAt < oldest.changedAt) oldest = member;
    }
    if (oldest !== undefined) this.#forget(oldest);
    return oldest !== undefined;
  }

  #forget(member: Member): void {
    this.#view.toggle(member.id, member.incarnation, member.state);
    this.#members.delete(member.id);
    this.#row.splice(this.#row.indexOf(member), 1);
    this.#order = this.#order.filter((other) => other !== member);
    this.#gossip.drop(member.id);
  }

  #prune(now: number): void {
    this.#nextPruneAt = now + PRUNE_PERIOD_MS;
    for (const member of [...this.#row]) {
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

  #setIncarnation(incarnation: number): void {
    this.#view.toggle(this.#self, this.#incarnation, "alive");
    this.#incarnation = incarnation;
    this.#view.toggle(this.#self, incarnation, "alive");
  }

  #ownUpdate(): Update {
    return {
      id: this.#self,
      incarnation: this.#incarnation,
      state: this.#leaving ? "left" : "alive",
      source: sourceOf(this.#self),
    };
  }

  // -- probing ------------------------------------------------------------------------------------

  #probeNext(now: number): void {
    this.#nextProbeAt = now + this.#periodMs();
    for (let skipped = 0; skipped <= this.#row.length; skipped++) {
      let target = this.#order.pop();
      if (target === undefined) {
        this.#order = shuffle(this.#random, [...this.#row]);
        target = this.#order.pop();
      }
      if (target === undefined) return;
      const probed = target;
      if (!isLiving(probed.state) || this.#probes.some((probe) => probe.target === probed)) {
        continue;
      }
      return this.#startProbe(now, probed);
    }
  }

  #startProbe(now: number, target: Member): void {
    const probe: Probe = {
      target,
      sequence: this.#nextSequence(),
      startedAt: now,
      endsAt: now + this.#periodMs(),
      stage: "direct",
      answered: false,
      asked: 0,
      nacks: 0,
    };
    this.#probes.push(probe);
    if (target.datagrams) this.#ping(target, probe.sequence, "datagram");
    else this.#askOthers(probe);
  }

  #probeDeadline({ stage, startedAt, endsAt }: Probe): number {
    const patience = 1 + this.#health;
    switch (stage) {
      case "direct":
        return startedAt + this.#config.resendAfterMs * patience;
      case "resent":
        return startedAt + this.#config.directTimeoutMs * patience;
      case "indirect":
        return endsAt;
    }
  }

  #tickProbes(now: number): void {
    for (const probe of [...this.#probes]) {
      if (now < this.#probeDeadline(probe)) continue;
      switch (probe.stage) {
        case "direct":
          probe.stage = "resent";
          this.#ping(probe.target, probe.sequence, "datagram");
          break;
        case "resent":
          this.#askOthers(probe);
          break;
        case "indirect":
          this.#endProbe(now, probe);
          break;
      }
    }
  }

  /** Others try, and so do we over the link: datagrams may be what does not get through. */
  #askOthers(probe: Probe): void {
    probe.stage = "indirect";
    const { target, sequence } = probe;
    if (target.link) this.#ping(target, sequence, "link");
    const helpers = this.#pick(this.#config.indirectProbes, target);
    probe.asked = helpers.length;
    for (const helper of helpers) {
      this.#send(helper.id, "datagram", {
        type: "pingRequest",
        sequence,
        target: target.id,
        updates: this.#takeUpdates(helper),
      });
    }
  }

  #receiveAck(
    now: number,
    sender: Member | undefined,
    sequence: number,
    clockMs: number,
    via: Via,
  ): void {
    const relay = this.#relays.get(sequence);
    if (relay !== undefined) {
      this.#relays.delete(sequence);
      this.#noteClock(now, sender, clockMs, 0);
      // An ack in the target's name; view and clock are ours, which does no harm.
      this.#send(
        relay.requester,
        "datagram",
        this.#pingOrAck("ack", relay.requesterSequence, this.#members.get(relay.requester)),
      );
      return;
    }
    const probe = this.#probes.find((probe) => probe.sequence === sequence);
    if (probe === undefined) return;
    const direct = sender === probe.target;
    if (direct && probe.stage === "direct" && via === "datagram") {
      const rttMs = now - probe.startedAt;
      const before = probe.target.rttMs;
      probe.target.rttMs = before === undefined ? rttMs : before + (rttMs - before) / RTT_SMOOTHING;
    }
    if (direct) this.#noteClock(now, sender, clockMs, (sender.rttMs ?? 0) / 2);
    this.#probes = this.#probes.filter((other) => other !== probe);
    this.#adjustHealth(-1);
  }

  #endProbe(now: number, probe: Probe): void {
    this.#probes = this.#probes.filter((other) => other !== probe);
    // If even those that we asked are silent, the fault may be ours.
    if (probe.asked > 1 && probe.nacks < probe.asked / 2) this.#adjustHealth(1);
    const { id, incarnation } = probe.target;
    this.#apply(now, { id, incarnation, state: "suspect", source: sourceOf(this.#self) });
  }

  #relay(now: number, requester: NodeId, requesterSequence: number, targetId: NodeId): void {
    const target = this.#members.get(targetId);
    if (target === undefined || !target.datagrams || this.#relays.size >= MAX_RELAYS) return;
    const sequence = this.#nextSequence();
    const { directTimeoutMs, probePeriodMs } = this.#config;
    this.#relays.set(sequence, {
      requester,
      requesterSequence,
      expiresAt: now + 2 * probePeriodMs,
      nackAt: now + directTimeoutMs * NACK_PERCENT / 100,
    });
    this.#ping(target, sequence, "datagram");
  }

  #tickRelays(now: number): void {
    for (const [sequence, relay] of this.#relays) {
      if (now >= relay.expiresAt) {
        this.#relays.delete(sequence);
      } else if (now >= relay.nackAt) {
        relay.nackAt = relay.expiresAt;
        this.#send(relay.requester, "datagram", {
          type: "nack",
          sequence: relay.requesterSequence,
        });
      }
    }
  }

  // -- suspicions ---------------------------------------------------------------------------------

  #suspicionDeadline({ suspicion, link }: Member): number {
    assert(suspicion !== undefined, "a suspect has a suspicion");
    const endsAt = this.#suspicionEnd(suspicion);
    if (suspicion.lastWordAsked || !link) return endsAt;
    return Math.min(endsAt, suspicion.startedAt + this.#config.lastWordAfterMs);
  }

  #suspicionEnd(suspicion: Suspicion): number {
    const endsAt = suspicion.endsAt(this.#config, this.#living);
    const lasts = endsAt - suspicion.startedAt;
    return suspicion.startedAt + lasts * (1 + this.#health * HEALTH_PERIOD_STEP);
  }

  #tickSuspicions(now: number): void {
    for (const suspect of [...this.#suspects]) {
      const { suspicion } = suspect;
      if (suspicion === undefined || now < this.#suspicionDeadline(suspect)) continue;
      if (now >= this.#suspicionEnd(suspicion)) {
        const { id, incarnation } = suspect;
        this.#apply(now, { id, incarnation, state: "failed", source: sourceOf(this.#self) });
      } else {
        suspicion.lastWordAsked = true;
        this.#ping(suspect, this.#nextSequence(), "link");
      }
    }
  }

  /** This process stood still: its probes and suspicions prove nothing, and it knows that now. */
  #forgiveAfterPause(now: number): void {
    this.#probes = [];
    this.#relays.clear();
    for (const { suspicion } of this.#suspects) {
      if (suspicion !== undefined) suspicion.startedAt = now;
    }
    this.#nextProbeAt = now + below(this.#random, this.#config.probePeriodMs);
    this.#adjustHealth(1);
  }

  /** Pings one failed member: it may be back, or the network between us. */
  #reclaim(now: number): void {
    const { reclaimPeriodMs } = this.#config;
    this.#nextReclaimAt = now + reclaimPeriodMs / 2 + below(this.#random, reclaimPeriodMs);
    const failed = this.#row.filter(({ state, datagrams }) => state === "failed" && datagrams);
    const target = failed[below(this.#random, failed.length)];
    if (target !== undefined) this.#ping(target, this.#nextSequence(), "datagram");
  }

  // -- news ---------------------------------------------------------------------------------------

  #enqueue(now: number, update: Update): void {
    this.#gossip.push(update);
    if (this.#nextGossipAt === Infinity) this.#nextGossipAt = now;
  }

  #gossipRound(now: number): void {
    for (const target of this.#pick(this.#config.gossipFanout, undefined)) {
      const updates = this.#takeUpdates(target);
      if (updates.length > 0) this.#send(target.id, "datagram", { type: "gossip", updates });
    }
    this.#nextGossipAt = this.#gossip.isEmpty ? Infinity : now + this.#config.gossipPeriodMs;
  }

  /** News for `to`; if we think ill of it, that comes first, so that it can refute. */
  #takeUpdates(to: Member | undefined): Update[] {
    const limit = tellLimit(this.#config.gossipRepeat, this.#living);
    if (to === undefined || to.state === "alive") return this.#gossip.take(MAX_UPDATES, limit);
    return [this.#claimAbout(to), ...this.#gossip.take(MAX_UPDATES - 1, limit, to.id)];
  }

  #claimAbout({ id, incarnation, state }: Member): Update {
    return { id, incarnation, state, source: sourceOf(this.#self) };
  }

  /** A member that we hold for failed speaks to us: tell it, and it will refute. */
  #tellIt(sender: Member, via: Via): void {
    this.#send(sender.id, via, { type: "gossip", updates: [this.#claimAbout(sender)] });
  }

  #compareView(now: number, from: NodeId, view: ViewHash): void {
    if (sameView(view, this.#view.value)) {
      this.#mismatches = 0;
    } else if (this.#gossip.isEmpty && this.#suspects.size === 0 && !this.#leaving) {
      if (++this.#mismatches >= MISMATCHES) this.#wantList(now, from);
    }
  }

  #wantList(now: number, from: NodeId): void {
    if (now < this.#listAllowedAt || !this.#members.get(from)?.link) return;
    this.#listAllowedAt = now + this.#config.listPeriodMs;
    this.#mismatches = 0;
    this.#listWanted.push(from);
  }

  // -- small things -------------------------------------------------------------------------------

  #ping(target: Member, sequence: number, via: Via): void {
    this.#send(target.id, via, this.#pingOrAck("ping", sequence, target));
  }

  #pingOrAck(type: "ping" | "ack", sequence: number, to: Member | undefined): Message {
    return {
      type,
      sequence,
      view: this.#view.value,
      clockMs: this.#wallMs(),
      updates: this.#takeUpdates(to),
    };
  }

  #send(to: NodeId, via: Via, message: Message): void {
    this.#outgoing.push({ to, via, message });
  }

  /** Up to `count` living members with datagram keys, at random, without `except`. */
  #pick(count: number, except: Member | undefined): Member[] {
    const usable = (member: Member) =>
      member !== except && member.datagrams && isLiving(member.state);
    if (this.#row.length <= count * 4) {
      return shuffle(this.#random, this.#row.filter(usable)).slice(0, count);
    }
    const picked = new Set<Member>();
    for (let tries = 0; picked.size < count && tries < count * 8; tries++) {
      const member = this.#row[below(this.#random, this.#row.length)]!;
      if (usable(member)) picked.add(member);
    }
    return [...picked];
  }

  #noteClock(now: number, member: Member | undefined, clockMs: number, delayMs: number): void {
    if (member !== undefined) member.clockDeltaMs = clockMs + delayMs - now;
  }

  #nextSequence(): number {
    this.#sequence = (this.#sequence + 1) >>> 0;
    return this.#sequence;
  }

  #periodMs(): number {
    return this.#config.probePeriodMs * (1 + this.#health * HEALTH_PERIOD_STEP);
  }

  #adjustHealth(change: 1 | -1): void {
    this.#health = Math.max(0, Math.min(MAX_HEALTH, this.#health + change));
  }
}

export function isLiving(state: MemberState | undefined): boolean {
  return state === "alive" || state === "suspect";
}

/** Whether a claim beats what is believed: by incarnation, then by the order of the states. */
function supersedes(
  claim: { readonly incarnation: number; readonly state: MemberState },
  believed: { readonly incarnation: number; readonly state: MemberState },
): boolean {
  if (claim.incarnation !== believed.incarnation) return claim.incarnation > believed.incarnation;
  return MEMBER_STATES.indexOf(claim.state) > MEMBER_STATES.indexOf(believed.state);
}
