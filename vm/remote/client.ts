/** The user's side of a remote session. */

import { formatHostPort, type HostPort } from "../../cluster/address.ts";
import { concat, equalBytes, utf8 } from "../../cluster/bytes.ts";
import { MalformedError, messageOf, Problem } from "../../cluster/errors.ts";
import type { SessionInput } from "../repl/channel.ts";
import { type ByteStream, PlainStream } from "./byte_stream.ts";
import {
  decodeFromServer,
  encodeInput,
  FrameReader,
  type FromServer,
  MAX_SERVER_FRAME_BYTES,
} from "./frames.ts";
import { openSealed, pskOf, SEALED_GREETING, TokenError } from "./sealed_stream.ts";
import { ATTACH_LINE, ATTACHED } from "./wire.ts";

/** Connection, greeting and handshake. */
const OPEN_LIMIT_MS = 5_000;
/** What a server that speaks lines says before it answers. */
const MAX_GREETING_BYTES = 4_096;
/** Nobody is there, or not in time. */
const UNREACHABLE = 3;

export class RemoteSession {
  readonly #stream: ByteStream;
  readonly #frames = new FrameReader(MAX_SERVER_FRAME_BYTES);
  #written: Promise<void> = Promise.resolve();

  private constructor(stream: ByteStream, rest: Uint8Array) {
    this.#stream = stream;
    this.#frames.push(rest);
  }

  /** Throws a {@link Problem}. A token is insisted on if there is one: without it nothing is sealed. */
  static async open(address: HostPort, token: Uint8Array | undefined): Promise<RemoteSession> {
    const name = formatHostPort(address);
    const abort = new AbortController();
    let plain: PlainStream | undefined;
    const limit = setTimeout(() => {
      abort.abort();
      plain?.close();
    }, OPEN_LIMIT_MS);
    try {
      plain = new PlainStream(
        await Deno.connect({ hostname: address.host, port: address.port, signal: abort.signal }),
      );
      return await greet(plain, name, token, (stream, rest) => new RemoteSession(stream, rest));
    } catch (error) {
      plain?.close();
      if (error instanceof Problem) throw error;
      if (error instanceof TokenError) {
        throw new Problem(`cannot attach to ${name}: ${error.message}`, {
          hint: "copy the token file of that host, and name it: --token-file FILE",
          cause: error,
        });
      }
      throw new Problem(`cannot attach to ${name}: ${whyNot(error, abort.signal)}`, {
        hint: "is it running with remote access (-r), and is that its port for remote users?",
        exitCode: UNREACHABLE,
        cause: error,
      });
    } finally {
      clearTimeout(limit);
    }
  }

  send(input: SessionInput): Promise<void> {
    this.#written = this.#written.then(() => this.#stream.write(encodeInput(input)));
    return this.#written;
  }

  /** The next message; undefined when the connection has ended. */
  async next(): Promise<FromServer | undefined> {
    for (;;) {
      const frame = this.#frames.next();
      if (frame !== undefined) return decodeFromServer(frame.kind, frame.body);
      const bytes = await this.#stream.read();
      if (bytes === null) return undefined;
      this.#frames.push(bytes);
    }
  }

  close(): void {
    this.#stream.close();
  }
}

/** Reads what the server says first, which tells how it wants to be spoken to. */
async function greet(
  plain: ByteStream,
  name: string,
  token: Uint8Array | undefined,
  open: (stream: ByteStream, rest: Uint8Array) => RemoteSession,
): Promise<RemoteSession> {
  const greeting = utf8(SEALED_GREETING);
  let heard = await readMore(plain, new Uint8Array());
  while (heard.length < greeting.length && startsAlike(heard, greeting)) {
    heard = await readMore(plain, heard);
  }
  const isSealed = equalBytes(heard.subarray(0, greeting.length), greeting);
  if (isSealed) {
    if (token === undefined) {
      throw new Problem(`${name} wants a token`, { hint: "--token-file FILE, with its token" });
    }
    const stream = await openSealed(plain, pskOf(token), heard.subarray(greeting.length));
    return open(stream, new Uint8Array());
  }
  if (token !== undefined) {
    throw new Problem(`${name} does not seal its sessions, so the token is of no use there`, {
      hint: "leave --token-file out if that is this very host",
    });
  }
  await plain.write(utf8(`${ATTACH_LINE}\n`));
  for (;;) {
    const at = indexOfBytes(heard, utf8(ATTACHED));
    if (at >= 0) return open(plain, heard.slice(at + ATTACHED.length));
    if (heard.length > MAX_GREETING_BYTES) throw new MalformedError("it is no toolkit");
    heard = await readMore(plain, heard);
  }
}

async function readMore(stream: ByteStream, heard: Uint8Array): Promise<Uint8Array> {
  const bytes = await stream.read();
  if (bytes === null) throw new MalformedError(`it hung up${textBehind(heard)}`);
  return concat(heard, bytes);
}

/** What it said before it hung up, if that is a short text. */
function textBehind(heard: Uint8Array): string {
  const text = new TextDecoder().decode(heard).trim();
  const last = text.split("\n").at(-1)!;
  return last !== "" && /^[\x20-\x7e]{1,200}$/.test(last) ? `: ${last}` : "";
}

function startsAlike(a: Uint8Array, b: Uint8Array): boolean {
  const length = Math.min(a.length, b.length);
  return equalBytes(a.subarray(0, length), b.subarray(0, length));
}

function indexOfBytes(bytes: Uint8Array, wanted: Uint8Array): number {
  for (let at = 0; at + wanted.length <= bytes.length; at++) {
    if (equalBytes(bytes.subarray(at, at + wanted.length), wanted)) return at;
  }
  return -1;
}

function whyNot(error: unknown, signal: AbortSignal): string {
  if (signal.aborted) return `no answer for ${OPEN_LIMIT_MS / 1_000} s`;
  if (error instanceof Deno.errors.ConnectionRefused) return "nobody listens there";
  return messageOf(error);
}
