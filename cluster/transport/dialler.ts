/** Dials a node at all its addresses: one after the other, a little apart, the first answer wins. */

import { type HostPort, parseHostPort } from "../address.ts";
import { dial, DialError, dialFailureText, type Established } from "./connect.ts";
import type { HandshakeParty } from "./handshake.ts";

/** The next address is tried after this long, or at once if the one before failed (RFC 8305, 5). */
const NEXT_ADDRESS_MS = 250;

/** Every address failed. */
export class AllDialsFailed extends Error {
  override readonly name = "AllDialsFailed";

  constructor(
    readonly failures: readonly { readonly address: HostPort; readonly error: DialError }[],
  ) {
    const texts = failures.map(({ address, error }) => dialFailureText(address, error));
    super(texts.join("; ") || "no address that can be dialled");
  }
}

/** Throws {@link AllDialsFailed}. */
export async function dialAny(
  addresses: readonly string[],
  defaultPort: number,
  party: HandshakeParty,
  signal: AbortSignal,
): Promise<Established> {
  const won = new AbortController();
  const failures: { address: HostPort; error: DialError }[] = [];
  const attempt = async (address: HostPort): Promise<Established | undefined> => {
    try {
      return await dial(address, party, AbortSignal.any([signal, won.signal]));
    } catch (error) {
      const dialError = error instanceof DialError
        ? error
        : new DialError("unreachable", String(error), { cause: error });
      failures.push({ address, error: dialError });
      return undefined;
    }
  };

  let winner: Established | undefined;
  const running: Promise<void>[] = [];
  for (const address of addresses.flatMap((text) => readAddress(text, defaultPort))) {
    const tried = attempt(address).then((established) => {
      if (established === undefined) return;
      if (winner === undefined) {
        winner = established;
        won.abort();
      } else {
        established.connection.close();
      }
    });
    running.push(tried);
    await Promise.race([tried, pause(NEXT_ADDRESS_MS, won.signal)]);
    if (winner !== undefined || signal.aborted) break;
  }
  await Promise.all(running);
  if (winner === undefined) throw new AllDialsFailed(failures);
  return winner;
}

/** Nothing for what is no address: other nodes tell what they like. */
function readAddress(text: string, defaultPort: number): HostPort[] {
  try {
    return [parseHostPort(text, defaultPort)];
  } catch {
    return [];
  }
}

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    }, { once: true });
  });
}
