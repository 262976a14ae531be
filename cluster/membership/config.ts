/** The periods and limits of failure detection, each with its unit and its trade-off. */

import type { SuspicionLimits } from "./suspicion.ts";

export interface MembershipConfig extends SuspicionLimits {
  /** Each node probes one other this often. Shorter finds failures sooner and sends more. */
  readonly probePeriodMs: number;
  /** Wait for an answer to a direct ping before asking others to try. */
  readonly directTimeoutMs: number;
  /** Those others, and the link, get this long. */
  readonly indirectTimeoutMs: number;
  /** The ping is sent once more after this long: halves what packet loss costs. */
  readonly resendAfterMs: number;
  /** How many others are asked to try. */
  readonly indirectProbes: number;
  /** A suspect that is still silent after this long is asked over its link, by every member. */
  readonly lastWordAfterMs: number;
  /** Pause between gossip rounds while there is news. */
  readonly gossipPeriodMs: number;
  /** Members told in each round. */
  readonly gossipFanout: number;
  /** Each item is told this often, times the digits of the number of members. */
  readonly gossipRepeat: number;
  /** About this often one failed member is pinged: what heals a partition. */
  readonly reclaimPeriodMs: number;
  /** A tick this late means that this process stood still: its own fault, not the others'. */
  readonly pauseGuardMs: number;
  /** Failed members are kept, and pinged, this long. */
  readonly forgetFailedMs: number;
  /** Members that left are kept as tombstones this long, so that old news cannot revive them. */
  readonly forgetLeftMs: number;
  /** Members in all, failed and left ones included. */
  readonly maxMembers: number;
  /** At least this long between two exchanges of full lists that a differing view asks for. */
  readonly listPeriodMs: number;
}

const DAY_MS = 24 * 60 * 60 * 1000;

/** Wired networks and good Wi-Fi: a crash is known everywhere in about a second. */
export const LAN: MembershipConfig = {
  probePeriodMs: 250,
  directTimeoutMs: 80,
  indirectTimeoutMs: 170,
  resendAfterMs: 32,
  indirectProbes: 3,
  suspicionMinMs: 500,
  suspicionMaxMs: 800,
  lastWordAfterMs: 150,
  gossipPeriodMs: 50,
  gossipFanout: 3,
  gossipRepeat: 5,
  reclaimPeriodMs: 2_000,
  pauseGuardMs: 150,
  forgetFailedMs: DAY_MS,
  forgetLeftMs: DAY_MS,
  maxMembers: 1_024,
  listPeriodMs: 1_000,
};

/** Networks where many packets are a quarter of a second late: slower, and not fooled by it. */
export const WIFI: MembershipConfig = {
  ...LAN,
  probePeriodMs: 500,
  directTimeoutMs: 300,
  indirectTimeoutMs: 300,
  resendAfterMs: 120,
  suspicionMinMs: 1_200,
  suspicionMaxMs: 2_000,
  lastWordAfterMs: 300,
  gossipPeriodMs: 100,
};

export const PROFILES = { lan: LAN, wifi: WIFI } as const;
export type Profile = keyof typeof PROFILES;
