/**
 * The cluster's clock. No single machine's clock can be trusted: a Pi has no clock chip, and wakes up
 * with the time of its last shutdown until it has reached a time server. The median of what all living
 * members show is wrong only if half of them are.
 */

/**
 * The middle value; of an even number the later of the two in the middle, since clocks without a
 * battery are behind and hardly ever ahead. Undefined for no values.
 */
export function upperMedian(values: readonly number[]): number | undefined {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}

/** The highest value that more than half of the values reach. Undefined for no values. */
export function heldByMajority(values: readonly number[]): number | undefined {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 2)];
}
