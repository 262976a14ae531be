/**
 * A connection sealed with Noise_NNpsk0 (Noise revision 34): both sides prove that they have the
 * token, and nobody in between reads or changes anything. Each message on the wire is its length,
 * 16 bits in network order, and so many bytes: first one handshake message each way, the client's
 * first, then sealed pieces of the stream.
 */

import { createHmac } from "node:crypto";
import { utf8 } from "../../cluster/bytes.ts";
import { MalformedError } from "../../cluster/errors.ts";
import { generateKeyPair } from "../../cluster/identity.ts";
import { Handshake, type Session } from "../../cluster/transport/noise.ts";
import { type ByteStream, readExactly } from "./byte_stream.ts";

/**
 * The server's first words, which are the prologue too: who comes without knowing better can read
 * what is wanted.
 */
export const SEALED_GREETING =
  "toolkit vm 1: this port takes: toolkit vm attach --token-file FILE\n";

const LENGTH_BYTES = 2;
/** Bytes of the stream in one message. */
const MAX_PIECE_BYTES = 16 * 1024;

/** The token is not theirs, or they are no toolkit. */
export class TokenError extends MalformedError {}

/** What a token is as Noise's psk: a key of this use only, should it be used for others as well. */
export function pskOf(token: Uint8Array): Uint8Array {
  return new Uint8Array(createHmac("sha256", token).update("toolkit vm remote").digest());
}

/**
 * The server's side. The client's first handshake message may be a recording; only its first sealed
 * piece proves that it has the token.
 */
export async function acceptSealed(stream: ByteStream, psk: Uint8Array): Promise<ByteStream> {
  const sealed = await shakeHands(stream, psk, false, new Uint8Array());
  try {
    if (await sealed.read() !== null) return sealed;
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
  }
  throw new TokenError("it has another token, or none");
}

/** The client's side, when it has read the greeting; `rest` is what has come behind that. */
export async function openSealed(
  stream: ByteStream,
  psk: Uint8Array,
  rest: Uint8Array,
): Promise<ByteStream> {
  const sealed = await shakeHands(stream, psk, true, rest);
  await sealed.prove();
  return sealed;
}

async function shakeHands(
  stream: ByteStream,
  psk: Uint8Array,
  initiator: boolean,
  rest: Uint8Array,
): Promise<SealedStream> {
  const messages = new Messages(stream, rest);
  const handshake = new Handshake({
    pattern: "NNpsk0",
    initiator,
    prologue: utf8(SEALED_GREETING),
    ephemeralKey: generateKeyPair(),
    psk,
  });
  const none = new Uint8Array();
  const read = async () => {
    const message = await messages.read();
    if (message === null) {
      if (!initiator) throw new MalformedError("no handshake");
      throw new TokenError(
        initiator ? "it hung up: it has another token" : "it hung up before it showed a token",
      );
    }
    try {
      handshake.read(message);
    } catch (error) {
      if (error instanceof MalformedError) {
        throw new TokenError(
          initiator ? "it has another token" : "it has another token, or none",
        );
      }
      throw error;
    }
  };
  if (initiator) await messages.write(handshake.write(none));
  await read();
  if (!initiator) await messages.write(handshake.write(none));
  return new SealedStream(messages, handshake.session!, () => stream.close());
}

/** Pieces with their lengths in front. */
class Messages {
  readonly #stream: ByteStream;
  #rest: Uint8Array;

  constructor(stream: ByteStream, rest: Uint8Array) {
    this.#stream = stream;
    this.#rest = rest;
  }

  async read(): Promise<Uint8Array | null> {
    const header = await readExactly(this.#stream, this.#rest, LENGTH_BYTES);
    if (header === null) return null;
    const [high, low] = header.bytes;
    const body = await readExactly(this.#stream, header.rest, high! << 8 | low!);
    if (body === null) return null;
    this.#rest = body.rest;
    return body.bytes;
  }

  async write(message: Uint8Array): Promise<void> {
    const framed = new Uint8Array(LENGTH_BYTES + message.length);
    framed[0] = message.length >> 8;
    framed[1] = message.length & 0xff;
    framed.set(message, LENGTH_BYTES);
    await this.#stream.write(framed);
  }
}

class SealedStream implements ByteStream {
  readonly #messages: Messages;
  readonly #session: Session;
  readonly #close: () => void;

  constructor(messages: Messages, session: Session, close: () => void) {
    this.#messages = messages;
    this.#session = session;
    this.#close = close;
  }

  async read(): Promise<Uint8Array | null> {
    const sealed = await this.#messages.read();
    if (sealed === null) return null;
    return this.#session.receiving.decrypt(sealed);
  }

  /** Sends a piece without anything in it. */
  async prove(): Promise<void> {
    await this.#messages.write(this.#session.sending.encrypt(new Uint8Array()));
  }

  async write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; at += MAX_PIECE_BYTES) {
      await this.#messages.write(
        this.#session.sending.encrypt(bytes.subarray(at, at + MAX_PIECE_BYTES)),
      );
    }
  }

  close(): void {
    this.#close();
  }
}
