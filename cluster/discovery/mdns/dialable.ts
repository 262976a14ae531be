/** Which announced addresses can be dialled at all. */

import { isIpv4Address } from "../../address.ts";

/**
 * The address in its usual form (RFC 5952), or undefined if no other host has it or can be reached by
 * it without more: loopback, multicast, link-local (that needs the name of an interface, which is
 * another on every host), and what is no address.
 */
export function dialableAddress(text: string): string | undefined {
  return isIpv4Address(text) ? dialableIpv4(text) : dialableIpv6(text);
}

function dialableIpv4(text: string): string | undefined {
  const [first = 0, second = 0, ...rest] = text.split(".").map(Number);
  if ([first, second, ...rest].some((byte) => byte > 255)) return undefined;
  if (first === 0 || first === 127 || first >= 224) return undefined;
  if (first === 169 && second === 254) return undefined;
  return [first, second, ...rest].join(".");
}

function dialableIpv6(text: string): string | undefined {
  if (!/^[0-9a-f:]+$/i.test(text)) return undefined;
  const address = URL.parse(`http://[${text}]`)?.hostname.slice(1, -1);
  // What begins with "::" is unspecified, loopback, or IPv4 in disguise (RFC 4291, 2.5).
  if (address === undefined || address.startsWith("::")) return undefined;
  return /^(fe[89ab]|ff)/.test(address) ? undefined : address;
}
