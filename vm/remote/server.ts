/**
 * Sessions for remote users. Without a token only on loopback, in plain lines, so that nc will do; with
 * one everything is sealed. Each user has a session of his own, which ends with the connection.
 */

import { isLoopback } from "../../cluster/address.ts";
import { utf8 } from "../../cluster/bytes.ts";
import { MalformedError, messageOf, Problem } from "../../cluster/errors.ts";
import type { Log } from "../../cluster/log.ts";
import { Repetitions } from "../../cluster/repetitions.ts";
import type { Owner } from "../background.ts";
import { Conversation, type Front } from "../conversation.ts";
import type { SessionInput, Wants } from "../repl/channel.ts";
import type { Answer, Request } from "../repl/requests.ts";
import { BANNER } from "../repl/session.ts";
import type { Workshop } from "../workshop.ts";
import { type ByteStream, PlainStream } from "./byte_stream.ts";
import { acceptSealed, pskOf, SEALED_GREETING, TokenError } from "./sealed_stream.ts";
import { ATTACHED, FramedWire, PlainWire, type Wire } from "./wire.ts";

/** A handshake has to be over after this long, and so many may be under way. */
const HANDSHAKE_LIMIT_MS = 5_000;
const MAX_HANDSHAKES = 32;
/** What is said of callers is said once in this time. */
const QUIET_MS = 60_000;
/** A full queue of callers, or none left of something: a breath before the next. */
const ACCEPT_PAUSE_MS = 100;
/** Whoever does not take the last words in this time goes without them. */
const FAREWELL_LIMIT_MS = 1_000;

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
  readonly #quiet = new Repetitions(QUIET_MS, 64);
  #handshakes = 0;
  #sessions = 0;
  #closed = false;

  private constructor(options: RemoteServerOptions, listener: Deno.TcpListener) {
    this.#options = options;
    this.#listener = listener;
    this.#psk = options.token === undefined ? undefined : pskOf(options.token);
    void this.#accept();
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

  /** Ends all sessions. */
  close(): void {
    this.#closed = true;
    this.#listener.close();
    for (const stream of this.#connections) stream.close();
  }

  async #accept(): Promise<void> {
    while (!this.#closed) {
      try {
        void this.#serve(await this.#listener.accept());
      } catch (error) {
        if (this.#closed) return;
        this.#tell("warn", `remote users: ${messageOf(error)}`);
        await new Promise((resolve) => setTimeout(resolve, ACCEPT_PAUSE_MS));
      }
    }
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
        const wire = this.#newWire();
        await writeAllOf(stream, wire.ended(reason));
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
    const { workshop, answer, log } = this.#options;
    const { lineBytes, idleMs, remoteFuel } = workshop.limits;
    const front = new RemoteFront(stream, this.#newWire(), lineBytes);
    log.info(`remote user ${name} is here`);
    const conversation = new Conversation({
      workshop,
      front,
      name,
      session: { isInteractive: true, clock: "real", fuelPerLine: remoteFuel },
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
      front.close();
      conversation.close();
      log.info(`remote user ${name} is gone${reason === undefined ? "" : `: ${reason}`}`);
    }
  }

  #tell(level: "warn", text: string): void {
    if (this.#quiet.isNews(performance.now(), text)) this.#options.log[level](text);
  }
}

/** Carries what a session says to a connection, and what comes from there to the session. */
class RemoteFront implements Front {
  readonly #stream: ByteStream;
  readonly #lineBytes: number;
  #wire: Wire;
  #wanted: Wants | undefined;
  #latest: Wants | undefined;
  #isClosed = false;
  #hasNews = false;
  #wake: (() => void) | undefined;
  /** Writes are made one after the other. */
  #written: Promise<void> = Promise.resolve();

  constructor(stream: ByteStream, wire: Wire, lineBytes: number) {
    this.#stream = stream;
    this.#wire = wire;
    this.#lineBytes = lineBytes;
  }

  output(bytes: Uint8Array): Promise<void> {
    return this.#write(this.#wire.output(bytes));
  }

  async wants(wants: Wants): Promise<void> {
    await this.#write(this.#wire.wants(wants));
    this.#wanted = this.#latest = wants;
    this.#tellNews();
  }

  lines(lines: readonly string[]): Promise<void> {
    return this.#write(this.#wire.lines(lines, this.#wanted));
  }

  /** The last words; who takes nothing is not waited for. */
  async ended(reason: string | undefined): Promise<void> {
    const limit = setTimeout(() => this.#stream.close(), FAREWELL_LIMIT_MS);
    await this.#write(this.#wire.ended(reason)).catch(() => {});
    clearTimeout(limit);
  }

  /** Hands on what the user says until he hangs up or says nothing for too long; gives the reason. */
  async listen(input: (input: SessionInput) => void, idleMs: number): Promise<string | undefined> {
    const idle = new Idle(idleMs, () => this.#tellNews());
    let isReading = false;
    let came: Uint8Array | null | undefined;
    let failure: { readonly error: unknown } | undefined;
    let isOver = false;
    try {
      for (;;) {
        for (;;) {
          const next = this.#wire.next(this.#wanted?.kind);
          if (this.#wire instanceof PlainWire && this.#wire.wantsFrames) await this.#useFrames();
          if (next === undefined) break;
          if (next.type === "hungUp") return undefined;
          idle.touch();
          if (next.type !== "interrupt") this.#wanted = undefined;
          input(next);
        }
        // Whoever sends faster than is wanted has to wait.
        if (!isOver && !this.#wire.isFull && !isReading) {
          isReading = true;
          this.#stream.read().then((bytes) => came = bytes, (error) => failure = { error })
            .finally(() => this.#tellNews());
        }
        await this.#news();
        if (this.#isClosed) return undefined;
        if (failure !== undefined) throw failure.error;
        if (idle.isOver) return `nothing was said for ${Math.round(idleMs / 1_000)} s`;
        if (came === undefined) continue;
        isReading = false;
        if (came === null) {
          isOver = true;
          this.#wire.end();
        } else this.#wire.push(came);
        came = undefined;
      }
    } finally {
      idle.close();
    }
  }

  /** Nobody is listened to any more. */
  close(): void {
    this.#isClosed = true;
    this.#tellNews();
  }

  #tellNews(): void {
    this.#hasNews = true;
    this.#wake?.();
  }

  /** Settled when something has happened since the last time. */
  async #news(): Promise<void> {
    if (!this.#hasNews) await new Promise<void>((resolve) => this.#wake = resolve);
    this.#hasNews = false;
  }

  /** The user's program speaks frames: it hears all from the beginning. */
  async #useFrames(): Promise<void> {
    this.#wire = new FramedWire(this.#lineBytes);
    await this.#write([
      utf8(ATTACHED),
      ...this.#wire.output(utf8(`${BANNER}\n`)),
      ...this.#latest ? this.#wire.wants(this.#latest) : [],
    ]);
  }

  #write(pieces: readonly Uint8Array[]): Promise<void> {
    this.#written = this.#written.then(() => writeAllOf(this.#stream, pieces));
    return this.#written;
  }
}

/** Notices when it was not touched for a while. */
class Idle {
  readonly #limitMs: number;
  readonly #tell: () => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  isOver = false;

  constructor(limitMs: number, tell: () => void) {
    this.#limitMs = limitMs;
    this.#tell = tell;
    this.touch();
  }

  touch(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.isOver = true;
      this.#tell();
    }, this.#limitMs);
  }

  close(): void {
    clearTimeout(this.#timer);
  }
}

async function writeAllOf(stream: ByteStream, pieces: readonly Uint8Array[]): Promise<void> {
  for (const piece of pieces) await stream.write(piece);
}
