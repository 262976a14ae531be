/** The real program on the hosts of a lab. */

import { TempDir, TestNode, toolkit } from "../support/toolkit.ts";
import { Lab } from "./lab.ts";

/** What every host's node is started with beside its key. */
export interface HouseOptions {
  /** Addresses that each node looks for; those of the first host unless told. */
  readonly hosts?: readonly string[];
  readonly args?: readonly string[];
}

const PORT = 2254;
const ALIASES = ["hall", "kitchen", "attic", "cellar", "garden"] as const;

/** A node on each host of a lab, all with one key. */
export class House implements AsyncDisposable {
  readonly nodes: TestNode[] = [];

  private constructor(
    readonly lab: Lab,
    readonly dir: TempDir,
    readonly options: HouseOptions,
  ) {}

  static async make(size: number, options: HouseOptions = {}): Promise<House> {
    const lab = await Lab.make(size);
    const dir = await TempDir.make();
    const house = new House(lab, dir, options);
    try {
      await toolkit(["cluster", "keygen", "--out", dir.file("key")]);
      for (let host = 0; host < size; host++) await house.start(host);
      for (const node of house.nodes) await node.sees(house.aliases, 20_000);
    } catch (error) {
      await house[Symbol.asyncDispose]();
      throw error;
    }
    return house;
  }

  get aliases(): readonly string[] {
    return ALIASES.slice(0, this.lab.size);
  }

  /** Starts a node on a host that has none, or none any more. */
  async start(host: number, args: readonly string[] = []): Promise<TestNode> {
    const hosts = this.options.hosts ?? [`${this.lab.address(0)}:${PORT}`];
    const node = await TestNode.start({
      alias: ALIASES[host]!,
      dataDir: this.dir.file(`host${host}`),
      prefix: this.lab.on(host),
      args: [
        ...["-H", "0.0.0.0", "-P", String(PORT), "--key-file", this.dir.file("key"), "--no-mdns"],
        ...hosts.flatMap((address) => ["--join", address]),
        ...this.options.args ?? [],
        ...args,
      ],
    });
    this.nodes[host] = node;
    return node;
  }

  /** Waits until every node sees every node. */
  async isWhole(limitMs?: number): Promise<void> {
    for (const node of this.nodes) await node.sees(this.aliases, limitMs);
  }

  /** Whether any node has called another failed so far. */
  get verdicts(): string[] {
    return this.nodes.flatMap((node) =>
      node.process.stderr.split("\n").filter((line) => /has failed/.test(line))
        .map((line) => `${node.alias}: ${line}`)
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const node of this.nodes) await node[Symbol.asyncDispose]();
    await this.lab[Symbol.asyncDispose]();
    await this.dir[Symbol.asyncDispose]();
  }
}
