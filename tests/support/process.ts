/** Programs that a test runs: their output is kept, and they never outlive the test. */

import { waitFor } from "./wait.ts";

export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export class TestProcess implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #ended: Promise<Ended>;
  #stdout = "";
  #stderr = "";
  #code: number | undefined;

  constructor(
    readonly name: string,
    command: readonly string[],
    options: { readonly cwd?: string; readonly env?: Record<string, string> } = {},
  ) {
    const [program, ...args] = command;
    this.#child = new Deno.Command(program!, {
      args,
      ...options,
      clearEnv: options.env !== undefined,
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const out = collect(this.#child.stdout, (text) => (this.#stdout += text));
    const err = collect(this.#child.stderr, (text) => (this.#stderr += text));
    this.#ended = Promise.all([this.#child.status, out, err]).then(([{ code }]) => {
      this.#code = code;
      return { code, stdout: this.#stdout, stderr: this.#stderr };
    });
  }

  get pid(): number {
    return this.#child.pid;
  }

  get stdout(): string {
    return this.#stdout;
  }

  get stderr(): string {
    return this.#stderr;
  }

  /** Settled when it has ended. */
  get ended(): Promise<Ended> {
    return this.#ended;
  }

  async write(text: string): Promise<void> {
    const writer = this.#child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(text));
    writer.releaseLock();
  }

  async closeStdin(): Promise<void> {
    await this.#child.stdin.close();
  }

  /** Settled when its output (both streams) matches. */
  async says(pattern: RegExp, limitMs?: number): Promise<void> {
    await waitFor(
      `${this.name} says ${pattern}`,
      () => {
        if (pattern.test(this.#stdout) || pattern.test(this.#stderr)) return true;
        if (this.#code !== undefined) {
          throw new Error(`${this.name} ended with ${this.#code}:\n${this.#stdout}${this.#stderr}`);
        }
        return false;
      },
      limitMs,
    ).catch((error) => {
      throw new Error(`${error.message}\n${this.#stdout}${this.#stderr}`);
    });
  }

  signal(signal: Deno.Signal): void {
    if (this.#code === undefined) this.#child.kill(signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // Ended already.
    }
    await this.#child.stdin.close().catch(() => {});
    await this.#ended;
  }
}

async function collect(
  stream: ReadableStream<Uint8Array>,
  add: (text: string) => void,
): Promise<void> {
  for await (const text of stream.pipeThrough(new TextDecoderStream() as TransformStream)) {
    add(text);
  }
}
