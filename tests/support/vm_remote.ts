/** A server for remote users on loopback, and users as raw as they come. */

import { writeAll } from "../../cluster/files.ts";
import { answer } from "../../vm/commands/answers.ts";
import { membersOnly } from "../../vm/commands/part.ts";
import { type ReadFile, readNoFile } from "../../vm/commands/program_files.ts";
import type { VmLimits } from "../../vm/limits.ts";
import { DEFAULT_VM_LIMITS } from "./vm_limits.ts";
import { RemoteServer } from "../../vm/remote/server.ts";
import { Workshop } from "../../vm/workshop.ts";
import { waitFor } from "./wait.ts";

export interface ServerOptions {
  readonly limits?: Partial<VmLimits>;
  readonly token?: Uint8Array;
  readonly readFile?: ReadFile;
}

export class TestServer implements Disposable {
  readonly log: string[] = [];
  readonly workshop: Workshop;
  readonly server: RemoteServer;

  constructor({ limits, token, readFile = readNoFile }: ServerOptions = {}) {
    const say = (text: string) => void this.log.push(text);
    const log = { debug: say, info: say, warn: say, error: say };
    const workshop = new Workshop({ limits: { ...DEFAULT_VM_LIMITS, ...limits }, threads: 1, log });
    this.workshop = workshop;
    this.server = RemoteServer.start({
      host: "127.0.0.1",
      port: 0,
      token,
      workshop,
      log,
      answer: (request, owner) =>
        answer(request, {
          background: workshop.background,
          owner,
          seesAll: false,
          readFile,
          cluster: membersOnly(() => Promise.resolve(["a member"])),
        }),
    });
  }

  connect(): Promise<TestUser> {
    return TestUser.connect(this.server.port);
  }

  /** A user who has been greeted. */
  greeted(): Promise<TestUser> {
    return TestUser.greeted(this.server.port);
  }

  /** Waits until nobody is connected and nothing runs. */
  async isQuiet(): Promise<void> {
    await waitFor("all users are gone", () => this.server.sessions === 0);
    await waitFor("no program runs", async () => {
      return this.workshop.background.count === 0 && (await this.workshop.pool.status()).size === 0;
    });
  }

  [Symbol.dispose](): void {
    this.server.close();
    this.workshop.close();
  }
}

/** A connection as nc has it. */
export class TestUser implements Disposable {
  readonly #connection: Deno.TcpConn;
  readonly #decoder = new TextDecoder();
  /** All that was said to it since {@link forget}. */
  text = "";
  /** The other side has hung up. */
  isOver = false;

  private constructor(connection: Deno.TcpConn, isReading: boolean) {
    this.#connection = connection;
    if (isReading) void this.#read();
  }

  static async connect(port: number, isReading = true): Promise<TestUser> {
    return new TestUser(await Deno.connect({ hostname: "127.0.0.1", port }), isReading);
  }

  /** One who has heard the first prompt, and forgotten it. */
  static async greeted(port: number): Promise<TestUser> {
    const user = await TestUser.connect(port);
    await user.hears(/>>> $/);
    user.forget();
    return user;
  }

  async send(text: string | Uint8Array): Promise<void> {
    const bytes = typeof text === "string" ? new TextEncoder().encode(text) : text;
    await writeAll(this.#connection, bytes);
  }

  /** Settled when it was told this, since {@link forget}. */
  async hears(pattern: RegExp): Promise<void> {
    await waitFor(`it hears ${pattern}`, () => pattern.test(this.text)).catch((error) => {
      throw new Error(`${error.message}: ${JSON.stringify(this.text.slice(-2_000))}`);
    });
  }

  /** Says a line and waits for the next prompt; gives what was told before it. */
  async asks(line: string): Promise<string> {
    this.forget();
    await this.send(`${line}\n`);
    await this.hears(/>>> $/);
    return this.text.slice(0, -4);
  }

  async isHungUpOn(): Promise<void> {
    await waitFor("the other side hangs up", () => this.isOver);
  }

  forget(): void {
    this.text = "";
  }

  /** No more will be said; what is told is still heard. */
  endOfInput(): Promise<void> {
    return this.#connection.closeWrite();
  }

  [Symbol.dispose](): void {
    try {
      this.#connection.close();
    } catch {
      // Closed already.
    }
  }

  async #read(): Promise<void> {
    const buffer = new Uint8Array(16 * 1024);
    for (;;) {
      const count = await this.#connection.read(buffer).catch(() => null);
      if (count === null) break;
      this.text += this.#decoder.decode(buffer.subarray(0, count), { stream: true });
    }
    this.isOver = true;
  }
}
