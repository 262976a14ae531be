import assert from "node:assert/strict";
import type { Item } from "../../cluster/consensus/lww.ts";
import { nodeIdOfBytes } from "../../cluster/ids.ts";
import { type Moment, type Put, ReminderCore, type ReminderStore } from "../../reminder/core.ts";
import { divideStrip, SimulatedStrip } from "../../reminder/lights/strip.ts";
import {
  DEFAULT_NIGHT,
  DEFAULT_THRESHOLDS,
  type ReminderSettings,
} from "../../reminder/settings.ts";
import { MAX_HISTORY, parseDone, parsePress, parseSnooze } from "../../reminder/state.ts";
import {
  BLINK_MS,
  colourOf,
  COLOURS,
  isNight,
  levelAfter,
  nextLevel,
  OFF,
  untilNextMinute,
} from "../../reminder/urgency.ts";

const HOUR = 3_600_000;
const MINUTE = 60_000;
/** A noon in UTC. */
const NOON = Date.parse("2026-03-10T12:00:00Z");
const NODE = nodeIdOfBytes(new Uint8Array(16).fill(1));

const SETTINGS: ReminderSettings = {
  name: "cat-litter",
  thresholds: DEFAULT_THRESHOLDS,
  night: DEFAULT_NIGHT,
  timeZone: "UTC",
  snoozeMs: HOUR,
};

/** A store in memory that stamps as it is told. */
class MemoryStore implements ReminderStore {
  readonly #registers = new Map<string, Item>();
  readonly #history: Item[] = [];
  #count = 0;

  put(puts: readonly Put[], ms: number): void {
    const stamp = { ms, logical: this.#count++, node: NODE };
    for (const put of puts) {
      const item: Item = { ...put, stamp };
      if (put.collection === "history") this.#history.push(item);
      else this.#registers.set(`${put.collection} ${put.key}`, item);
    }
  }

  get(collection: string, key: string): Item | undefined {
    return this.#registers.get(`${collection} ${key}`);
  }

  items(): Item[] {
    return [...this.#history];
  }
}

function house(settings: readonly ReminderSettings[] = [SETTINGS]) {
  const store = new MemoryStore();
  return { store, core: new ReminderCore(settings, store, "hall") };
}

/** The moment `elapsedMs` after noon, on both clocks. */
function after(elapsedMs: number): Moment {
  return { now: 1_000_000 + elapsedMs, clusterMs: NOON + elapsedMs };
}

Deno.test("levelAfter() climbs at the thresholds of the seed", () => {
  const levels = [0, 8, 12, 24, 26].map((hours) => [
    levelAfter(hours * HOUR - 1, DEFAULT_THRESHOLDS),
    levelAfter(hours * HOUR, DEFAULT_THRESHOLDS),
  ]);
  assert.deepEqual(levels, [
    ["light green", "light green"],
    ["light green", "dark green"],
    ["dark green", "orange"],
    ["orange", "red"],
    ["red", "blinking red"],
  ]);
});

Deno.test("nextLevel() names the next one and when, and skips those that are never seen", () => {
  assert.deepEqual(nextLevel(HOUR, DEFAULT_THRESHOLDS), { level: "dark green", afterMs: 8 * HOUR });
  assert.deepEqual(nextLevel(25 * HOUR, DEFAULT_THRESHOLDS), {
    level: "blinking red",
    afterMs: 26 * HOUR,
  });
  assert.equal(nextLevel(26 * HOUR, DEFAULT_THRESHOLDS), undefined);
  const direct = { darkGreenMs: HOUR, orangeMs: HOUR, redMs: HOUR, blinkMs: 2 * HOUR };
  assert.deepEqual(nextLevel(0, direct), { level: "red", afterMs: HOUR });
});

Deno.test("colourOf() blinks with half a second on and half a second off", () => {
  assert.deepEqual(colourOf("blinking red", 0), COLOURS.red);
  assert.deepEqual(colourOf("blinking red", BLINK_MS), OFF);
  assert.deepEqual(colourOf("blinking red", 2 * BLINK_MS), COLOURS.red);
  assert.deepEqual(colourOf("red", BLINK_MS), COLOURS.red);
});

Deno.test("isNight() follows the wall clock of the zone, daylight saving included", () => {
  const berlin = { ...SETTINGS, timeZone: "Europe/Berlin" };
  const cases: readonly (readonly [string, boolean])[] = [
    ["2026-01-10T20:59:00Z", false], // 21:59 winter time
    ["2026-01-10T21:00:00Z", true], // 22:00
    ["2026-01-11T05:59:00Z", true], // 06:59
    ["2026-01-11T06:00:00Z", false], // 07:00
    ["2026-07-10T19:59:00Z", false], // 21:59 summer time
    ["2026-07-10T20:00:00Z", true], // 22:00
    ["2026-07-11T04:59:00Z", true],
    ["2026-07-11T05:00:00Z", false],
  ];
  for (const [time, expected] of cases) {
    assert.equal(isNight(Date.parse(time), berlin), expected, time);
  }
  assert.equal(isNight(Date.parse("2026-01-10T23:00:00Z"), { ...berlin, night: null }), false);
  const siesta = { ...SETTINGS, night: { fromMinute: 13 * 60, toMinute: 15 * 60 } };
  assert.equal(isNight(NOON, siesta), false);
  assert.equal(isNight(NOON + HOUR, siesta), true);
  assert.equal(isNight(NOON + 3 * HOUR, siesta), false);
});

Deno.test("ReminderCore shows red for what was never done, and green once it is", () => {
  const { store, core } = house();
  const [never] = core.views(after(0));
  assert.equal(never?.level, "red");
  assert.equal(never.elapsedMs, null);
  store.put(core.done(after(0), "cat-litter", "button"), NOON);
  const [done] = core.views(after(5 * MINUTE));
  assert.equal(done?.level, "light green");
  assert.equal(done.elapsedMs, 5 * MINUTE);
  assert.deepEqual(done.next, { level: "dark green", inMs: 8 * HOUR - 5 * MINUTE });
  assert.equal(done.done?.by, "hall");
});

Deno.test("ReminderCore is dark at night and while snoozed, and says why", () => {
  const { store, core } = house();
  store.put(core.done(after(0), "cat-litter", "button"), NOON);
  assert.deepEqual(core.colours(after(9 * HOUR)), [COLOURS["dark green"]]);
  assert.equal(core.views(after(10 * HOUR))[0]?.dark, "night");
  assert.deepEqual(core.colours(after(10 * HOUR)), [OFF]);

  store.put(core.snooze(after(HOUR), "cat-litter", HOUR, "button"), NOON + HOUR);
  const [snoozed] = core.views(after(HOUR + 1));
  assert.equal(snoozed?.dark, "snoozed");
  assert.equal(snoozed.snoozedMs, HOUR - 1);
  assert.equal(snoozed.elapsedMs, HOUR + 1, "a snooze does not make it done");
  assert.equal(core.views(after(2 * HOUR))[0]?.dark, null);
  store.put(core.snooze(after(2 * HOUR), "cat-litter", HOUR, "button"), NOON + 2 * HOUR);
  store.put(core.done(after(2 * HOUR + 1), "cat-litter", "button"), NOON + 2 * HOUR + 1);
  assert.equal(core.views(after(2 * HOUR + 2))[0]?.dark, null, "done ends a snooze");
});

Deno.test("ReminderCore counts a time that is still to come from when it first saw it", () => {
  const { store, core } = house();
  store.put(core.done({ now: 0, clusterMs: NOON + 365 * 24 * HOUR }, "cat-litter", "button"), NOON);
  assert.equal(core.views(after(0))[0]?.elapsedMs, 0);
  assert.equal(core.views(after(9 * HOUR))[0]?.level, "dark green");
  assert.equal(
    core.views(after(27 * HOUR))[0]?.level,
    "blinking red",
    "no lamp stays green for ever",
  );
});

Deno.test("ReminderCore takes a small difference between clocks for what it is", () => {
  const { store, core } = house();
  store.put(core.done(after(300), "cat-litter", "button"), NOON);
  assert.equal(core.views(after(0))[0]?.elapsedMs, 0);
});

Deno.test("ReminderCore never snoozes longer than was meant, whatever the clocks say", () => {
  const { store, core } = house();
  const wrong = { now: 0, clusterMs: NOON + 365 * 24 * HOUR };
  store.put(core.snooze(wrong, "cat-litter", HOUR, "button"), NOON);
  assert.equal(core.views(after(0))[0]?.dark, "snoozed");
  assert.equal(core.views(after(HOUR - 1))[0]?.dark, "snoozed");
  assert.equal(core.views(after(HOUR))[0]?.dark, null);
});

Deno.test("ReminderCore says when the light may change by itself", () => {
  const { store, core } = house([{ ...SETTINGS, night: null }]);
  store.put(core.done(after(0), "cat-litter", "button"), NOON);
  const wait = (moment: Moment) => core.nextChangeAt(moment) - moment.now;
  assert.equal(wait(after(8 * HOUR - 10_000)), 10_000);
  assert.equal(wait(after(26 * HOUR - 20_000)), 20_000);
  const blinking = after(30 * HOUR);
  assert.equal(wait(blinking), BLINK_MS - (blinking.now % BLINK_MS));
  store.put(core.snooze(after(HOUR), "cat-litter", 10 * MINUTE, "button"), NOON + HOUR);
  assert.equal(wait(after(HOUR + 9 * MINUTE + 30_000)), 30_000);
  const withNight = house();
  withNight.store.put(withNight.core.done(after(0), "cat-litter", "button"), NOON);
  const moment = after(HOUR + 10_000);
  assert.equal(withNight.core.nextChangeAt(moment) - moment.now, untilNextMinute(moment.clusterMs));
});

Deno.test("ReminderCore gives the history newest first, of all or of one", () => {
  const { store, core } = house([SETTINGS, { ...SETTINGS, name: "plants" }]);
  store.put(core.done(after(0), "cat-litter", "button"), NOON);
  store.put(core.done(after(1), "plants", "command"), NOON + 1);
  store.put(core.snooze(after(2), "plants", HOUR, "key"), NOON + 2);
  const short = (presses: ReturnType<typeof core.history>) =>
    presses.map(({ reminder, action, how }) => `${reminder} ${action} ${how}`);
  assert.deepEqual(short(core.history(MAX_HISTORY)), [
    "plants snooze key",
    "plants done command",
    "cat-litter done button",
  ]);
  assert.deepEqual(short(core.history(1)), ["plants snooze key"]);
  assert.deepEqual(short(core.history(9, "cat-litter")), ["cat-litter done button"]);
});

Deno.test("parseDone(), parseSnooze() and parsePress() take what the core makes and nothing else", () => {
  const { core } = house();
  const [done] = core.done(after(0), "cat-litter", "button");
  const [snooze, press] = core.snooze(after(0), "cat-litter", HOUR, "button");
  assert.deepEqual(parseDone(done!.value), done!.value);
  assert.deepEqual(parseSnooze(snooze!.value), snooze!.value);
  assert.deepEqual(parsePress(press!.value), press!.value);
  const forged = { ...done!.value, by: "\x1b[2Jroot" };
  for (const wrong of [null, 3, {}, { ...done!.value, at: "x" }, { at: -1 }, forged]) {
    for (const parse of [parseDone, parseSnooze, parsePress]) {
      assert.equal(parse(wrong), undefined);
    }
  }
});

Deno.test("a snooze where nobody has heard of done yet does not undo it", () => {
  const here = house();
  const there = house();
  const long = after(27 * HOUR);
  for (const { store, core } of [here, there]) {
    store.put(core.done(after(0), "cat-litter", "button"), NOON);
  }
  const done = here.core.done(long, "cat-litter", "button");
  const later = after(27 * HOUR + 5 * MINUTE);
  const snooze = there.core.snooze(later, "cat-litter", HOUR, "button");
  for (const { store, core } of [here, there]) {
    store.put(done, long.clusterMs);
    store.put(snooze, later.clusterMs);
    const view = core.view(later, SETTINGS);
    assert.equal(view.level, "light green");
    assert.equal(view.elapsedMs, 5 * MINUTE);
    assert.equal(view.dark, "snoozed");
  }
});

Deno.test("a clock that is set is seen on the light within a minute, also where night is off", () => {
  const { store, core } = house([{ ...SETTINGS, night: null }]);
  store.put(core.done(after(0), "cat-litter", "button"), NOON);
  const moment = after(HOUR);
  assert.ok(core.nextChangeAt(moment) - moment.now <= MINUTE);
});

Deno.test("what was seen for hours does not turn fresh when the clock steps back", () => {
  const { store, core } = house();
  store.put(core.done(after(0), "cat-litter", "button"), NOON);
  assert.equal(core.view(after(0), SETTINGS).elapsedMs, 0);
  const stepped: Moment = { now: after(5 * HOUR).now, clusterMs: NOON - 24 * HOUR };
  assert.equal(core.view(stepped, SETTINGS).elapsedMs, 5 * HOUR);
});

Deno.test("divideStrip() gives each reminder a segment, none too short", () => {
  const [red, green, blue] = [[255, 0, 0], [0, 255, 0], [0, 0, 255]] as const;
  const letters = (lamps: readonly (readonly number[])[]) =>
    lamps.map(([r, g, b]) => (r ? "r" : g ? "g" : b ? "b" : ".")).join("");
  assert.equal(letters(divideStrip([red], 10)), "rrrrrrrrrr");
  assert.equal(letters(divideStrip([red, green], 10)), "rrrrrggggg");
  assert.equal(letters(divideStrip([red, green, blue], 10)), "rrrrgggbbb");
  assert.equal(letters(divideStrip([], 3)), "...");
  assert.equal(letters(divideStrip([red, green, blue], 2)), "rg", "more reminders than lamps");
});

Deno.test("SimulatedStrip is dark at first and when it is closed", () => {
  const strip = new SimulatedStrip(2);
  assert.deepEqual(strip.lamps, [OFF, OFF]);
  strip.show([COLOURS.red, COLOURS.red]);
  strip.close();
  assert.deepEqual(strip.lamps, [OFF, OFF]);
});
