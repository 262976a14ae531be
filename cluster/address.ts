/** Hosts and ports as people write them and as sockets report them. */

import { Problem } from "./errors.ts";

export interface HostPort {
  /** A name or an IP address; IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
}

/**
 * Reads `HOST`, `HOST:PORT`, `[IPV6]:PORT` or a bare IPv6 address.
 * Throws a {@link Problem} that names `what` for anything else.
 */
export function parseHostPort(text: string, defaultPort: number, what = "address"): HostPort {
  const match = /^\[([^\]]+)\](?::(\d+))?$/.exec(text) ??
    /^([0-9a-f.]*:[0-9a-f.]*:[0-9a-f:.]*)$/i.exec(text) ?? /^([^:[\]\s]+)(?::(\d+))?$/.exec(text);
  const host = match?.[1];
  const port = match?.[2] === undefined ? defaultPort : Number(match[2]);
  if (host === undefined || host === "" || port < 1 || port > 65_535) {
    throw new Problem(`${what} ${JSON.stringify(text)} is not HOST or HOST:PORT`, {
      hint: 'for example "192.168.1.20:2254", "hall.local" or "[fd77::10]:2254"',
      exitCode: 2,
    });
  }
  return { host: normaliseHost(host), port };
}

export function formatHostPort({ host, port }: HostPort): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Lower case; an IPv4 address that a dual-stack socket reports as IPv6 becomes plain IPv4 again. */
export function normaliseHost(host: string): string {
  const lower = host.toLowerCase();
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(lower);
  return mapped?.[1] ?? lower;
}

export function isIpAddress(host: string): boolean {
  return isIpv4Address(host) || host.includes(":");
}

export function isIpv4Address(host: string): boolean {
  return /^\d{1,3}(\.\d{1,3}){3}$/.test(host);
}

export function isLoopback(host: string): boolean {
  const normal = normaliseHost(host);
  return normal === "localhost" || normal === "::1" ||
    /^127\./.test(normal) && isIpv4Address(normal);
}

/** Whether binding to this address means all of them. */
export function isWildcard(host: string): boolean {
  return host === "0.0.0.0" || host === "::";
}

/** Whether a socket bound to `bound` receives what is sent to the local address `local`. */
export function isCoveredBy(local: string, bound: string): boolean {
  if (bound === "::") return true;
  if (bound === "0.0.0.0") return isIpv4Address(local);
  return normaliseHost(local) === normaliseHost(bound);
}

/** Interfaces that other hosts cannot reach: bridges and virtual pairs of containers and VMs. */
const VIRTUAL_INTERFACE = /^(veth|docker|br-|virbr|vnet|cni|flannel|lxc|lxdbr|podman)/;

export interface LocalAddress {
  readonly interfaceName: string;
  readonly address: string;
  readonly netmask: string;
  readonly family: "IPv4" | "IPv6";
}

/** This host's own addresses that others on the network may reach; no loopback, no link-local. */
export function reachableAddresses(
  interfaces: readonly Deno.NetworkInterfaceInfo[],
): LocalAddress[] {
  return interfaces
    .filter(({ name, address }) =>
      !VIRTUAL_INTERFACE.test(name) && !isLoopback(address) && !/^fe[89ab]/i.test(address) &&
      !address.startsWith("169.254.")
    )
    .map(({ name, address, netmask, family }) => ({
      interfaceName: name,
      address: normaliseHost(address),
      netmask,
      family,
    }));
}
