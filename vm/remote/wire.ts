/**
 * A remote user's end of a session: bytes on a connection, as plain lines or in frames. A core of
 * state without I/O of its own: it is told what came and tells what to send.
 */

import { utf8 } from "../../cluster/bytes.ts";
import { MalformedError } from "../../cluster/errors.ts";
import type { SessionInput, Wants } from "../repl/channel.ts";
import {
  decodeInput,
  encodeEnded,
  encodeLines,
  encodeOutput,
  encodeWants,
  FrameReader,
  HEADER_BYTES,
  Kind,
} from "./frames.ts";
import { LineSplitter } from "./line_splitter.ts";

/** A first line with which a plain connection goes on in frames. */
export const ATTACH_LINE = "toolkit-vm-attach 1";
/** What the server answers to it; frames follow. */
export const ATTACHED = "\0toolkit-vm-attached 1\n";

/** A web page can make a browser send this; it must not drive anything here. */
const HTTP_REQUEST =
  /^[A-Z]{1,20} .*HTTP\/\d|^(GET|POST|PUT|HEAD|OPTIONS|DELETE|PATCH|CONNECT|TRACE|PRI) /;

/** As TLS and other programs begin, and nobody who types; a page may have lines of its own in it. */
// deno-lint-ignore no-control-regex -- these are what is looked for
const NO_TEXT = /[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]/;

/** What a user says, or that there is nobody any more. */
export type Incoming = SessionInput | { readonly type: "hungUp" };

/** How a session looks on the wire. */
export interface Wire {
  /** Takes in bytes. Throws {@link MalformedError}: the connection is to be closed. */
  push(bytes: Uint8Array): void;
  /** So much waits that nothing more is to be read. */
  readonly isFull: boolean;
  /** There will be no more. */
  end(): void;
  /** The next thing that the user has said, if there is one that can be taken now. */
  next(wanted: Wants["kind"] | undefined): Incoming | undefined;
  output(bytes: Uint8Array): readonly Uint8Array[];
  wants(wants: Wants): readonly Uint8Array[];
  /** `wanted`: what has been asked for and not been answered. */
  lines(lines: Uint8Array, wanted: Wants | undefined): readonly Uint8Array[];
  ended(reason: string | undefined): readonly Uint8Array[];
  /** Another one, if what came asks for it: it has what came behind. */
  successor(): Wire | undefined;
}

/** Plain lines, as from nc: prompts are part of the text, and there is no Ctrl-C. */
export class PlainWire implements Wire {
  readonly #lines: LineSplitter;
  readonly #maxLineBytes: number;
  #isFirst = true;
  #hasEnded = false;
  /** The user's program speaks toolkit's own protocol. */
  #wantsFrames = false;

  constructor(maxLineBytes: number) {
    this.#lines = new LineSplitter(maxLineBytes);
    this.#maxLineBytes = maxLineBytes;
  }

  push(bytes: Uint8Array): void {
    this.#lines.push(bytes);
    this.#refuseLongLine();
  }

  get isFull(): boolean {
    return this.#lines.length > this.#maxLineBytes;
  }

  end(): void {
    this.#hasEnded = true;
  }

  next(wanted: Wants["kind"] | undefined): Incoming | undefined {
    if (wanted === undefined) return undefined;
    this.#refuseLongLine();
    const line = this.#lines.next() ?? (this.#hasEnded ? this.#lines.last() : undefined);
    if (line === undefined) {
      if (!this.#hasEnded) return undefined;
      return wanted === "input" ? { type: "endOfInput" } : { type: "hungUp" };
    }
    if (this.#isFirst) {
      this.#isFirst = false;
      if (HTTP_REQUEST.test(line)) throw new MalformedError("an HTTP request");
      if (NO_TEXT.test(line)) throw new MalformedError("bytes that are no text");
      if (line === ATTACH_LINE) {
        this.#wantsFrames = true;
        return undefined;
      }
    }
    return { type: "line", line };
  }

  output(bytes: Uint8Array): readonly Uint8Array[] {
    return [bytes];
  }

  /** What a program has written is its own prompt. */
  wants({ kind, prompt }: Wants): readonly Uint8Array[] {
    return kind === "input" ? [] : [utf8(prompt)];
  }

  lines(lines: Uint8Array, wanted: Wants | undefined): readonly Uint8Array[] {
    return wanted === undefined ? [lines] : [utf8("\n"), lines, ...this.wants(wanted)];
  }

  ended(reason: string | undefined): readonly Uint8Array[] {
    return reason === undefined ? [] : [utf8(`\n${reason}\n`)];
  }

  successor(): Wire | undefined {
    if (!this.#wantsFrames) return undefined;
    const wire = new FramedWire(this.#maxLineBytes);
    wire.push(this.#lines.takeAll());
    if (this.#hasEnded) wire.end();
    return wire;
  }

  #refuseLongLine(): void {
    if (!this.#lines.isTooLong) return;
    throw new MalformedError(`a line of more than ${this.#maxLineBytes} bytes`);
  }
}

/** Frames, as from `toolkit vm attach`. */
export class FramedWire implements Wire {
  readonly #frames: FrameReader;
  readonly #maxLineBytes: number;
  #waiting: SessionInput | undefined;
  #hasEnded = false;

  constructor(maxLineBytes: number) {
    this.#frames = new FrameReader(maxLineBytes + 1);
    this.#maxLineBytes = maxLineBytes;
  }

  push(bytes: Uint8Array): void {
    this.#frames.push(bytes);
  }

  get isFull(): boolean {
    return this.#frames.length >= HEADER_BYTES + this.#maxLineBytes;
  }

  end(): void {
    this.#hasEnded = true;
  }

  next(wanted: Wants["kind"] | undefined): Incoming | undefined {
    // Ctrl-C is for what runs: it overtakes what is not wanted yet, which is dropped.
    if (wanted === undefined && this.#frames.skipToLast(Kind.interrupt)) this.#waiting = undefined;
    this.#waiting ??= this.#read();
    const input = this.#waiting;
    if (input === undefined) return this.#hasEnded ? { type: "hungUp" } : undefined;
    if (input.type !== "interrupt" && wanted === undefined) return undefined;
    this.#waiting = undefined;
    return input;
  }

  output(bytes: Uint8Array): readonly Uint8Array[] {
    return encodeOutput(bytes);
  }

  wants(wants: Wants): readonly Uint8Array[] {
    return [encodeWants(wants)];
  }

  lines(lines: Uint8Array): readonly Uint8Array[] {
    return encodeLines(lines);
  }

  ended(reason: string | undefined): readonly Uint8Array[] {
    return [encodeEnded(reason)];
  }

  successor(): undefined {
    return undefined;
  }

  #read(): SessionInput | undefined {
    const frame = this.#frames.next();
    return frame === undefined ? undefined : decodeInput(frame.kind, frame.body);
  }
}
