/** Carries what a session says to a connection, and what comes from there to the session. */

import { utf8 } from "../../cluster/bytes.ts";
import type { Front } from "../conversation.ts";
import type { SessionInput, Wants } from "../repl/channel.ts";
import { BANNER } from "../repl/session.ts";
import type { ByteStream } from "./byte_stream.ts";
import { ATTACHED, type Wire } from "./wire.ts";

/** Whoever does not take the last words in this time goes without them. */
const FAREWELL_LIMIT_MS = 1_000;

export class RemoteFront implements Front {
  readonly #stream: ByteStream;
  #wire: Wire;
  #wanted: Wants | undefined;
  #latest: Wants | undefined;
  #isInterrupting = false;
  #isClosed = false;
  #hasNews = false;
  #wake: (() => void) | undefined;
  /** Writes are made one after the other. */
  #written: Promise<void> = Promise.resolve();

  constructor(stream: ByteStream, wire: Wire) {
    this.#stream = stream;
    this.#wire = wire;
  }

  output(bytes: Uint8Array): Promise<void> {
    return this.#write(this.#wire.output(bytes));
  }

  async wants(wants: Wants): Promise<void> {
    await this.#write(this.#wire.wants(wants));
    this.#wanted = this.#latest = wants;
    this.#isInterrupting = false;
    this.#tellNews();
  }

  lines(lines: Uint8Array): Promise<void> {
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
          const successor = this.#wire.successor();
          if (successor !== undefined) {
            await this.#goOnWith(successor);
            continue;
          }
          if (next === undefined) break;
          if (next.type === "hungUp") return undefined;
          if (next.type === "interrupt") {
            // One is under way already, or the session waits for its own line: that is no event to it.
            if (this.#isInterrupting || this.#wanted?.kind === "ready") continue;
            this.#isInterrupting = true;
          }
          idle.touch();
          this.#wanted = undefined;
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
  async #goOnWith(wire: Wire): Promise<void> {
    this.#wire = wire;
    await this.#write([
      utf8(ATTACHED),
      ...wire.output(utf8(`${BANNER}\n`)),
      ...this.#latest ? wire.wants(this.#latest) : [],
    ]);
  }

  #write(pieces: readonly Uint8Array[]): Promise<void> {
    this.#written = this.#written.then(async () => {
      for (const piece of pieces) await this.#stream.write(piece);
    });
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
