/** The table of the other members: what is believed of each, and a hash over all of it. */

import type { NodeId } from "../ids.ts";
import { below, type Random, shuffle } from "../random.ts";
import { MEMBER_STATES, type MemberState } from "./messages.ts";
import type { Suspicion } from "./suspicion.ts";
import { RunningViewHash, type ViewHash } from "./view_hash.ts";

export interface Member {
  readonly id: NodeId;
  readonly incarnation: number;
  readonly state: MemberState;
  /** Monotonic time of the last change of state. */
  readonly changedAt: number;
  /** Whether we hold a key for datagrams to it. */
  datagrams: boolean;
  /** Whether a link to it is up. */
  link: boolean;
  /** Smoothed round-trip time of direct probes. */
  rttMs: number | undefined;
  /** The member's wall clock minus our monotonic clock. */
  clockDeltaMs: number | undefined;
  /** While it is suspect. */
  suspicion: Suspicion | undefined;
}

type Belief = Pick<Member, "incarnation" | "state">;

/** What only the table itself may change. */
type Writable = { -readonly [K in keyof Member]: Member[K] };

export class Members {
  readonly #byId = new Map<NodeId, Writable>();
  /** The same members, for picking one at random. */
  readonly #row: Writable[] = [];
  readonly #view = new RunningViewHash();
  readonly #random: Random;
  #living = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  get size(): number {
    return this.#row.length;
  }

  /** Members that are neither failed nor left. */
  get living(): number {
    return this.#living;
  }

  /** Members that are failed or left. */
  get gone(): number {
    return this.#row.length - this.#living;
  }

  get(id: NodeId): Member | undefined {
    return this.#byId.get(id);
  }

  /** In the order in which they became known. */
  all(): readonly Member[] {
    return this.#row;
  }

  /** The hash over this table and one more member: the node whose table it is. */
  viewWith(self: NodeId, incarnation: number): ViewHash {
    this.#view.toggle(self, incarnation, "alive");
    const { value } = this.#view;
    this.#view.toggle(self, incarnation, "alive");
    return value;
  }

  add(id: NodeId, belief: Belief, changedAt: number): Member {
    const member: Writable = {
      id,
      ...belief,
      changedAt,
      datagrams: false,
      link: false,
      rttMs: undefined,
      clockDeltaMs: undefined,
      suspicion: undefined,
    };
    this.#byId.set(id, member);
    this.#row.push(member);
    this.#view.toggle(id, belief.incarnation, belief.state);
    if (isLiving(belief.state)) this.#living++;
    return member;
  }

  /** Believes something else of a member. */
  change(id: NodeId, belief: Belief, now: number): void {
    const member = this.#byId.get(id);
    if (member === undefined) return;
    this.#view.toggle(id, member.incarnation, member.state);
    this.#view.toggle(id, belief.incarnation, belief.state);
    if (isLiving(member.state)) this.#living--;
    if (isLiving(belief.state)) this.#living++;
    if (member.state !== belief.state) member.changedAt = now;
    member.incarnation = belief.incarnation;
    member.state = belief.state;
  }

  forget(id: NodeId): void {
    const member = this.#byId.get(id);
    if (member === undefined) return;
    this.#view.toggle(id, member.incarnation, member.state);
    if (isLiving(member.state)) this.#living--;
    this.#byId.delete(id);
    this.#row.splice(this.#row.indexOf(member), 1);
  }

  /** The one that has been gone longest; undefined if all live. */
  longestGone(): Member | undefined {
    let oldest: Member | undefined;
    for (const member of this.#row) {
      if (isLiving(member.state)) continue;
      if (oldest === undefined || member.changedAt < oldest.changedAt) oldest = member;
    }
    return oldest;
  }

  /** Up to `count` living members that datagrams reach, at random, without `except`. */
  pick(count: number, except?: Member): Member[] {
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
}

export function isLiving(state: MemberState | undefined): boolean {
  return state === "alive" || state === "suspect";
}

/** Whether a claim beats what is believed: by incarnation, then by the order of the states. */
export function supersedes(claim: Belief, believed: Belief): boolean {
  if (claim.incarnation !== believed.incarnation) return claim.incarnation > believed.incarnation;
  return MEMBER_STATES.indexOf(claim.state) > MEMBER_STATES.indexOf(believed.state);
}
