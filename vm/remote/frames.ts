/**
 * What an attached client and a session say to each other: frames of a length (32 bits, little-endian,
 * of what follows it), a kind (a byte) and a body.
 *
 *     client   1 line (UTF-8) · 2 end of input · 3 interrupt
 *     server   16 output (bytes) · 17 wants (JSON) · 18 lines (bytes) · 19 ended (JSON)
 */

import { ByteQueue } from "../../cluster/byte_queue.ts";
import { textOf, utf8 } from "../../cluster/bytes.ts";
import { MalformedError } from "../../cluster/errors.ts";
import type { Label } from "../repl/completion.ts";
import type { SessionInput, Wants } from "../repl/channel.ts";

export type FromServer =
  | { readonly type: "output"; readonly bytes: Uint8Array }
  | Wants
  /** Whole lines from elsewhere, at any time. */
  | { readonly type: "lines"; readonly bytes: Uint8Array }
  /** It is over; with the reason, if that was none of the user's. */
  | { readonly type: "ended"; readonly reason: string | undefined };

export const Kind = {
  line: 1,
  endOfInput: 2,
  interrupt: 3,
  output: 16,
  wants: 17,
  lines: 18,
  ended: 19,
} as const;

export const HEADER_BYTES = 5;
/** From the server; output is cut into pieces. */
export const MAX_SERVER_FRAME_BYTES = 1024 * 1024;
const NEWLINE = 10;
const MAX_PIECE_BYTES = 64 * 1024;

/** Cuts a stream of bytes into frames. */
export class FrameReader {
  readonly #maxBytes: number;
  readonly #queue = new ByteQueue();

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  push(bytes: Uint8Array): void {
    this.#queue.push(bytes);
  }

  /** Bytes that wait. */
  get length(): number {
    return this.#queue.length;
  }

  /** The next whole frame; undefined if there is none yet. Throws {@link MalformedError}. */
  next(): { readonly kind: number; readonly body: Uint8Array } | undefined {
    const end = this.#endOfFrameAt(0);
    if (end === undefined) return undefined;
    const frame = this.#queue.take(end);
    return { kind: frame[HEADER_BYTES - 1]!, body: frame.subarray(HEADER_BYTES) };
  }

  /** Drops the frames before the last whole one of this kind; false if there is none. */
  skipToLast(kind: number): boolean {
    let last = -1;
    let at = 0;
    for (let end; (end = this.#endOfFrameAt(at)) !== undefined; at = end) {
      if (this.#queue.bytes[at + HEADER_BYTES - 1] === kind) last = at;
    }
    if (last >= 0) this.#queue.drop(last);
    return last >= 0;
  }

  /** Undefined if it is not whole yet. */
  #endOfFrameAt(at: number): number | undefined {
    const { bytes } = this.#queue;
    if (bytes.length < at + HEADER_BYTES) return undefined;
    const length =
      (bytes[at]! | bytes[at + 1]! << 8 | bytes[at + 2]! << 16 | bytes[at + 3]! << 24) >>> 0;
    if (length < 1 || length > this.#maxBytes) {
      throw new MalformedError(`a frame of ${length} bytes`);
    }
    const end = at + 4 + length;
    return bytes.length < end ? undefined : end;
  }
}

// -- the client's ---------------------------------------------------------------------------------

export function encodeInput(input: SessionInput): Uint8Array {
  switch (input.type) {
    case "line":
      return frame(Kind.line, utf8(input.line));
    case "endOfInput":
      return frame(Kind.endOfInput);
    case "interrupt":
      return frame(Kind.interrupt);
  }
}

/** Throws {@link MalformedError}. */
export function decodeInput(kind: number, body: Uint8Array): SessionInput {
  switch (kind) {
    case Kind.line:
      return { type: "line", line: textOf(body) };
    case Kind.endOfInput:
      return { type: "endOfInput" };
    case Kind.interrupt:
      return { type: "interrupt" };
  }
  throw new MalformedError(`a frame of kind ${kind}`);
}

// -- the server's ---------------------------------------------------------------------------------

export function encodeOutput(bytes: Uint8Array): Uint8Array[] {
  return inPieces(Kind.output, bytes);
}

/** Whole lines in each frame. */
export function encodeLines(bytes: Uint8Array): Uint8Array[] {
  const frames: Uint8Array[] = [];
  for (let at = 0; at < bytes.length;) {
    const piece = bytes.subarray(at, at + MAX_PIECE_BYTES);
    const end = piece.lastIndexOf(NEWLINE) + 1;
    const length = at + piece.length === bytes.length || end === 0 ? piece.length : end;
    frames.push(frame(Kind.lines, piece.subarray(0, length)));
    at += length;
  }
  return frames;
}

function inPieces(kind: number, bytes: Uint8Array): Uint8Array[] {
  const frames: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += MAX_PIECE_BYTES) {
    frames.push(frame(kind, bytes.subarray(at, at + MAX_PIECE_BYTES)));
  }
  return frames;
}

export function encodeWants({ kind, prompt, labels }: Wants): Uint8Array {
  return frame(Kind.wants, utf8(JSON.stringify({ kind, prompt, labels })));
}

export function encodeEnded(reason: string | undefined): Uint8Array {
  return frame(Kind.ended, utf8(JSON.stringify({ reason })));
}

/** Throws {@link MalformedError}. */
export function decodeFromServer(kind: number, body: Uint8Array): FromServer {
  if (kind === Kind.output) return { type: "output", bytes: body };
  if (kind === Kind.lines) return { type: "lines", bytes: body };
  let value: unknown;
  try {
    value = JSON.parse(textOf(body));
  } catch {
    throw new MalformedError("a frame that is no JSON");
  }
  switch (kind) {
    case Kind.wants:
      return wantsOf(value);
    case Kind.ended: {
      const reason = Reflect.get(Object(value), "reason");
      return { type: "ended", reason: typeof reason === "string" ? reason : undefined };
    }
  }
  throw new MalformedError(`a frame of kind ${kind}`);
}

function wantsOf(value: unknown): Wants {
  const { kind, prompt, labels } = Object(value) as Record<string, unknown>;
  if (kind !== "ready" && kind !== "path" && kind !== "input" || typeof prompt !== "string") {
    throw new MalformedError("a wish that nobody can read");
  }
  const wants = { type: "wants", kind, prompt } as const;
  return labels === undefined ? wants : { ...wants, labels: labelsOf(labels) };
}

function labelsOf(value: unknown): Label[] {
  if (!Array.isArray(value)) throw new MalformedError("no list of labels");
  return value.map((label: unknown) => {
    const { name, section } = Object(label) as Record<string, unknown>;
    if (typeof name !== "string" || section !== "data" && section !== "code") {
      throw new MalformedError("a label that nobody can read");
    }
    return { name, section };
  });
}

function frame(kind: number, body: Uint8Array = new Uint8Array()): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES + body.length);
  new DataView(bytes.buffer).setUint32(0, 1 + body.length, true);
  bytes[4] = kind;
  bytes.set(body, HEADER_BYTES);
  return bytes;
}
