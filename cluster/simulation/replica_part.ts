/** A replica as a part of a simulated node: the real core, with the simulated disk below it. */

import type { CollectionSpec, Item } from "../consensus/lww.ts";
import { Replica } from "../consensus/replica.ts";
import { decodeReplicaFile, encodeReplicaFile } from "../consensus/replica_file.ts";
import { decodeReplicaMessage, encodeReplicaMessage } from "../consensus/replica_messages.ts";
import type { NodeId } from "../ids.ts";
import type { NodeEvent } from "../node_core.ts";
import { MAX_DATAGRAM_PLAINTEXT_BYTES } from "../transport/datagrams.ts";
import type { ChannelSpec } from "../transport/mux.ts";
import type { SimulatedNode, SimulatedPart } from "./node.ts";

const FILE_NAME = "replica";
const RETRY_MS = 1_000;

export class ReplicaPart implements SimulatedPart {
  readonly name: string;
  readonly channels: readonly ChannelSpec[];
  replica!: Replica;
  node!: SimulatedNode;
  /** Called with every item that took its place here. */
  onItem: (item: Item, part: ReplicaPart) => void = () => {};
  readonly #collections: readonly CollectionSpec[];
  readonly #maxSkewMs: number;
  #saving = false;
  #retryAt = Infinity;
  /** Tells the callbacks of a former run from those of this one. */
  #run = 0;

  constructor(name: string, collections: readonly CollectionSpec[], maxSkewMs: number) {
    this.name = name;
    this.channels = [{ name, priority: "small", maxMessageBytes: 512 * 1024 }];
    this.#collections = collections;
    this.#maxSkewMs = maxSkewMs;
  }

  start(node: SimulatedNode): void {
    this.node = node;
    this.#run++;
    this.#saving = false;
    this.#retryAt = Infinity;
    this.replica = new Replica({
      self: node.id,
      random: node.random,
      collections: this.#collections,
      maxSkewMs: this.#maxSkewMs,
    }, node.world.nowMs);
    const saved = node.disk.read(FILE_NAME);
    if (saved === undefined) return;
    try {
      this.replica.load(decodeReplicaFile(saved));
    } catch {
      node.world.note(node.name, "sets a damaged file aside");
      node.disk.remove(FILE_NAME);
    }
  }

  /** Puts values as a press on this node would. */
  put(values: Parameters<Replica["put"]>[2]): Item[] {
    const items = this.replica.put(this.#now, this.#clusterMs, values);
    this.flush();
    return items;
  }

  event(event: NodeEvent): void {
    if (event.type === "connected") this.replica.connected(event.peer);
    else if (event.type === "disconnected") this.replica.disconnected(event.peer);
    else return;
    this.flush();
  }

  receive(from: NodeId, _channel: string, bytes: Uint8Array): void {
    this.replica.receive(this.#now, this.#clusterMs, from, decodeReplicaMessage(bytes));
    this.flush();
  }

  deadline(): number {
    return Math.min(this.replica.deadline(), this.#retryAt);
  }

  tick(now: number): void {
    if (now >= this.#retryAt) this.#retryAt = Infinity;
    this.replica.tick(now);
    this.flush();
  }

  flush(): void {
    for (const { to, message, via } of this.replica.takeOutgoing()) {
      const bytes = encodeReplicaMessage(message);
      const fits = bytes.length < MAX_DATAGRAM_PLAINTEXT_BYTES;
      const sent = via === "datagram" && fits && this.node.sendPartDatagram(to, this.name, bytes);
      if (!sent) this.node.sendPart(to, this.name, bytes);
    }
    for (const { item } of this.replica.takeChanges()) this.onItem(item, this);
    this.#save();
    this.node.wake();
  }

  #save(): void {
    const { replica } = this;
    if (this.#saving || this.#retryAt !== Infinity) return;
    if (replica.version <= replica.savedVersion) return;
    this.#saving = true;
    const run = this.#run;
    const { version } = replica;
    this.node.disk.replace(FILE_NAME, encodeReplicaFile(replica.all()), (failed) => {
      if (run !== this.#run) return;
      this.node.whenRunning(() => {
        if (run !== this.#run) return;
        this.#saving = false;
        if (failed) this.#retryAt = this.#now + RETRY_MS;
        else replica.saved(version);
        this.flush();
      });
    });
  }

  get #now(): number {
    return this.node.world.nowMs;
  }

  get #clusterMs(): number {
    return this.node.core.clusterMs(this.#now);
  }
}
