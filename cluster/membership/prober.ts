/**
 * Finds out who does not answer: one member after another is pinged, first directly, then by others
 * and over the link. Also pings on behalf of others, and judges how well this node itself is.
 */

import type { NodeId } from "../ids.ts";
import { below, type Random } from "../random.ts";
import type { MembershipConfig } from "./config.ts";
import type { Member, Members } from "./members.ts";
import type { Via } from "./messages.ts";
import { Rota } from "./rota.ts";

/** What the prober has sent; the rest of each message is not its business. */
export interface ProberOutput {
  /** The time that all nodes agree on as far as possible, in milliseconds. */
  clusterMs(now: number): number;
  ping(target: Member, sequence: number, via: Via): void;
  /** Asks a helper to ping a target. */
  pingRequest(helper: Member, sequence: number, target: Member): void;
  ack(to: NodeId, sequence: number): void;
  nack(to: NodeId, sequence: number): void;
  /** The target has answered nobody. */
  unanswered(target: Member): void;
}

interface Probe {
  readonly target: Member;
  readonly sequence: number;
  readonly startedAt: number;
  /** Of the present stage. */
  deadline: number;
  stage: "direct" | "resent" | "indirect";
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
/** A helper says that it has no answer yet after this part of the time that it has, in percent. */
const NACK_PERCENT = 60;
const RTT_SMOOTHING = 8;
/** Relays kept for others; far above what honest members ask for. */
const MAX_RELAYS = 1_024;

export class Prober {
  readonly #config: MembershipConfig;
  readonly #random: Random;
  readonly #members: Members;
  readonly #output: ProberOutput;
  readonly #relays = new Map<number, Relay>();
  #probes: Probe[] = [];
  readonly #rota: Rota;
  /** The period that was probed in last. */
  #period = 0;
  /** Periods since the last that did not follow the one before. */
  #sinceLeap = Infinity;
  #health = 0;
  #sequence = 0;
  #nextProbeAt: number;

  constructor(
    self: NodeId,
    config: MembershipConfig,
    random: Random,
    members: Members,
    output: ProberOutput,
    now: number,
  ) {
    this.#config = config;
    this.#random = random;
    this.#members = members;
    this.#output = output;
    this.#rota = new Rota(self, members);
    this.#nextProbeAt = now + below(random, config.probePeriodMs);
  }

  /** 0 (well) to 4 (this node itself is slow or badly connected). */
  get health(): number {
    return this.#health;
  }

  /** How much longer than usual things may take while this node is not well. */
  get patience(): number {
    return 1 + this.#health * HEALTH_PERIOD_STEP;
  }

  adjustHealth(change: 1 | -1): void {
    this.#health = Math.max(0, Math.min(MAX_HEALTH, this.#health + change));
  }

  nextSequence(): number {
    this.#sequence = (this.#sequence + 1) >>> 0;
    return this.#sequence;
  }

  /** Somebody has come, gone or come back. */
  membersChanged(): void {
    this.#rota.changed();
  }

  /** It is not probed any more. */
  removed(member: Member): void {
    this.#probes = this.#probes.filter(({ target }) => target !== member);
  }

  /** Probes a member out of turn. */
  probeNow(now: number, target: Member): void {
    if (!this.#isProbed(target)) this.#start(now, target);
  }

  /** What is under way proves nothing: this process stood still. */
  forgive(now: number): void {
    this.#probes = [];
    this.#relays.clear();
    this.#nextProbeAt = now + below(this.#random, this.#config.probePeriodMs);
    this.adjustHealth(1);
  }

  deadline(): number {
    let deadline = this.#nextProbeAt;
    for (const probe of this.#probes) deadline = Math.min(deadline, probe.deadline);
    for (const { nackAt } of this.#relays.values()) deadline = Math.min(deadline, nackAt);
    return deadline;
  }

  tick(now: number): void {
    this.#tickRelays(now);
    this.#tickProbes(now);
    if (now >= this.#nextProbeAt) this.#probeNext(now);
  }

  // -- probing ------------------------------------------------------------------------------------

  #probeNext(now: number): void {
    this.#nextProbeAt = now + this.#periodMs();
    this.#period = this.#nextPeriod(now);
    const target = this.#rota.target(this.#period);
    if (target !== undefined && !this.#isProbed(target)) this.#start(now, target);
  }

  /**
   * One after the other, unless clocks were set or this node has been slow. Between two such leaps lies a
   * whole round: everybody is probed even if the clock stands still or runs wild.
   */
  #nextPeriod(now: number): number {
    const next = this.#period + 1;
    this.#sinceLeap++;
    const due = Math.floor(this.#output.clusterMs(now) / this.#config.probePeriodMs);
    if (Math.abs(due - next) <= 1 || this.#sinceLeap < this.#rota.size) return next;
    this.#sinceLeap = 0;
    return due;
  }

  #isProbed(member: Member): boolean {
    return this.#probes.some(({ target }) => target === member);
  }

  #start(now: number, target: Member): void {
    const probe: Probe = {
      target,
      sequence: this.nextSequence(),
      startedAt: now,
      deadline: now + this.#config.resendAfterMs * this.patience,
      stage: "direct",
      asked: 0,
      nacks: 0,
    };
    this.#probes.push(probe);
    if (target.datagrams) this.#output.ping(target, probe.sequence, "datagram");
    else this.#askOthers(now, probe);
  }

  #tickProbes(now: number): void {
    for (const probe of [...this.#probes]) {
      if (now < probe.deadline) continue;
      switch (probe.stage) {
        case "direct":
          probe.stage = "resent";
          probe.deadline = Math.max(
            now,
            probe.startedAt + this.#config.directTimeoutMs * this.patience,
          );
          this.#output.ping(probe.target, probe.sequence, "datagram");
          break;
        case "resent":
          this.#askOthers(now, probe);
          break;
        case "indirect":
          this.#end(probe);
          break;
      }
    }
  }

  /** Others try, and so do we over the link: datagrams may be what does not get through. */
  #askOthers(now: number, probe: Probe): void {
    probe.stage = "indirect";
    probe.deadline = now + this.#config.indirectTimeoutMs * this.patience;
    const { target, sequence } = probe;
    if (target.link) this.#output.ping(target, sequence, "link");
    const helpers = this.#members.pick(this.#config.indirectProbes, target);
    probe.asked = helpers.length;
    for (const helper of helpers) this.#output.pingRequest(helper, sequence, target);
  }

  #end(probe: Probe): void {
    this.#probes = this.#probes.filter((other) => other !== probe);
    // If even those that we asked are silent, the fault may be ours.
    if (probe.asked > 1 && probe.nacks < probe.asked / 2) this.adjustHealth(1);
    this.#output.unanswered(probe.target);
  }

  /** An answer came: to a probe of ours, or to a ping on behalf of another node. */
  receiveAck(now: number, sender: Member | undefined, sequence: number, via: Via): void {
    const relay = this.#relays.get(sequence);
    if (relay !== undefined) {
      this.#relays.delete(sequence);
      return this.#output.ack(relay.requester, relay.requesterSequence);
    }
    const probe = this.#probes.find((probe) => probe.sequence === sequence);
    if (probe === undefined) return;
    // After a second ping one cannot tell which of the two was answered (Karn and Partridge 1987).
    if (sender === probe.target && probe.stage === "direct" && via === "datagram") {
      noteRtt(probe.target, now - probe.startedAt);
    }
    this.#probes = this.#probes.filter((other) => other !== probe);
    this.adjustHealth(-1);
  }

  receiveNack(sequence: number): void {
    const probe = this.#probes.find((probe) => probe.sequence === sequence);
    if (probe !== undefined) probe.nacks++;
  }

  #periodMs(): number {
    return this.#config.probePeriodMs * this.patience;
  }

  // -- pinging on behalf of others ----------------------------------------------------------------

  relay(now: number, requester: NodeId, requesterSequence: number, target: Member): void {
    if (!target.datagrams || this.#relays.size >= MAX_RELAYS) return;
    const sequence = this.nextSequence();
    const { indirectTimeoutMs, probePeriodMs } = this.#config;
    this.#relays.set(sequence, {
      requester,
      requesterSequence,
      expiresAt: now + 2 * probePeriodMs,
      nackAt: now + indirectTimeoutMs * NACK_PERCENT / 100,
    });
    this.#output.ping(target, sequence, "datagram");
  }

  #tickRelays(now: number): void {
    for (const [sequence, relay] of this.#relays) {
      if (now >= relay.expiresAt) {
        this.#relays.delete(sequence);
      } else if (now >= relay.nackAt) {
        relay.nackAt = relay.expiresAt;
        this.#output.nack(relay.requester, relay.requesterSequence);
      }
    }
  }
}

function noteRtt(member: Member, rttMs: number): void {
  const before = member.rttMs;
  member.rttMs = before === undefined ? rttMs : before + (rttMs - before) / RTT_SMOOTHING;
}
