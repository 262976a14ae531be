/** Where other nodes can dial this one. */

import { formatHostPort, isCoveredBy, isWildcard, reachableAddresses } from "./address.ts";
import { MAX_ADDRESSES } from "./mesh/messages.ts";

/**
 * The addresses to tell others: the given ones if there are any, else the bound address, else, bound
 * to all, every address of this host that others may reach.
 */
export function advertisedAddresses(
  given: readonly string[],
  bindHost: string,
  port: number,
  interfaces: readonly Deno.NetworkInterfaceInfo[],
): string[] {
  if (given.length > 0) return given.slice(0, MAX_ADDRESSES);
  if (!isWildcard(bindHost)) return [formatHostPort({ host: bindHost, port })];
  return reachableAddresses(interfaces)
    .filter(({ address }) => isCoveredBy(address, bindHost))
    .map(({ address }) => formatHostPort({ host: address, port }))
    .slice(0, MAX_ADDRESSES);
}
