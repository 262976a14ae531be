/**
 * Bugs that a test can switch on, to see that the simulator finds them: a checker that never fails
 * proves nothing. Nothing but tests/simulation/ calls `plant`.
 */

export const PLANTED_BUGS = [
  /** Gossip is told for ever. */
  "gossip-never-retires",
  /** A suspected node keeps silent about it. */
  "no-refutation",
  /** Two members with different views never compare them. */
  "no-list-exchange",
  /** Failed members are not pinged again. */
  "no-reclaim",
  /** A replica says that it holds an item before that is on the disk. */
  "ack-before-save",
  /** Replicas never compare digests. */
  "no-digests",
  /** Offers are sent once. */
  "no-repeat",
  /** Stamps may be as far ahead as they like. */
  "no-skew-bound",
  /** A new stamp ignores the stamps that are held. */
  "local-clock-stamps",
] as const;
export type PlantedBug = (typeof PLANTED_BUGS)[number];

let planted: PlantedBug | undefined;

export function isPlanted(bug: PlantedBug): boolean {
  return planted === bug;
}

/** Switches a bug on until what is returned is disposed of. */
export function plant(bug: PlantedBug): Disposable {
  planted = bug;
  return {
    [Symbol.dispose]() {
      planted = undefined;
    },
  };
}
