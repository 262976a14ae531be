/** A replica at work: its messages on the node's channels, its items in a file of the data dir. */

import { messageOf, Problem } from "../errors.ts";
import { readFileIfThere, replaceFile, setAside } from "../files.ts";
import type { NodeId } from "../ids.ts";
import type { NodeEvent } from "../node_core.ts";
import type { ServiceNode } from "../service.ts";
import type { ChannelSpec } from "../transport/mux.ts";
import type { CollectionSpec, Item } from "./lww.ts";
import { type ItemChange, Replica } from "./replica.ts";
import { decodeReplicaFile, encodeReplicaFile } from "./replica_file.ts";
import { decodeReplicaMessage, encodeReplicaMessage } from "./replica_messages.ts";

/** After a failed save, the next try. */
const SAVE_RETRY_MS = 5_000;
const MAX_MESSAGE_BYTES = 512 * 1024;
/** How long {@link ReplicaDriver.putAndWait} waits for the members; it is offered on after that. */
const HELD_LIMIT_MS = 1_500;

export interface ReplicaDriverOptions {
  /** The channel, for links and datagrams, and what it is called in messages. */
  readonly channel: string;
  readonly fileName: string;
  readonly collections: readonly CollectionSpec[];
  readonly maxSkewMs: number;
  readonly changed: (change: ItemChange) => void;
}

/** Why the state on disk is behind the one in memory. */
export interface SaveProblem {
  readonly message: string;
  /** Milliseconds since 1970. */
  readonly since: number;
}

/** Who has what was put; this node counts. */
export interface Held {
  /** With those that are away. */
  readonly members: number;
  readonly heldBy: number;
  /** Names of connected members that have not said yet that they have it. */
  readonly missing: readonly string[];
  /** Names of failed members: they get it when they are back. */
  readonly away: readonly string[];
}

export class ReplicaDriver {
  readonly channel: ChannelSpec;
  readonly #options: ReplicaDriverOptions;
  #node!: ServiceNode;
  #replica!: Replica;
  #path = "";
  #saving = false;
  #retryAt = Infinity;
  #saveProblem: SaveProblem | undefined;
  /** Called after whatever may have settled an offer. */
  readonly #watches = new Set<() => void>();
  #waiters: { readonly version: number; readonly settle: (error?: Problem) => void }[] = [];

  constructor(options: ReplicaDriverOptions) {
    this.#options = options;
    this.channel = {
      name: options.channel,
      priority: "small",
      maxMessageBytes: MAX_MESSAGE_BYTES,
    };
  }

  get replica(): Replica {
    return this.#replica;
  }

  get saveProblem(): SaveProblem | undefined {
    return this.#saveProblem;
  }

  /** Loads what was saved; a damaged file is set aside, and the peers bring the state back. */
  async start(node: ServiceNode): Promise<void> {
    this.#node = node;
    this.#path = node.file(this.#options.fileName);
    this.#replica = new Replica({
      self: node.id,
      random: node.random,
      collections: this.#options.collections,
      maxSkewMs: this.#options.maxSkewMs,
    }, node.now());
    const bytes = await readFileIfThere(this.#path);
    if (bytes === undefined) return;
    try {
      this.#replica.load(decodeReplicaFile(bytes));
    } catch (error) {
      const aside = await setAside(this.#path);
      node.log.warn(
        `${this.#path} is damaged (${messageOf(error)}); it is now ${aside}, ` +
          "and the state comes back from the other nodes",
      );
    }
  }

  /** Saves what is not saved yet. */
  async stop(): Promise<void> {
    if (this.#replica.version > this.#replica.savedVersion) await this.saved().catch(() => {});
  }

  /**
   * Puts values and waits until they are on the disk here and every connected member has answered, or
   * for a second and a half. Rejected if they cannot be saved; they are offered all the same.
   */
  async putAndWait(values: Parameters<Replica["put"]>[2]): Promise<Held> {
    const others = this.#node.connected();
    const [item] = this.put(values);
    if (item === undefined) throw new Error("bug: nothing to put");
    await this.saved();
    await this.#answered(item);
    const holders = this.#replica.holdersOf(item);
    const missing = others.filter((id) => !holders.has(id));
    const away = this.#node.away().filter((id) => !others.includes(id));
    return {
      members: 1 + others.length + away.length,
      heldBy: 1 + others.length - missing.length,
      missing: missing.map((id) => this.#node.nameOf(id)),
      away: away.map((id) => this.#node.nameOf(id)),
    };
  }

  /** Settled when no member has still to answer for an item, or when the limit has passed. */
  async #answered(item: Item): Promise<void> {
    if (!this.#replica.isPending(item)) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const watch = () => {
      if (!this.#replica.isPending(item)) resolve();
    };
    const limit = setTimeout(resolve, HELD_LIMIT_MS);
    this.#watches.add(watch);
    await promise;
    this.#watches.delete(watch);
    clearTimeout(limit);
  }

  put(values: Parameters<Replica["put"]>[2]): Item[] {
    const items = this.#replica.put(this.#node.now(), this.#node.clusterMs(), values);
    this.flush();
    return items;
  }

  /** Settled when everything up to now is on the disk; rejected with the reason if it cannot be. */
  saved(): Promise<void> {
    const { version, savedVersion } = this.#replica;
    if (savedVersion >= version) return Promise.resolve();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const settle = (error?: Problem) => (error === undefined ? resolve() : reject(error));
    this.#waiters.push({ version, settle });
    this.#retryAt = Infinity;
    void this.#save();
    return promise;
  }

  event(event: NodeEvent): void {
    if (event.type === "connected") this.#replica.connected(event.peer);
    else if (event.type === "disconnected") this.#replica.disconnected(event.peer);
    else return;
    this.flush();
  }

  /** Throws MalformedError. */
  receive(from: NodeId, bytes: Uint8Array): void {
    const message = decodeReplicaMessage(bytes);
    this.#replica.receive(this.#node.now(), this.#node.clusterMs(), from, message);
    this.flush();
  }

  deadline(): number {
    return Math.min(this.#replica.deadline(), this.#retryAt);
  }

  tick(now: number): void {
    if (now >= this.#retryAt) this.#retryAt = Infinity;
    this.#replica.tick(now);
    this.flush();
  }

  /** Sends what the replica has to send, tells what changed, and saves. */
  flush(): void {
    for (const { to, message, via } of this.#replica.takeOutgoing()) {
      const bytes = encodeReplicaMessage(message);
      const sent = via === "datagram" && this.#node.sendDatagram(to, this.channel.name, bytes);
      if (!sent) this.#node.send(to, this.channel.name, bytes);
    }
    for (const change of this.#replica.takeChanges()) this.#options.changed(change);
    if (this.#replica.version > this.#replica.savedVersion && this.#retryAt === Infinity) {
      void this.#save();
    }
    for (const watch of this.#watches) watch();
    this.#node.wake();
  }

  async #save(): Promise<void> {
    if (this.#saving) return;
    this.#saving = true;
    const { version } = this.#replica;
    try {
      await replaceFile(this.#path, encodeReplicaFile(this.#replica.all()));
      this.#saveSucceeded(version);
    } catch (error) {
      this.#saveFailed(error);
    }
    this.#saving = false;
    this.flush();
  }

  #saveSucceeded(version: number): void {
    if (this.#saveProblem !== undefined) {
      this.#node.log.info(`${this.#path} can be saved again`);
      this.#saveProblem = undefined;
    }
    this.#replica.saved(version);
    const done = this.#waiters.filter((waiter) => waiter.version <= version);
    this.#waiters = this.#waiters.filter((waiter) => waiter.version > version);
    for (const { settle } of done) settle();
  }

  #saveFailed(error: unknown): void {
    const problem = new Problem(`cannot save ${this.#path}: ${messageOf(error)}`, {
      hint: "it is held in memory and by the other nodes; free some space or mend the permissions",
      cause: error,
    });
    if (this.#saveProblem === undefined) {
      this.#node.log.error(problem.message);
      this.#saveProblem = { message: problem.message, since: Date.now() };
    }
    this.#retryAt = this.#node.now() + SAVE_RETRY_MS;
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const { settle } of waiters) settle(problem);
  }
}
