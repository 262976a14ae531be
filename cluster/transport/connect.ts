/** Opens and accepts connections and takes each through its handshake, within limits. */

import { acceptAll } from "../accept.ts";
import { formatHostPort, type HostPort } from "../address.ts";
import { messageOf } from "../errors.ts";
import { writeAll } from "../files.ts";
import {
  AnswererHandshake,
  busyReply,
  DiallerHandshake,
  HandshakeError,
  type HandshakeParty,
  type HandshakeStep,
  RejectedError,
  type SecureSession,
} from "./handshake.ts";
import { remoteAddressOf } from "./link.ts";

/** Opening a connection may take this long. */
export const DIAL_LIMIT_MS = 1_500;
/** A handshake that is not over by then is given up, on both sides. */
export const HANDSHAKE_LIMIT_MS = 5_000;
/** Handshakes that a node answers at a time. */
export const MAX_UNFINISHED = 64;
/** And of these from one address. */
export const MAX_UNFINISHED_PER_ADDRESS = 8;

/** A connection whose other end is known. */
export interface Established {
  readonly connection: Deno.TcpConn;
  readonly session: SecureSession;
  readonly address: HostPort;
}

/** A dial that came to nothing. `refused`: a host answered that nobody listens there. */
export class DialError extends Error {
  override readonly name = "DialError";

  constructor(
    readonly kind: "refused" | "timeout" | "unresolved" | "unreachable" | "handshake",
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** Connects to `address` and shakes hands. Throws {@link DialError}. */
export async function dial(
  address: HostPort,
  party: HandshakeParty,
  signal?: AbortSignal,
): Promise<Established> {
  const connection = await connect(address, signal);
  try {
    const handshake = new DiallerHandshake(party);
    const session = await within(
      HANDSHAKE_LIMIT_MS,
      connection,
      signal,
      () => shakeHands(connection, handshake.start(), handshake),
    );
    return { connection, session, address };
  } catch (error) {
    closeQuietly(connection);
    if (error instanceof HandshakeError) {
      throw new DialError("handshake", error.message, { cause: error });
    }
    throw new DialError("unreachable", messageOf(error), { cause: error });
  }
}

async function connect(address: HostPort, signal?: AbortSignal): Promise<Deno.TcpConn> {
  const limit = AbortSignal.timeout(DIAL_LIMIT_MS);
  try {
    const connection = await Deno.connect({
      hostname: address.host,
      port: address.port,
      signal: signal === undefined ? limit : AbortSignal.any([signal, limit]),
    });
    connection.setNoDelay(true);
    return connection;
  } catch (error) {
    throw dialErrorOf(error);
  }
}

function dialErrorOf(error: unknown): DialError {
  const options = { cause: error };
  if (error instanceof Deno.errors.ConnectionRefused) {
    return new DialError("refused", "connection refused", options);
  }
  if (error instanceof DOMException || error instanceof Deno.errors.TimedOut) {
    return new DialError("timeout", `no answer within ${DIAL_LIMIT_MS / 1000} s`, options);
  }
  const message = messageOf(error);
  if (/lookup|resolve|name or service/i.test(message)) {
    return new DialError("unresolved", "the host name does not resolve", options);
  }
  return new DialError("unreachable", message, options);
}

/** What an acceptor tells its owner. */
export interface AcceptorHandlers {
  established(link: Established): void;
  /** A caller was turned away or gave up; `reason` is undefined if it just went. */
  turnedAway(from: HostPort, reason: HandshakeError | undefined): void;
  /** Accepting itself fails, for example for want of file descriptors; it is tried again. */
  failing(error: unknown): void;
}

/** Answers the callers of one listener. */
export class Acceptor {
  readonly #listener: Deno.TcpListener;
  readonly #party: HandshakeParty;
  readonly #handlers: AcceptorHandlers;
  readonly #unfinished = new Map<string, number>();
  #unfinishedTotal = 0;
  #closed = false;

  constructor(listener: Deno.TcpListener, party: HandshakeParty, handlers: AcceptorHandlers) {
    this.#listener = listener;
    this.#party = party;
    this.#handlers = handlers;
  }

  /** Begins to answer; callers until then wait in the kernel's queue. */
  listen(): void {
    void acceptAll(this.#listener, {
      isClosed: () => this.#closed,
      accepted: (connection) => void this.#answer(connection),
      failing: (error) => this.#handlers.failing(error),
    });
  }

  close(): void {
    this.#closed = true;
    this.#listener.close();
  }

  async #answer(connection: Deno.TcpConn): Promise<void> {
    const from = remoteAddressOf(connection);
    const fromThere = this.#unfinished.get(from.host) ?? 0;
    if (this.#unfinishedTotal >= MAX_UNFINISHED || fromThere >= MAX_UNFINISHED_PER_ADDRESS) {
      await turnAway(connection, busyReply(this.#party.versions));
      return;
    }
    this.#count(from.host, 1);
    try {
      connection.setNoDelay(true);
      const handshake = new AnswererHandshake(this.#party);
      const begin: HandshakeStep = { send: new Uint8Array(), want: AnswererHandshake.want };
      const session = await within(
        HANDSHAKE_LIMIT_MS,
        connection,
        undefined,
        () => shakeHands(connection, begin, handshake),
      );
      if (this.#closed) return closeQuietly(connection);
      this.#handlers.established({ connection, session, address: from });
    } catch (error) {
      if (error instanceof RejectedError) await turnAway(connection, error.reply);
      else closeQuietly(connection);
      const reason = error instanceof HandshakeError ? error : undefined;
      if (!this.#closed) this.#handlers.turnedAway(from, reason);
    } finally {
      this.#count(from.host, -1);
    }
  }

  #count(host: string, change: 1 | -1): void {
    this.#unfinishedTotal += change;
    const count = (this.#unfinished.get(host) ?? 0) + change;
    if (count === 0) this.#unfinished.delete(host);
    else this.#unfinished.set(host, count);
  }
}

async function shakeHands(
  connection: Deno.TcpConn,
  first: HandshakeStep,
  handshake: { receive(bytes: Uint8Array): HandshakeStep },
): Promise<SecureSession> {
  let step = first;
  for (;;) {
    if (step.send.length > 0) await writeAll(connection, step.send);
    if (step.session !== undefined) return step.session;
    step = handshake.receive(await readExactly(connection, step.want));
  }
}

async function readExactly(connection: Deno.TcpConn, count: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(count);
  let filled = 0;
  while (filled < count) {
    const read = await connection.read(bytes.subarray(filled));
    if (read === null) throw new Error("closed during the handshake");
    filled += read;
  }
  return bytes;
}

/** Runs `work` on a connection; closes the connection, which ends `work`, when time is up. */
async function within<T>(
  limitMs: number,
  connection: Deno.TcpConn,
  signal: AbortSignal | undefined,
  work: () => Promise<T>,
): Promise<T> {
  const giveUp = () => closeQuietly(connection);
  const timer = setTimeout(giveUp, limitMs);
  signal?.addEventListener("abort", giveUp, { once: true });
  try {
    return await work();
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", giveUp);
  }
}

/** Sends a last word and closes; the reply is small enough to go out at once or never. */
async function turnAway(connection: Deno.TcpConn, reply: Uint8Array): Promise<void> {
  try {
    await connection.write(reply);
    await connection.closeWrite();
  } catch {
    // Gone already.
  }
  closeQuietly(connection);
}

function closeQuietly(connection: Deno.TcpConn): void {
  try {
    connection.close();
  } catch {
    // Closed already.
  }
}

/** Describes a failed dial in a line for people. */
export function dialFailureText(address: HostPort, error: DialError): string {
  return `${formatHostPort(address)}: ${error.message}`;
}
