/** The links on which mDNS is spoken, and which one a packet came from. */

import { isCoveredBy, normaliseHost, reachableAddresses } from "../../address.ts";

/** An interface of this host that others are on. */
export interface Link {
  /** The interface's name. */
  readonly name: string;
  /** The kernel's number of it, if known: another one under the same name is another interface. */
  readonly index: number | undefined;
  /** The node's addresses on this link, to announce there. */
  readonly addresses: readonly string[];
  /** By which address the interface is named to an IPv4 socket; undefined without IPv4. */
  readonly ipv4: string | undefined;
  readonly ipv6: boolean;
  /** All of the interface, link-local ones included: who has an address in one of them is on it. */
  readonly subnets: readonly Subnet[];
}

interface Subnet {
  readonly address: string;
  readonly bytes: Uint8Array;
  readonly mask: Uint8Array;
}

/** More interfaces than this are left alone. */
export const MAX_LINKS = 16;

/** The links on which others reach the cluster port if it is bound to `bindHost`; none on loopback. */
export function linksOf(
  interfaces: readonly Deno.NetworkInterfaceInfo[],
  bindHost: string,
): Link[] {
  const own = reachableAddresses(interfaces).filter(({ address }) =>
    isCoveredBy(address, bindHost)
  );
  const names = [...new Set(own.map(({ interfaceName }) => interfaceName))].slice(0, MAX_LINKS);
  return names.map((name) => {
    const here = own.filter(({ interfaceName }) => interfaceName === name);
    const infos = interfaces.filter((info) => info.name === name);
    const subnets = infos.map(subnetOf).filter((subnet) => subnet !== undefined);
    return {
      name,
      // Told with the link-local IPv6 address only, where it is a part of the address; else 0 or null.
      index: infos.map(({ scopeid }) => scopeid).find((scopeid) => scopeid) ?? undefined,
      // Two interfaces may be on one network, by cable and Wi-Fi: both then announce all addresses
      // there, or the cache-flush bit of each would remove the other's (RFC 6762, 14).
      addresses: own.map(({ address }) => address).filter((address) => isIn(subnets, address)),
      ipv4: here.find(({ family }) => family === "IPv4")?.address,
      ipv6: here.some(({ family }) => family === "IPv6"),
      subnets,
    };
  });
}

/**
 * The links that a packet with this source may have come from. Every socket gets the packets of all
 * interfaces, and does not say of which: the source must tell (RFC 6762, 11). Several, if interfaces
 * share a network, and for link-local IPv6, which is in use on all of them: what is learnt or answered
 * on one link too many does no harm.
 */
export function linksFrom(links: readonly Link[], source: string): Link[] {
  const address = normaliseHost(source.replace(/%.*$/, ""));
  const own = links.filter(({ subnets }) => subnets.some((subnet) => subnet.address === address));
  return own.length > 0 ? own : links.filter(({ subnets }) => isIn(subnets, address));
}

/** Whether an interface went and another one came under its name between two looks. */
export function isReplaced(before: Link, after: Link): boolean {
  return before.index !== undefined && after.index !== undefined && before.index !== after.index;
}

function subnetOf({ address, netmask }: Deno.NetworkInterfaceInfo): Subnet | undefined {
  const bytes = bytesOfAddress(address);
  const mask = bytesOfAddress(netmask);
  if (bytes === undefined || mask?.length !== bytes.length) return undefined;
  return { address: normaliseHost(address), bytes, mask };
}

function isIn(subnets: readonly Subnet[], address: string): boolean {
  const candidate = bytesOfAddress(address);
  if (candidate === undefined) return false;
  return subnets.some(({ bytes, mask }) =>
    bytes.length === candidate.length &&
    mask.every((bits, i) => ((bytes[i] ?? 0) & bits) === ((candidate[i] ?? 0) & bits))
  );
}

/** 4 or 16 bytes; undefined for what is no address. */
function bytesOfAddress(text: string): Uint8Array | undefined {
  if (!text.includes(":")) {
    const bytes = text.split(".").map(Number);
    return bytes.length === 4 && bytes.every(isByte) ? new Uint8Array(bytes) : undefined;
  }
  // The parser of URLs knows all spellings; what it gives has at most one "::".
  const canonical = URL.parse(`http://[${text}]`)?.hostname.slice(1, -1);
  if (canonical === undefined) return undefined;
  const [head = [], tail = []] = canonical.split("::").map(groupsOf);
  const groups = [...head, ...Array(8 - head.length - tail.length).fill(0), ...tail];
  return new Uint8Array(groups.flatMap((group) => [group >> 8, group & 0xff]));
}

function groupsOf(text: string): number[] {
  return text === "" ? [] : text.split(":").map((group) => parseInt(group, 16));
}

function isByte(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= 255;
}
