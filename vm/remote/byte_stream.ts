/** A connection as a stream of bytes both ways, as it is or sealed. */

import { concat } from "../../cluster/bytes.ts";
import { writeAll } from "../../cluster/files.ts";

export interface ByteStream {
  /** What has come; null at the end. One call at a time. */
  read(): Promise<Uint8Array | null>;
  /** Settled when the kernel has it; one call at a time. */
  write(bytes: Uint8Array): Promise<void>;
  close(): void;
}

const READ_BYTES = 16 * 1024;

/** The bytes as they are: for loopback. */
export class PlainStream implements ByteStream {
  readonly #connection: Deno.TcpConn;
  readonly #buffer = new Uint8Array(READ_BYTES);

  constructor(connection: Deno.TcpConn) {
    this.#connection = connection;
    // A prompt behind an answer would wait 40 ms for the other side's word that the answer came.
    connection.setNoDelay(true);
  }

  async read(): Promise<Uint8Array | null> {
    const count = await this.#connection.read(this.#buffer);
    return count === null ? null : this.#buffer.slice(0, count);
  }

  write(bytes: Uint8Array): Promise<void> {
    return writeAll(this.#connection, bytes);
  }

  close(): void {
    try {
      this.#connection.close();
    } catch {
      // Closed already.
    }
  }
}

/** Exactly so many bytes; null if the stream ends before. `rest` is what has come beyond. */
export async function readExactly(
  stream: ByteStream,
  rest: Uint8Array,
  count: number,
): Promise<{ readonly bytes: Uint8Array; readonly rest: Uint8Array } | null> {
  const pieces = [rest];
  let length = rest.length;
  while (length < count) {
    const piece = await stream.read();
    if (piece === null) return null;
    pieces.push(piece);
    length += piece.length;
  }
  const all = concat(...pieces);
  return { bytes: all.subarray(0, count), rest: all.subarray(count) };
}
