/** The core story: three nodes, a press, a crash, a press while one is away, and its return. */

import type { CliContext } from "../../cli/context.ts";
import { drawStrip } from "../../reminder/commands/text.ts";
import { DEFAULT_LAMP_COUNT, divideStrip } from "../../reminder/lights/strip.ts";
import { COLOURS, OFF } from "../../reminder/urgency.ts";
import type { House } from "./house.ts";
import type { DemoNode } from "./node.ts";
import type { Story } from "./story.ts";

/** Seconds instead of hours, and no night, so that something is to be seen. */
export const CORE_CONFIG = `[node]
[discovery]
mdns = false
[[reminder]]
name = "cat-litter"
thresholds = { dark_green = "8s", orange = "12s", red = "24s", blink = "26s" }
night = "off"
`;
const REMINDER = "cat-litter";

export async function coreStory(context: CliContext, story: Story, house: House): Promise<void> {
  const now = () => performance.now();
  const green = /cat-litter: light green/;

  await house.startAll(story);
  const [hall, kitchen, attic] = house.nodes as [DemoNode, DemoNode, DemoNode];

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
