/** Accepting connections, whatever callers and the kernel do. */

/** A pause helps where something was lacking, such as file descriptors: it may come back. */
const PAUSE_MS = 100;

export interface AcceptOptions {
  readonly isClosed: () => boolean;
  readonly accepted: (connection: Deno.TcpConn) => void;
  readonly failing: (error: unknown) => void;
}

/** Accepts until the listener is closed. */
export async function acceptAll(
  listener: Deno.TcpListener,
  { isClosed, accepted, failing }: AcceptOptions,
): Promise<void> {
  while (!isClosed()) {
    try {
      accepted(await listener.accept());
    } catch (error) {
      if (isClosed()) return;
      // A caller that has gone again already is nobody's trouble, and must not keep others waiting.
      if (hasGone(error)) continue;
      failing(error);
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }
}

function hasGone(error: unknown): boolean {
  return error instanceof Deno.errors.NotConnected ||
    error instanceof Deno.errors.ConnectionAborted ||
    error instanceof Deno.errors.ConnectionReset;
}
