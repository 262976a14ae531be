/** One node of the demo: the real program as a process of its own, and what it says. */

import { Problem } from "../../cluster/errors.ts";

/** How the real program is started. */
export const PROGRAM: readonly string[] = [
  "run",
  "-A",
  "--no-prompt",
  "--unstable-net",
  new URL("../../main.ts", import.meta.url).pathname,
];

/** One line that a node wrote, and when, in monotonic milliseconds. */
interface Said {
  readonly at: number;
  readonly line: string;
}

export interface DemoNodeOptions {
  readonly alias: string;
  /** Holds the config file, the key and a data dir per node. */
  readonly folder: string;
  /** Addresses of nodes to look for. */
  readonly join: readonly string[];
}

export class DemoNode {
  readonly alias: string;
  readonly dataDir: string;
  readonly #options: DemoNodeOptions;
  #child: Deno.ChildProcess | undefined;
  #said: Said[] = [];
  #waiting: {
    readonly pattern: RegExp;
    readonly tell: (said: Said) => void;
    readonly fail: (error: Problem) => void;
  }[] = [];

  constructor(options: DemoNodeOptions) {
    this.#options = options;
    this.alias = options.alias;
    this.dataDir = `${options.folder}/${options.alias}`;
  }

  get running(): boolean {
    return this.#child !== undefined;
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  /** HOST:PORT of its cluster port. */
  get address(): string {
    const line = this.#said.findLast(({ line }) => line.includes("listening on"))?.line;
    return /listening on (\S+)/.exec(line ?? "")?.[1] ?? "";
  }

  /** Starts the process; settled when the node runs. */
  async start(): Promise<void> {
    const { folder, join } = this.#options;
    this.#said = [];
    const child = new Deno.Command(Deno.execPath(), {
      args: [
        ...PROGRAM,
        "up",
        ...["--config", `${folder}/toolkit.toml`, "--key-file", `${folder}/cluster.key`],
        ...["--node-alias", this.alias, "--data-dir", this.dataDir, "-P", "0"],
        ...join.flatMap((address) => ["--join", address]),
      ],
      // What the person has configured for a node of their own is not for these.
      env: environment(),
      clearEnv: true,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#child = child;
    const heard = [this.#listen(child.stdout), this.#listen(child.stderr)];
    void child.status.then(async ({ code }) => {
      await Promise.all(heard);
      if (this.#child === child) this.#died(code);
    });
    await this.says(/listening on/);
  }

  /** The first line from now on, or of late, that matches; with when it came. */
  says(pattern: RegExp, since = 0): Promise<Said> {
    const said = this.#said.find(({ at, line }) => at >= since && pattern.test(line));
    if (said !== undefined) return Promise.resolve(said);
    return new Promise((tell, fail) => this.#waiting.push({ pattern, tell, fail }));
  }

  /** It ended without being asked to. */
  #died(code: number): void {
    this.#child = undefined;
    const problem = new Problem(`${this.alias} ended with ${code}`, {
      hint: this.lastWords(2).join("; "),
    });
    for (const { fail } of this.#waiting.splice(0)) fail(problem);
  }

  /** Ends it without a word. */
  async kill(): Promise<void> {
    await this.#end("SIGKILL");
  }

  /** Lets it leave as a user would. */
  async stop(): Promise<void> {
    const code = await this.#end("SIGTERM");
    if (code !== 0) throw new Problem(`${this.alias} ended with ${code}`);
  }

  async #end(signal: Deno.Signal): Promise<number> {
    const child = this.#child;
    if (child === undefined) return 0;
    this.#child = undefined;
    child.kill(signal);
    return (await child.status).code;
  }

  /** The last lines that it said, to explain what went wrong. */
  lastWords(count: number): string[] {
    return this.#said.slice(-count).map(({ line }) => `${this.alias}: ${line}`);
  }

  async #listen(stream: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder();
    let rest = "";
    for await (const bytes of stream) {
      const lines = (rest + decoder.decode(bytes, { stream: true })).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) this.#hear({ at: performance.now(), line });
    }
  }

  #hear(said: Said): void {
    this.#said.push(said);
    const heard = this.#waiting.filter(({ pattern }) => pattern.test(said.line));
    this.#waiting = this.#waiting.filter((waiting) => !heard.includes(waiting));
    for (const { tell } of heard) tell(said);
  }
}

/** The person's environment without what configures toolkit. */
export function environment(): Record<string, string> {
  const all = Object.entries(Deno.env.toObject());
  return Object.fromEntries(all.filter(([name]) => !name.startsWith("TOOLKIT_")));
}
