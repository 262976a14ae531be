/** The real program, run as a user would run it. */

import type { Json } from "../../cluster/control.ts";
import type { MemberReport } from "../../cluster/member_report.ts";
import type { BareNodeOptions } from "./bare_node.ts";
import { type Ended, TestProcess } from "./process.ts";
import { waitFor } from "./wait.ts";

const ROOT = new URL("../..", import.meta.url).pathname;

/** The program as a command line; a built file can be tested instead of the checkout. */
const PROGRAM: readonly string[] = [
  Deno.execPath(),
  "run",
  "-A",
  "--no-prompt",
  "--unstable-net",
  "--cached-only",
  `${ROOT}main.ts`,
];

/** Nothing of the tester's own configuration reaches the program. */
function cleanEnv(env: Record<string, string> = {}): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const name of ["PATH", "DENO_DIR", "HOME", "TMPDIR"]) {
    const value = Deno.env.get(name);
    if (value !== undefined) kept[name] = value;
  }
  return { ...kept, XDG_CONFIG_HOME: "/nonexistent", ...env };
}

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Record<string, string>;
  /** What to run the program with, such as `ip netns exec NAME`. */
  readonly prefix?: readonly string[];
}

/** Runs a command that ends by itself. */
export async function toolkit(args: readonly string[], options: RunOptions = {}): Promise<Ended> {
  await using process = start(args, options);
  await process.closeStdin();
  return await process.ended;
}

/** Starts a command that goes on. */
export function start(args: readonly string[], options: RunOptions = {}): TestProcess {
  const { prefix = [], env, cwd } = options;
  return new TestProcess(`toolkit ${args.join(" ")}`, [...prefix, ...PROGRAM, ...args], {
    env: cleanEnv(env),
    cwd: cwd ?? "/",
  });
}

/** Starts a node without the program around it. */
export function startBareNode(
  options: BareNodeOptions,
  prefix: readonly string[] = [],
): TestProcess {
  const run = [Deno.execPath(), "run", "-A", "--unstable-net", "--cached-only"];
  const script = [`--config=${ROOT}deno.json`, `${ROOT}tests/support/bare_node.ts`];
  return new TestProcess(options.alias, [...prefix, ...run, ...script, JSON.stringify(options)]);
}

/** A folder that is gone after the test. */
export class TempDir implements AsyncDisposable {
  private constructor(readonly path: string) {}

  static async make(): Promise<TempDir> {
    return new TempDir(await Deno.makeTempDir({ prefix: "toolkit-test-" }));
  }

  file(name: string): string {
    return `${this.path}/${name}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.path, { recursive: true });
  }
}

export interface NodeOptions extends RunOptions {
  readonly alias: string;
  readonly dataDir: string;
  /** What runs; a reminder node unless told. */
  readonly command?: readonly string[];
  readonly args?: readonly string[];
}

/** A running node and the questions that can be asked of it. */
export class TestNode implements AsyncDisposable {
  readonly #process: TestProcess;

  private constructor(readonly options: NodeOptions, process: TestProcess) {
    this.#process = process;
  }

  /** Starts a node; settled when it runs. Any free port unless the arguments name one. */
  static async start(options: NodeOptions): Promise<TestNode> {
    const node = TestNode.spawn(options);
    await node.process.says(/ runs .*listening on/).catch(async (error) => {
      await node[Symbol.asyncDispose]();
      throw error;
    });
    return node;
  }

  /** Starts a node without waiting for it. */
  static spawn(options: NodeOptions): TestNode {
    const { command = ["reminder", "run"], args = [], alias, dataDir } = options;
    const port = args.includes("-P") ? [] : ["-P", "0"];
    const all = [
      ...command,
      "--node-alias",
      alias,
      "--data-dir",
      dataDir,
      ...port,
      ...args,
    ];
    return new TestNode(options, start(all, options));
  }

  get process(): TestProcess {
    return this.#process;
  }

  get alias(): string {
    return this.options.alias;
  }

  /** HOST:PORT of its cluster port. */
  get address(): string {
    return / listening on (\S+?),?(\s|$)/.exec(this.#process.stderr)![1]!;
  }

  /** Runs a command against this node. */
  run(...args: readonly string[]): Promise<Ended> {
    return toolkit([...args, "--data-dir", this.options.dataDir], this.options);
  }

  /** Runs a command against this node and reads its JSON. */
  async json(...args: readonly string[]): Promise<Json> {
    const { code, stdout, stderr } = await this.run(...args, "--json");
    if (code !== 0) throw new Error(`${args.join(" ")} ended with ${code}: ${stderr}`);
    return JSON.parse(stdout);
  }

  async members(...flags: readonly string[]): Promise<readonly MemberReport[]> {
    const answer = await this.json("cluster", "members", ...flags);
    return (answer as unknown as { members: MemberReport[] }).members;
  }

  /** Waits until this node sees exactly these aliases alive. */
  async sees(aliases: readonly string[], limitMs?: number): Promise<void> {
    const wanted = [...aliases].sort().join();
    let seen = "";
    await waitFor(`${this.alias} sees ${wanted}`, async () => {
      const members = await this.members();
      const alive = members.filter(({ state, connected }) => state === "alive" && connected);
      seen = alive.map(({ alias }) => alias ?? "?").sort().join();
      return seen === wanted;
    }, limitMs).catch((error) => {
      throw new Error(`${error.message}; it sees ${seen}\n${this.#process.stderr}`);
    });
  }

  /** Stops it as a user would; gives how it ended. */
  async stop(signal: Deno.Signal = "SIGTERM"): Promise<Ended> {
    this.#process.signal(signal);
    return await this.#process.ended;
  }

  /** Ends it without a word. */
  async kill(): Promise<void> {
    this.#process.signal("SIGKILL");
    await this.#process.ended;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#process[Symbol.asyncDispose]();
  }
}
