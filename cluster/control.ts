/**
 * The control socket, by which commands ask the running node. JSON lines: one request a connection,
 * `{"method", "params"}`; answers `{"result"}` or `{"error"}`; a stream sends `{"event"}` lines until
 * either side closes. Who may open the socket may do everything: its mode is the permission.
 */

import { ExitCode, messageOf, Problem } from "./errors.ts";
import { writeAll } from "./files.ts";
import type { Log } from "./log.ts";
import { Repetitions } from "./repetitions.ts";

/** Requests and answers longer than this are refused. */
export const MAX_REQUEST_BYTES = 64 * 1024;
/** Commands served at a time. */
export const MAX_CONNECTIONS = 64;
/** A request has to be there after this long. */
const REQUEST_LIMIT_MS = 5_000;
/** What fails again and again is told once in this time. */
const FAILURE_QUIET_MS = 60_000;

export type Json = null | boolean | number | string | readonly Json[] | {
  readonly [key: string]: Json;
};
export type Params = { readonly [key: string]: Json };

/** Answers one request; `emit` makes it a stream, which ends when the promise is settled. */
export type ControlMethod = (
  params: Params,
  stream: ControlStream,
) => Json | Promise<Json>;

export interface ControlStream {
  /** Sends a line; false once the other side has gone. */
  emit(event: Json): boolean;
  /** Settled when the other side has gone. */
  readonly closed: Promise<void>;
}

export type ControlMethods = Readonly<Record<string, ControlMethod>>;

/** An error as it crosses the socket. */
export interface ControlError {
  readonly message: string;
  readonly hint?: string;
  readonly exitCode: number;
}

export interface ControlServerOptions {
  readonly path: string;
  readonly methods: ControlMethods;
  readonly log: Log;
  /** The group that may use the socket too. */
  readonly groupId?: number;
}

export class ControlServer {
  readonly #options: ControlServerOptions;
  readonly #listener: Deno.UnixListener;
  readonly #connections = new Set<Deno.UnixConn>();
  readonly #failures = new Repetitions(FAILURE_QUIET_MS, 16);
  #closed = false;

  private constructor(options: ControlServerOptions, listener: Deno.UnixListener) {
    this.#options = options;
    this.#listener = listener;
    void this.#accept();
  }

  /** Call it with the data dir's lock held: what is left of a former socket is removed. */
  static async start(options: ControlServerOptions): Promise<ControlServer> {
    const { path, groupId } = options;
    try {
      await Deno.remove(path).catch((error) => {
        if (!(error instanceof Deno.errors.NotFound)) throw error;
      });
      const listener = Deno.listen({ transport: "unix", path });
      await Deno.chmod(path, groupId === undefined ? 0o600 : 0o660);
      if (groupId !== undefined) await Deno.chown(path, null, groupId);
      return new ControlServer(options, listener);
    } catch (error) {
      throw new Problem(`cannot open the control socket ${path}: ${messageOf(error)}`, {
        cause: error,
      });
    }
  }

  /** Ends all streams and removes the socket. */
  close(): void {
    this.#closed = true;
    this.#listener.close();
    for (const connection of this.#connections) closeQuietly(connection);
    try {
      Deno.removeSync(this.#options.path);
    } catch {
      // Gone with the listener.
    }
  }

  async #accept(): Promise<void> {
    while (!this.#closed) {
      try {
        const connection = await this.#listener.accept();
        if (this.#connections.size >= MAX_CONNECTIONS) void turnAway(connection);
        else void this.#serve(connection);
      } catch (error) {
        if (this.#closed) return;
        if (this.#failures.isNews(performance.now(), messageOf(error))) {
          this.#options.log.warn(`control socket: ${messageOf(error)}`);
        }
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    }
  }

  async #serve(connection: Deno.UnixConn): Promise<void> {
    this.#connections.add(connection);
    try {
      const limit = setTimeout(() => closeQuietly(connection), REQUEST_LIMIT_MS);
      const line = await readLine(connection).finally(() => clearTimeout(limit));
      if (line !== undefined) await this.#answer(connection, line);
    } catch (error) {
      this.#options.log.debug(`control socket: ${messageOf(error)}`);
    } finally {
      this.#connections.delete(connection);
      closeQuietly(connection);
    }
  }

  async #answer(connection: Deno.UnixConn, line: string): Promise<void> {
    const stream = new Stream(connection);
    let answer: Json;
    try {
      const { method, params } = parseRequest(line);
      const handler = Object.hasOwn(this.#options.methods, method)
        ? this.#options.methods[method]
        : undefined;
      if (handler === undefined) {
        throw new Problem(`the running node knows no request ${JSON.stringify(method)}`, {
          hint: "it runs other parts, or another version of toolkit",
          exitCode: ExitCode.unreachable,
        });
      }
      answer = { result: await handler(params, stream) };
    } catch (error) {
      answer = { error: controlErrorOf(error) };
      if (!(error instanceof Problem)) {
        this.#options.log.error(
          `${messageOf(error)}\n${error instanceof Error ? error.stack : ""}`,
        );
      }
    }
    await stream.finish(answer);
  }
}

/** Bytes that a slow reader of a stream may be behind; then it is cut off. */
const MAX_BEHIND_BYTES = 1024 * 1024;

class Stream implements ControlStream {
  readonly closed: Promise<void>;
  readonly #connection: Deno.UnixConn;
  #gone = false;
  #behindBytes = 0;
  #writing: Promise<void> = Promise.resolve();

  constructor(connection: Deno.UnixConn) {
    this.#connection = connection;
    this.closed = this.#watch();
  }

  emit(event: Json): boolean {
    if (this.#gone) return false;
    if (this.#behindBytes >= MAX_BEHIND_BYTES) {
      closeQuietly(this.#connection);
      return false;
    }
    this.#write({ event });
    return true;
  }

  async finish(answer: Json): Promise<void> {
    this.#write(answer);
    await this.#writing;
  }

  #write(line: Json): void {
    const bytes = new TextEncoder().encode(`${JSON.stringify(line)}\n`);
    this.#behindBytes += bytes.length;
    this.#writing = this.#writing
      .then(() => writeAll(this.#connection, bytes))
      .catch(() => {
        this.#gone = true;
      })
      .finally(() => {
        this.#behindBytes -= bytes.length;
      });
  }

  /** The other side says nothing after its request, so the end of reading is its end. */
  async #watch(): Promise<void> {
    const buffer = new Uint8Array(256);
    try {
      while (await this.#connection.read(buffer) !== null) { /* nothing is expected */ }
    } catch {
      // Closed from this side.
    }
    this.#gone = true;
  }
}

function parseRequest(line: string): { method: string; params: Params } {
  try {
    const request = JSON.parse(line);
    if (typeof request?.method === "string") {
      return { method: request.method, params: request.params ?? {} };
    }
  } catch {
    // Told below.
  }
  throw new Problem("the request is not a JSON object with a method", { exitCode: ExitCode.usage });
}

function controlErrorOf(error: unknown): Json {
  if (error instanceof Problem) {
    return {
      message: error.message,
      ...(error.hint === undefined ? {} : { hint: error.hint }),
      exitCode: error.exitCode,
    };
  }
  return { message: `a fault in the node: ${messageOf(error)}`, exitCode: ExitCode.failed };
}

/** The first line that comes, without its end; undefined if the other side closes before. */
async function readLine(connection: Deno.UnixConn): Promise<string | undefined> {
  const decoder = new TextDecoder();
  const buffer = new Uint8Array(4096);
  let line = "";
  for (;;) {
    const count = await connection.read(buffer);
    if (count === null) return undefined;
    line += decoder.decode(buffer.subarray(0, count), { stream: true });
    const end = line.indexOf("\n");
    if (end >= 0) return line.slice(0, end);
    if (line.length > MAX_REQUEST_BYTES) throw new Error("request too long");
  }
}

async function turnAway(connection: Deno.UnixConn): Promise<void> {
  const problem = new Problem("the node answers too many others", {
    hint: "try again",
    exitCode: ExitCode.unreachable,
  });
  const line = `${JSON.stringify({ error: controlErrorOf(problem) })}\n`;
  await writeAll(connection, new TextEncoder().encode(line)).catch(() => {});
  closeQuietly(connection);
}

function closeQuietly(connection: Deno.UnixConn): void {
  try {
    connection.close();
  } catch {
    // Closed already.
  }
}
