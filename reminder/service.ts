/** The reminder as a part of a node: presses in, lamps out, state replicated. */

import type { ItemChange } from "../cluster/consensus/replica.ts";
import { ReplicaDriver } from "../cluster/consensus/replica_driver.ts";
import type { ControlMethods, Json, Params } from "../cluster/control.ts";
import { messageOf, Problem } from "../cluster/errors.ts";
import type { NodeId } from "../cluster/ids.ts";
import type { NodeEvent } from "../cluster/node_core.ts";
import type { Service, ServiceNode } from "../cluster/service.ts";
import { type Moment, type Put, ReminderCore } from "./core.ts";
import type { Buttons } from "./gpio/buttons.ts";
import { divideStrip, type Strip } from "./lights/strip.ts";
import { reportPress, reportRefusal, reportReminder } from "./report.ts";
import { MAX_SNOOZE_MS, type ReminderSettings } from "./settings.ts";
import { COLLECTIONS, HISTORY, MAX_HISTORY, parsePress, type Press, type Source } from "./state.ts";
import type { Rgb } from "./urgency.ts";

const CHANNEL = "reminder";
const FILE_NAME = "reminder.json";

export interface ReminderServiceOptions {
  readonly reminders: readonly ReminderSettings[];
  readonly maxSkewMs: number;
  readonly buttons: readonly Buttons[];
  readonly strips: readonly Strip[];
}

export class ReminderService implements Service {
  readonly name = "reminder";
  readonly datagramChannels = [CHANNEL];
  readonly channels;
  readonly methods: ControlMethods;
  readonly #options: ReminderServiceOptions;
  readonly #driver: ReplicaDriver;
  #node!: ServiceNode;
  #core!: ReminderCore;
  #shown = "";
  #nextChangeAt = Infinity;

  constructor(options: ReminderServiceOptions) {
    this.#options = options;
    this.#driver = new ReplicaDriver({
      channel: CHANNEL,
      fileName: FILE_NAME,
      collections: COLLECTIONS,
      maxSkewMs: options.maxSkewMs,
      changed: (change) => this.#changed(change),
    });
    this.channels = [this.#driver.channel];
    this.methods = {
      "reminder.status": () => this.#status(),
      "reminder.history": (params) => this.#history(params),
      "reminder.done": (params) => this.#done(params),
      "reminder.snooze": (params) => this.#snooze(params),
    };
  }

  // -- the part's life ----------------------------------------------------------------------------

  async start(node: ServiceNode): Promise<void> {
    this.#node = node;
    // Whatever a killed process left shining goes out first.
    for (const strip of this.#options.strips) strip.show(divideStrip([], strip.lampCount));
    await this.#driver.start(node);
    this.#core = new ReminderCore(this.#options.reminders, this.#driver.replica, node.alias);
    for (const buttons of this.#options.buttons) {
      buttons.listen(({ reminder, action }) => this.press(reminder, action, "button"));
    }
    this.#render();
  }

  async stop(): Promise<void> {
    for (const buttons of this.#options.buttons) buttons.close();
    for (const strip of this.#options.strips) strip.close();
    this.#nextChangeAt = Infinity;
    await this.#driver.stop();
  }

  event(event: NodeEvent): void {
    this.#driver.event(event);
    // Who is there decides what time it is.
    if (event.type === "member") this.#render();
  }

  receive(from: NodeId, _channel: string, bytes: Uint8Array): void {
    this.#driver.receive(from, bytes);
  }

  receiveDatagram(from: NodeId, _channel: string, bytes: Uint8Array): void {
    this.#driver.receive(from, bytes);
  }

  deadline(): number {
    return Math.min(this.#driver.deadline(), this.#nextChangeAt);
  }

  tick(now: number): void {
    this.#driver.tick(now);
    if (now >= this.#nextChangeAt) this.#render();
  }

  // -- what people do -----------------------------------------------------------------------------

  get core(): ReminderCore {
    return this.#core;
  }

  /** Both clocks now. */
  moment(): Moment {
    return { now: this.#node.now(), clusterMs: this.#node.clusterMs() };
  }

  /** A button or a key: takes effect at once, here and everywhere. */
  press(name: string, action: "done" | "snooze", how: Source): void {
    const settings = this.#named(name);
    this.#driver.put(this.#puts(settings, action, settings.snoozeMs, how));
  }

  #puts(
    settings: ReminderSettings,
    action: "done" | "snooze",
    snoozeMs: number,
    how: Source,
  ): Put[] {
    return action === "done"
      ? this.#core.done(this.moment(), settings.name, how)
      : this.#core.snooze(this.moment(), settings.name, snoozeMs, how);
  }

  async #done(params: Params): Promise<Json> {
    return await this.#command(this.#named(params["name"]), "done", 0);
  }

  async #snooze(params: Params): Promise<Json> {
    const settings = this.#named(params["name"]);
    const forMs = params["for_ms"] ?? settings.snoozeMs;
    if (typeof forMs !== "number" || !(forMs >= 1) || forMs > MAX_SNOOZE_MS) {
      throw new Problem("a snooze lasts more than nothing and at most 7 days", { exitCode: 2 });
    }
    return await this.#command(settings, "snooze", Math.round(forMs));
  }

  /** Returns when the state is on the disk here, and says which members have it. */
  async #command(
    settings: ReminderSettings,
    action: "done" | "snooze",
    snoozeMs: number,
  ): Promise<Json> {
    const held = await this.#driver.putAndWait(this.#puts(settings, action, snoozeMs, "command"));
    const moment = this.moment();
    return {
      reminder: { ...reportReminder(this.#core.view(moment, settings), moment.clusterMs) },
      members: held.members,
      held_by: held.heldBy,
      not_held_by: held.missing,
      away: held.away,
      refusals: this.#refusals(),
    };
  }

  #status(): Json {
    const moment = this.moment();
    return {
      reminders: this.#core.views(moment)
        .map((view) => ({ ...reportReminder(view, moment.clusterMs) })),
      cluster_time: new Date(moment.clusterMs).toISOString(),
      clock_offset_ms: Math.round(Date.now() - moment.clusterMs),
      members: 1 + this.#node.connected().length,
      refusals: this.#refusals(),
      not_saved: this.#driver.saveProblem === undefined ? null : {
        message: this.#driver.saveProblem.message,
        since: new Date(this.#driver.saveProblem.since).toISOString(),
      },
    };
  }

  #refusals(): Json {
    return this.#driver.replica.refusals().map((refusal) => ({
      ...reportRefusal(refusal, (id) => this.#node.nameOf(id)),
    }));
  }

  #history(params: Params): Json {
    const name = params["name"];
    if (name !== undefined) this.#named(name);
    const limit = typeof params["limit"] === "number" ? params["limit"] : MAX_HISTORY;
    const presses = this.#core.history(limit, typeof name === "string" ? name : undefined);
    return { history: presses.map((press) => ({ ...reportPress(press) })) };
  }

  #named(name: unknown): ReminderSettings {
    const settings = typeof name === "string" ? this.#core.named(name) : undefined;
    if (settings !== undefined) return settings;
    const names = this.#options.reminders.map(({ name }) => name).join(", ");
    throw new Problem(`no reminder ${JSON.stringify(name)} is configured on this node`, {
      hint: `there is: ${names}`,
      exitCode: 2,
    });
  }

  // -- what is shown ------------------------------------------------------------------------------

  #changed({ item, from }: ItemChange): void {
    if (item.collection === HISTORY) this.#logPress(parsePress(item.value), from);
    this.#render();
  }

  #logPress(press: Press | undefined, from: NodeId): void {
    if (press === undefined || !this.#isNews(press)) return;
    const what = press.action === "done" ? "is done" : "is snoozed";
    const who = from === this.#node.id ? "here" : `by ${press.by}`;
    this.#node.log.info(`${press.reminder} ${what}, ${who} (${press.how})`);
  }

  /** What is caught up on after a pause is history, not news. */
  #isNews({ at }: Press): boolean {
    return Math.abs(this.#node.clusterMs() - at) < this.#options.maxSkewMs;
  }

  #render(): void {
    const moment = this.moment();
    const colours = this.#core.colours(moment);
    this.#nextChangeAt = this.#core.nextChangeAt(moment);
    const key = colours.join();
    if (key === this.#shown) return;
    this.#shown = key;
    for (const strip of this.#options.strips) this.#show(strip, colours);
  }

  #show(strip: Strip, colours: readonly Rgb[]): void {
    try {
      strip.show(divideStrip(colours, strip.lampCount));
    } catch (error) {
      this.#node.log.error(`the light fails: ${messageOf(error)}`);
    }
  }
}
