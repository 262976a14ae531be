/** The peers of last time, so that a node finds its cluster again without anybody's help. */

import { isNodeId, type NodeId } from "../ids.ts";

/** Peers and addresses each that are kept. */
export const MAX_REMEMBERED = 256;
const MAX_ADDRESSES_EACH = 8;

export interface RememberedPeer {
  readonly id: NodeId;
  readonly addresses: readonly string[];
}

export function encodeRemembered(peers: readonly RememberedPeer[]): string {
  const kept = peers.slice(0, MAX_REMEMBERED).map(({ id, addresses }) => ({
    id,
    addresses: addresses.slice(0, MAX_ADDRESSES_EACH),
  }));
  return `${JSON.stringify({ peers: kept }, null, 2)}\n`;
}

/** Undefined for text that {@link encodeRemembered} did not write; single bad entries are skipped. */
export function decodeRemembered(text: string): RememberedPeer[] | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null || !("peers" in value)) return undefined;
  if (!Array.isArray(value.peers)) return undefined;
  const peers: RememberedPeer[] = [];
  for (const entry of value.peers.slice(0, MAX_REMEMBERED)) {
    if (!isNodeId(entry?.id) || !Array.isArray(entry.addresses)) continue;
    const addresses = entry.addresses.filter((address: unknown) => typeof address === "string");
    peers.push({ id: entry.id, addresses: addresses.slice(0, MAX_ADDRESSES_EACH) });
  }
  return peers;
}
