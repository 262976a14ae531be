/** The members as one node sees them, in the shape that `cluster members --json` prints. */

import type { NodeId } from "./ids.ts";
import type { MemberState } from "./membership/messages.ts";
import type { FoundBy } from "./mesh/dial_plan.ts";
import type { NodeCore } from "./node_core.ts";

/** Members that left are not listed any more after this long, unless all are asked for. */
const SHOW_LEFT_MS = 60_000;

export interface MemberReport {
  readonly id: NodeId;
  /** Null while nobody has told it. */
  readonly alias: string | null;
  /** The address that it is reached at, or most likely can be. */
  readonly address: string | null;
  readonly addresses: readonly string[];
  readonly state: MemberState;
  /** Since when it is in this state, RFC 3339. */
  readonly since: string;
  readonly rtt_ms: number | null;
  /** Null for the node that reports. */
  readonly found_by: FoundBy | null;
  readonly parts: readonly string[];
  readonly self: boolean;
  /** Whether a link to it is up. */
  readonly connected: boolean;
  /** How far its clock is ahead of the cluster's; null while unknown. */
  readonly clock_offset_ms: number | null;
}

export interface OwnReport {
  readonly id: NodeId;
  readonly alias: string;
  readonly addresses: readonly string[];
  readonly parts: readonly string[];
  readonly startedAt: number;
  readonly wallMs: number;
}

/** This node first, then the others by alias. `all`: with those that left long ago. */
export function reportMembers(
  core: NodeCore,
  own: OwnReport,
  now: number,
  all: boolean,
): MemberReport[] {
  const clusterMs = core.clusterMs(now);
  // Ages come from others too, and clocks may be near 1970.
  const since = (monotonic: number) =>
    new Date(Math.max(0, own.wallMs - Math.max(0, now - monotonic))).toISOString();
  const self: MemberReport = {
    id: own.id,
    alias: own.alias,
    address: own.addresses[0] ?? null,
    addresses: own.addresses,
    state: "alive",
    since: since(own.startedAt),
    rtt_ms: null,
    found_by: null,
    parts: own.parts,
    self: true,
    connected: true,
    clock_offset_ms: Math.round(own.wallMs - clusterMs),
  };
  const others: MemberReport[] = [];
  for (const member of core.membership.members()) {
    if (member.state === "left" && !all && now - member.changedAt > SHOW_LEFT_MS) continue;
    const peer = core.mesh.peer(member.id);
    const addresses = core.mesh.addressesOf(member.id);
    const clockMs = core.clockMsOf(now, member.id);
    others.push({
      id: member.id,
      alias: peer?.info?.alias ?? null,
      address: addresses[0] ?? null,
      addresses,
      state: member.state,
      since: since(member.changedAt),
      rtt_ms: member.rttMs === undefined ? null : Math.round(member.rttMs * 100) / 100,
      found_by: peer?.foundBy ?? null,
      parts: peer?.info?.parts ?? [],
      self: false,
      connected: peer?.link !== undefined,
      clock_offset_ms: clockMs === undefined ? null : Math.round(clockMs - clusterMs),
    });
  }
  const key = ({ alias, id }: MemberReport) => `${alias ?? "~"} ${id}`;
  others.sort((a, b) => (key(a) < key(b) ? -1 : 1));
  return [self, ...others];
}
