/** The cluster port: one number for TCP and UDP. */

import { formatHostPort } from "../address.ts";
import { messageOf, Problem } from "../errors.ts";

/** How many numbers are tried, counting up from the wanted one. */
export const MAX_PORT_TRIES = 100;

export interface ClusterPort {
  readonly listener: Deno.TcpListener;
  readonly socket: Deno.DatagramConn;
  /** The number that it became. */
  readonly port: number;
}

/**
 * Binds TCP and UDP to the same port: `wanted`, or the next higher one that is free in both. Port 0
 * takes any. Throws a {@link Problem}.
 */
export function bindClusterPort(host: string, wanted: number): ClusterPort {
  const tries = wanted === 0 ? MAX_PORT_TRIES : Math.min(MAX_PORT_TRIES, 65_536 - wanted);
  for (let i = 0; i < tries; i++) {
    const pair = tryBind(host, wanted === 0 ? 0 : wanted + i);
    if (pair !== undefined) return pair;
  }
  throw new Problem(
    `no free cluster port from ${formatHostPort({ host, port: wanted })} up to ${
      wanted + tries - 1
    }`,
    { hint: "name another one with -P, or end what holds them (ss -tulpn)" },
  );
}

/** Undefined if the port is taken for either protocol. */
function tryBind(host: string, port: number): ClusterPort | undefined {
  let listener: Deno.TcpListener;
  try {
    listener = Deno.listen({ hostname: host, port });
  } catch (error) {
    if (error instanceof Deno.errors.AddrInUse) return undefined;
    throw cannotBind(host, port, error);
  }
  const bound = listener.addr.port;
  try {
    const socket = Deno.listenDatagram({ transport: "udp", hostname: host, port: bound });
    return { listener, socket, port: bound };
  } catch (error) {
    listener.close();
    if (error instanceof Deno.errors.AddrInUse) return undefined;
    throw cannotBind(host, port, error);
  }
}

function cannotBind(host: string, port: number, error: unknown): Problem {
  const where = formatHostPort({ host, port });
  if (error instanceof Deno.errors.PermissionDenied) {
    return new Problem(`not allowed to listen on ${where}`, {
      hint: "ports below 1024 need root; -P names another one",
      cause: error,
    });
  }
  return new Problem(`cannot listen on ${where}: ${messageOf(error)}`, {
    hint: "-H names an address of this host (ip addr), 0.0.0.0 or [::] for all of them",
    cause: error,
  });
}
