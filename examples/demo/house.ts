/** Three nodes for a story, in a folder of their own. */

import { ask } from "../../cli/ask.ts";
import { loadConfig } from "../../cli/config/load.ts";
import type { Config } from "../../cli/config/schema.ts";
import type { CliContext } from "../../cli/context.ts";
import type { Json } from "../../cluster/control.ts";
import { writeKeyFile } from "../../cluster/keys.ts";
import { DemoNode } from "./node.ts";
import type { Story } from "./story.ts";

const ALIASES = ["hall", "kitchen", "attic"] as const;

export class House {
  readonly nodes: DemoNode[] = [];

  private constructor(readonly folder: string, readonly config: Config) {}

  /** All nodes have the same config, the text of a TOML file. */
  static async build(configText: string): Promise<House> {
    const folder = await Deno.makeTempDir({ prefix: "toolkit-demo-" });
    const path = `${folder}/toolkit.toml`;
    await Deno.writeTextFile(path, configText);
    await writeKeyFile(`${folder}/cluster.key`);
    const { config } = await loadConfig({ path, env: {}, flags: new Map() });
    return new House(folder, config);
  }

  /** The first step of every story. */
  async startAll(story: Story): Promise<void> {
    story.step(
      "three nodes start, as three processes with a fresh cluster key; two know the first",
    );
    const started = performance.now();
    for (const alias of ALIASES) await this.#add(alias).start();
    const [hall, kitchen] = this.nodes as [DemoNode, DemoNode, DemoNode];
    await Promise.all([
      hall.says(/kitchen .* is connected/),
      hall.says(/attic .* is connected/),
      kitchen.says(/attic .* is connected/),
    ]);
    const took = performance.now() - started;
    story.saw("each is connected to each", "start of three nodes, full mesh", took);
  }

  /** And the last one. */
  async stopAll(story: Story): Promise<void> {
    story.step("everybody leaves, with a word");
    const began = performance.now();
    for (const node of [...this.nodes].reverse()) await node.stop();
    const took = performance.now() - began;
    story.saw("all have ended with 0", "leaving, one after the other", took);
  }

  /** Asks a node over its control socket, as the commands do. */
  ask(context: CliContext, node: DemoNode, method: string, params = {}): Promise<Json> {
    return ask(context, { ...this.config, data_dir: node.dataDir }, { method, params });
  }

  async tearDown(): Promise<void> {
    for (const node of this.nodes) await node.kill();
    await Deno.remove(this.folder, { recursive: true });
  }

  #add(alias: string): DemoNode {
    const join = this.nodes.slice(0, 1).map(({ address }) => address);
    const node = new DemoNode({ alias, folder: this.folder, join });
    this.nodes.push(node);
    return node;
  }
}
