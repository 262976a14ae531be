/**
 * Sessions for remote users. Without a token only on loopback, in plain lines, so that nc will do; with
 * one everything is sealed. Each user has a session of his own, which ends with the connection.
 */

import { acceptAll } from "../../cluster/accept.ts";
import { formatHostPort, isLoopback } from "../../cluster/address.ts";
import { utf8 } from "../../cluster/bytes.ts";
import { MalformedError, messageOf, Problem } from "../../cluster/errors.ts";
import type { Log } from "../../cluster/log.ts";
import { Repetitions } from "../../cluster/repetitions.ts";
import type { Owner } from "../background.ts";
import { Conversation } from "../conversation.ts";
import type { Answer, Request } from "../repl/requests.ts";
import type { Workshop } from "../workshop.ts";
import { type ByteStream, PlainStream } from "./byte_stream.ts";
import { RemoteFront } from "./front.ts";
import { acceptSealed, pskOf, SEALED_GREETING, TokenError } from "./sealed_stream.ts";
import { FramedWire, PlainWire, type Wire } from "./wire.ts";

/** A handshake has to be over after this long, and so many may be under way. */
const HANDSHAKE_LIMIT_MS = 5_000;
const MAX_HANDSHAKES = 32;
/** What is said of callers is said once in this time. */
const QUIET_MS = 60_000;
/** Comings and goings that are told in that time. */
const MAX_COMING_TOLD = 200;

export interface RemoteServerOptions {
  readonly host: string;
  /** 0 for any. */
  readonly port: number;
  readonly token: Uint8Array | undefined;
  readonly workshop: Workshop;
  readonly answer: (request: Request, owner: Owner) => Promise<Answer>;
  readonly log: Log;
}

export class RemoteServer {
  readonly #options: RemoteServerOptions;
  readonly #listener: Deno.TcpListener;
  readonly #psk: Uint8Array | undefined;
  readonly #connections = new Set<ByteStream>();
  /** Of the sessions that are open. */
  readonly #fronts = new Set<RemoteFront>();
  readonly #quiet = new Repetitions(QUIET_MS, 64);
  #comingSince = -Infinity;
  #comingTold = 0;
  #handshakes = 0;
  #sessions = 0;
  #closed = false;

  private constructor(options: RemoteServerOptions, listener: Deno.TcpListener) {
    this.#options = options;
    this.#listener = listener;
    this.#psk = options.token === undefined ? undefined : pskOf(options.token);
    void acceptAll(listener, {
      isClosed: () => this.#closed,
      accepted: (connection) => void this.#serve(connection),
      failing: (error) => this.#tell("warn", `remote users: ${messageOf(error)}`),
    });
  }

  /** Throws a {@link Problem} if the port is taken, or open to everybody. */
  static start(options: RemoteServerOptions): RemoteServer {
    const { host, port, token } = options;
    if (token === undefined && !isLoopback(host)) {
      throw new Problem(`refusing remote users on ${host} without a token`, {
        hint: "toolkit vm token --out FILE makes one; then vm.token_file, or --token-file FILE",
      });
    }
    try {
      return new RemoteServer(options, Deno.listen({ hostname: host, port }));
    } catch (error) {
      throw new Problem(`cannot listen on ${host}:${port} for remote users: ${messageOf(error)}`, {
        hint: "name another port: -p PORT, or vm.client_port",
        cause: error,
      });
    }
  }

  get port(): number {
    return this.#listener.addr.port;
  }

  /** Sessions that are open. */
  get sessions(): number {
    return this.#sessions;
  }

  /** For whoever started it: how to get in. */
  get welcome(): string {
    const { hostname, port } = this.#listener.addr;
    const address = formatHostPort({ host: hostname, port });
    const how = this.#psk === undefined
      ? `nc ${hostname} ${port}, or toolkit vm attach ${address}`
      : `toolkit vm attach ${address} --token-file FILE`;
    return `remote users are welcome on port ${port}: ${how}`;
  }

  /** Ends all sessions, with a word. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#listener.close();
    await Promise.all([...this.#fronts].map((front) => front.ended("the host is stopping")));
    for (const stream of this.#connections) stream.close();
  }

  async #serve(connection: Deno.TcpConn): Promise<void> {
    const { hostname, port } = connection.remoteAddr;
    const plain = new PlainStream(connection);
    this.#connections.add(plain);
    try {
      const stream = this.#psk === undefined ? plain : await this.#shakeHands(plain, this.#psk);
      if (stream === undefined) return;
      const { sessions } = this.#options.workshop.limits;
      if (this.#sessions >= sessions) {
        const reason = `${sessions} sessions are open already; try again later`;
        this.#tell("warn", `a remote user from ${hostname} was turned away: ${reason}`);
        await new RemoteFront(stream, this.#newWire()).ended(reason);
        return;
      }
      this.#sessions++;
      try {
        await this.#converse(stream, `${hostname}:${port}`);
      } finally {
        this.#sessions--;
      }
    } catch (error) {
      if (!(error instanceof MalformedError)) {
        this.#options.log.debug(`remote user at ${hostname}:${port}: ${messageOf(error)}`);
      } else this.#tell("warn", `a remote user from ${hostname} was turned away: ${error.message}`);
    } finally {
      this.#connections.delete(plain);
      plain.close();
    }
  }

  /** Undefined if there is no time for it. */
  async #shakeHands(plain: ByteStream, psk: Uint8Array): Promise<ByteStream | undefined> {
    if (this.#handshakes >= MAX_HANDSHAKES) return undefined;
    this.#handshakes++;
    const limit = setTimeout(() => plain.close(), HANDSHAKE_LIMIT_MS);
    try {
      await plain.write(utf8(SEALED_GREETING));
      return await acceptSealed(plain, psk);
    } catch (error) {
      if (error instanceof TokenError) throw error;
      throw new MalformedError("no handshake");
    } finally {
      clearTimeout(limit);
      this.#handshakes--;
    }
  }

  #newWire(): Wire {
    const { lineBytes } = this.#options.workshop.limits;
    return this.#psk === undefined ? new PlainWire(lineBytes) : new FramedWire(lineBytes);
  }

  async #converse(stream: ByteStream, name: string): Promise<void> {
    const { workshop, answer } = this.#options;
    const { idleMs, remoteFuel, backgroundPrograms, sessions } = workshop.limits;
    const front = new RemoteFront(stream, this.#newWire());
    this.#fronts.add(front);
    this.#tellComing(`remote user ${name} is here`);
    const conversation = new Conversation({
      workshop,
      front,
      name,
      session: { isInteractive: true, clock: "real", fuelPerLine: remoteFuel },
      // A program that is spawned by a line has the fuel of a line; and each user his share.
      fuel: remoteFuel,
      programs: Math.max(1, Math.floor(backgroundPrograms / sessions)),
      answer,
    });
    const over = conversation.ended;
    let reason: string | undefined;
    try {
      const talk = front.listen((input) => conversation.input(input), idleMs);
      talk.catch(() => {});
      reason = await Promise.race([over, talk]);
      await front.ended(reason);
    } catch (error) {
      if (error instanceof MalformedError) await front.ended(reason = error.message);
      throw error;
    } finally {
      this.#fronts.delete(front);
      front.close();
      conversation.close();
      this.#tellComing(`remote user ${name} is gone${reason === undefined ? "" : `: ${reason}`}`);
    }
  }

  /** Who comes and goes all the time does not fill the log. */
  #tellComing(text: string): void {
    const now = performance.now();
    if (now >= this.#comingSince + QUIET_MS) {
      this.#comingSince = now;
      this.#comingTold = 0;
    }
    if (this.#comingTold++ < MAX_COMING_TOLD) this.#options.log.info(text);
    else this.#options.log.debug(text);
  }

  #tell(level: "warn", text: string): void {
    if (this.#quiet.isNews(performance.now(), text)) this.#options.log[level](text);
  }
}
