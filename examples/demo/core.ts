/** The core story: three nodes, a press, a crash, a press while one is away, and its return. */

import { ask } from "../../cli/ask.ts";
import type { CliContext } from "../../cli/context.ts";
import { loadConfig } from "../../cli/config/load.ts";
import type { Config } from "../../cli/config/schema.ts";
import type { Json } from "../../cluster/control.ts";
import { writeClusterKey } from "../../cluster/keys.ts";
import { drawStrip } from "../../reminder/commands/text.ts";
import { DEFAULT_LAMP_COUNT, divideStrip } from "../../reminder/lights/strip.ts";
import { COLOURS, OFF } from "../../reminder/urgency.ts";
import { DemoNode } from "./node.ts";
import type { Story } from "./story.ts";

/** Seconds instead of hours, and no night, so that something is to be seen. */
const CONFIG = `[node]
[discovery]
mdns = false
[[reminder]]
name = "cat-litter"
thresholds = { dark_green = "8s", orange = "12s", red = "24s", blink = "26s" }
night = "off"
`;
const REMINDER = "cat-litter";
const ALIASES = ["hall", "kitchen", "attic"] as const;

/** The house of the demo, in a folder of its own. */
export class House {
  readonly nodes: DemoNode[] = [];

  private constructor(readonly folder: string, readonly config: Config) {}

  static async build(): Promise<House> {
    const folder = await Deno.makeTempDir({ prefix: "toolkit-demo-" });
    const path = `${folder}/toolkit.toml`;
    await Deno.writeTextFile(path, CONFIG);
    await writeClusterKey(`${folder}/cluster.key`);
    const { config } = await loadConfig({ path, env: {}, flags: new Map() });
    return new House(folder, config);
  }

  add(alias: string): DemoNode {
    const join = this.nodes.slice(0, 1).map(({ address }) => address);
    const node = new DemoNode({ alias, folder: this.folder, join });
    this.nodes.push(node);
    return node;
  }

  /** Asks a node over its control socket, as the commands do. */
  ask(context: CliContext, node: DemoNode, method: string, params = {}): Promise<Json> {
    return ask(context, { ...this.config, data_dir: node.dataDir }, { method, params });
  }

  async tearDown(): Promise<void> {
    for (const node of this.nodes) await node.kill();
    await Deno.remove(this.folder, { recursive: true });
  }
}

export async function coreStory(context: CliContext, story: Story, house: House): Promise<void> {
  const now = () => performance.now();
  const green = /cat-litter: light green/;

  story.step("three nodes start, as three processes with a fresh cluster key; two know the first");
  const started = now();
  for (const alias of ALIASES) await house.add(alias).start();
  const [hall, kitchen, attic] = house.nodes as [DemoNode, DemoNode, DemoNode];
  const meetings = [
    hall.says(/kitchen .* is connected/),
    hall.says(/attic .* is connected/),
    kitchen.says(/attic .* is connected/),
  ];
  await Promise.all(meetings);
  story.saw("each is connected to each", "start of three nodes, full mesh", now() - started);

  story.step(`in the kitchen it is done (a press, or: toolkit reminder done ${REMINDER})`);
  const pressed = now();
  const shown = Promise.all(house.nodes.map((node) => node.says(green, pressed)));
  await house.ask(context, kitchen, "reminder.done", { name: REMINDER });
  const last = Math.max(...(await shown).map(({ at }) => at));
  const lamps = divideStrip([COLOURS["light green"]], DEFAULT_LAMP_COUNT);
  for (const { alias } of house.nodes) {
    story.note(`${alias.padEnd(8)} ${drawStrip(lamps, context.paint)}`);
  }
  story.saw("all three lights are green", "press to the last light", last - pressed);

  story.step(`the attic is killed (kill -9 ${attic.pid})`);
  const killed = now();
  await attic.kill();
  const known = await Promise.all([hall, kitchen].map((node) => node.says(/attic .* has failed/)));
  story.saw(
    "hall and kitchen both say that it has failed",
    "crash known everywhere",
    Math.max(...known.map(({ at }) => at)) - killed,
  );

  story.step("in the hall it is done again while the attic is away");
  const answer = await house.ask(context, hall, "reminder.done", { name: REMINDER });
  const { held_by: held, members } = answer as { held_by: number; members: number };
  story.note(`it is saved, and ${held} of ${members} members have it`);

  story.step("the attic starts again");
  const restarted = now();
  await attic.start();
  await attic.says(/cat-litter is done, by hall/);
  story.saw("it shows the press that it has missed", "restart to up to date", now() - restarted);
  const dark = divideStrip([OFF], DEFAULT_LAMP_COUNT);
  story.note(
    `${"attic".padEnd(8)} ${drawStrip(dark, context.paint)} → ${drawStrip(lamps, context.paint)}`,
  );
}

export async function leaving(story: Story, house: House): Promise<void> {
  story.step("everybody leaves, with a word");
  const began = performance.now();
  for (const node of [...house.nodes].reverse()) await node.stop();
  story.saw("all have ended with 0", "leaving, one after the other", performance.now() - began);
}
