/** The names under which nodes are found by DNS-based Service Discovery (RFC 6763, 4 and 9). */

import { utf8 } from "../../bytes.ts";
import { type NodeId, shortId } from "../../ids.ts";

/** The service: its PTR records name the instances, one a node. */
export const SERVICE = "_toolkit._udp.local";
/** Its PTR records name the services that there are on the network (RFC 6763, 9). */
export const SERVICE_TYPES = "_services._dns-sd._udp.local";

/** A label of a DNS name (RFC 1035, 2.3.4). */
export const MAX_LABEL_BYTES = 63;
/** A whole name as encoded, lengths of labels included (RFC 1035, 2.3.4). */
export const MAX_NAME_BYTES = 255;

/** `ALIAS-<first 8 of the ID>._toolkit._udp.local`: unique, and readable in a list. */
export function instanceName(alias: string, id: NodeId): string {
  const suffix = `-${shortId(id)}`;
  // A dot would be taken for the end of the label: the codec has no way to escape one.
  let label = alias.replace(/[.\s\p{Cc}]/gu, "-");
  while (utf8(label).length > MAX_LABEL_BYTES - suffix.length) {
    label = [...label].slice(0, -1).join("");
  }
  return `${label}${suffix}.${SERVICE}`;
}

/** The name that the node's addresses have. Not the host's own name, which avahi looks after. */
export function hostName(id: NodeId): string {
  return `toolkit-${id}.local`;
}

/** Names that differ in case only are the same (RFC 6762, 16). */
export function nameKey(name: string): string {
  return name.toLowerCase();
}

/** Whether it is the name of an instance of our service. */
export function isInstance(name: string): boolean {
  return nameKey(name).endsWith(`.${SERVICE}`);
}
