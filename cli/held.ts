/** Which members have what was just set, in words. */

/** As the node answers; see replica_driver.ts. */
export interface HeldReport {
  readonly members: number;
  readonly held_by: number;
  readonly not_held_by: readonly string[];
  readonly away: readonly string[];
}

/** `has` and `have`: the verb for one member and for several, such as "knows" and "know". */
export function describeHeld(held: HeldReport, has: string, have: string): string {
  const { members, held_by: heldBy, not_held_by: missing, away } = held;
  if (members === 1) return `this node ${has}, there are no others`;
  const who = heldBy === members
    ? `all ${members} members ${have}`
    : `${heldBy} of ${members} ${heldBy === 1 ? has : have}`;
  const notYet = missing.length === 0 ? "" : `, not yet ${missing.join(", ")}`;
  const later = away.length === 0
    ? ""
    : `; ${away.join(", ")} ${
      away.length === 1 ? "is away and gets" : "are away and get"
    } it later`;
  return who + notYet + later;
}
