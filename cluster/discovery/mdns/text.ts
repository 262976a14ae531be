/** What a node says of itself in its TXT record (RFC 6763, 6). */

import { hexOf } from "../../bytes.ts";
import { isNodeId, type NodeId } from "../../ids.ts";
import type { VersionRange } from "../../transport/handshake.ts";

export interface NodeText {
  readonly id: NodeId;
  /** The cluster hash in hexadecimal. */
  readonly cluster: string;
}

export function encodeNodeText(
  options: {
    readonly id: NodeId;
    readonly clusterHash: Uint8Array;
    readonly keyId: Uint8Array;
    readonly versions: VersionRange;
  },
): string[] {
  const { id, clusterHash, keyId, versions } = options;
  return [
    `cluster=${hexOf(clusterHash)}`,
    `key=${hexOf(keyId)}`,
    `id=${id}`,
    `v=${versions.lowest}-${versions.highest}`,
  ];
}

/**
 * Undefined for a text that is no node's. Key ID and versions are for people who look with
 * avahi-browse, and are not read here: while a cluster key is being rotated, nodes with the old and
 * the new one accept each other, and where they do not, or where no version is common to both, the
 * handshake says so on both sides. A node that was skipped here would be missing without a word.
 */
export function readNodeText(texts: readonly string[]): NodeText | undefined {
  const id = valueOf(texts, "id")?.toLowerCase();
  const cluster = valueOf(texts, "cluster")?.toLowerCase();
  if (!isNodeId(id) || cluster === undefined) return undefined;
  return { id, cluster };
}

/** Of several the first; keys have no case (RFC 6763, 6.4). */
function valueOf(texts: readonly string[], key: string): string | undefined {
  const start = `${key}=`;
  return texts.find((text) => text.slice(0, start.length).toLowerCase() === start)
    ?.slice(start.length);
}
