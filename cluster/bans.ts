/**
 * Nodes that are kept out although they hold the cluster key, such as a stolen host, until the key is
 * changed. A ban is spread to all members and kept by each.
 */

import * as v from "valibot";
import type { CollectionSpec } from "./consensus/lww.ts";
import type { ItemChange } from "./consensus/replica.ts";
import { type Held, ReplicaDriver } from "./consensus/replica_driver.ts";
import { isNodeId, type NodeId } from "./ids.ts";
import type { NodeEvent } from "./node_core.ts";
import { isPrintable } from "./text.ts";
import type { Service, ServiceNode } from "./service.ts";

const CHANNEL = "bans";
const FILE_NAME = "bans.json";
const COLLECTION = "ban";
/** Nodes that can be banned; a new cluster key makes room. */
export const MAX_BANS = 1_024;

const BanSchema = v.object({
  banned: v.boolean(),
  /** The alias of the node where it was said. */
  by: v.pipe(v.string(), v.maxLength(64), v.check(isPrintable)),
});
type Ban = v.InferOutput<typeof BanSchema>;

export const BANS: CollectionSpec = {
  name: COLLECTION,
  kind: "register",
  limit: MAX_BANS,
  isKey: isNodeId,
  parse: parseBan,
};

function parseBan(value: unknown): Ban | undefined {
  const result = v.safeParse(BanSchema, value);
  return result.success ? result.output : undefined;
}

/** One ban that is in force. */
export interface BanView {
  readonly id: NodeId;
  readonly by: string;
  /** Milliseconds since 1970. */
  readonly at: number;
}

export class Bans implements Service {
  readonly name = "bans";
  readonly datagramChannels = [CHANNEL];
  readonly channels;
  readonly methods = {};
  readonly #driver: ReplicaDriver;
  readonly #banned: (id: NodeId) => void;
  #node!: ServiceNode;

  /** `banned` is called for every node that is banned from now on. */
  constructor(maxSkewMs: number, banned: (id: NodeId) => void) {
    this.#banned = banned;
    this.#driver = new ReplicaDriver({
      channel: CHANNEL,
      fileName: FILE_NAME,
      collections: [BANS],
      maxSkewMs,
      changed: (change) => this.#changed(change),
    });
    this.channels = [this.#driver.channel];
  }

  isBanned(id: NodeId): boolean {
    const item = this.#driver.replica.get(COLLECTION, id);
    return item !== undefined && parseBan(item.value)?.banned === true;
  }

  /** The bans in force, oldest first. */
  list(): BanView[] {
    const bans: BanView[] = [];
    for (const { key, stamp, value } of this.#driver.replica.items(COLLECTION)) {
      const ban = parseBan(value);
      if (ban?.banned && isNodeId(key)) bans.push({ id: key, by: ban.by, at: stamp.ms });
    }
    return bans;
  }

  /** Bans a node, or lets it in again; says which members know of it. */
  set(id: NodeId, banned: boolean): Promise<Held> {
    const value: Ban = { banned, by: this.#node.alias };
    return this.#driver.putAndWait([{ collection: COLLECTION, key: id, value }]);
  }

  #changed({ item }: ItemChange): void {
    if (!isNodeId(item.key)) return;
    const ban = parseBan(item.value);
    const name = this.#node.nameOf(item.key);
    if (ban?.banned) {
      this.#node.log.warn(`${name} is banned, by ${ban.by}`);
      this.#banned(item.key);
    } else {
      this.#node.log.info(`${name} is not banned any more`);
    }
  }

  // -- as a part of the node ----------------------------------------------------------------------

  async start(node: ServiceNode): Promise<void> {
    this.#node = node;
    await this.#driver.start(node);
  }

  async stop(): Promise<void> {
    await this.#driver.stop();
  }

  event(event: NodeEvent): void {
    this.#driver.event(event);
  }

  receive(from: NodeId, _channel: string, bytes: Uint8Array): void {
    this.#driver.receive(from, bytes);
  }

  receiveDatagram(from: NodeId, _channel: string, bytes: Uint8Array): void {
    this.#driver.receive(from, bytes);
  }

  deadline(): number {
    return this.#driver.deadline();
  }

  tick(now: number): void {
    this.#driver.tick(now);
  }
}
