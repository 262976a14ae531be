/** A simulated cluster: hosts on one network, and the questions that tests ask of them. */

import type { NodeId } from "../ids.ts";
import { LAN, type MembershipConfig } from "../membership/config.ts";
import { isLiving } from "../membership/members.ts";
import type { MemberState } from "../membership/messages.ts";
import { Network } from "./network.ts";
import { SimulatedNode, type SimulatedPart } from "./node.ts";
import { SECOND, World } from "./world.ts";

export interface ClusterOptions {
  readonly seed: number;
  readonly size: number;
  readonly config?: MembershipConfig;
  readonly partsOf?: (index: number) => readonly SimulatedPart[];
}

export class SimulatedCluster {
  readonly world: World;
  readonly network: Network;
  readonly nodes: SimulatedNode[] = [];
  readonly #byAddress = new Map<string, SimulatedNode>();
  readonly #byId = new Map<NodeId, SimulatedNode>();

  /** Every node is configured to dial the first two; nothing is started yet. */
  constructor(options: ClusterOptions) {
    this.world = new World(options.seed);
    this.network = new Network(this.world);
    const directory = {
      byAddress: (address: string) => this.#byAddress.get(address),
      byId: (id: NodeId) => this.#byId.get(id),
    };
    const hosts: string[] = [];
    for (let index = 0; index < options.size; index++) {
      const node = new SimulatedNode(this.world, this.network, directory, {
        index,
        config: options.config ?? LAN,
        hosts,
        parts: options.partsOf?.(index) ?? [],
      });
      this.nodes.push(node);
      this.#byAddress.set(node.address, node);
      this.#byId.set(node.id, node);
      if (index < 2) hosts.push(node.address);
    }
  }

  /** Starts all nodes and lets time pass until everybody knows everybody. */
  formed(limitUs = 30 * SECOND): this {
    for (const node of this.nodes) node.start();
    if (!this.world.pass(limitUs, () => this.isWhole())) {
      throw new Error(`seed ${this.world.seed}: the cluster did not form`);
    }
    return this;
  }

  get running(): SimulatedNode[] {
    return this.nodes.filter(({ running }) => running);
  }

  /** Whether every running node sees every running node alive, all others not, over links. */
  isWhole(): boolean {
    const { running } = this;
    return running.every((node) =>
      running.every((other) => other === node || node.core.isConnected(other.id)) &&
      node.core.membership.living === running.length
    );
  }

  /** Whether the running nodes' views of the membership are equal. */
  viewsAreEqual(): boolean {
    const hashes = this.running.map(({ core }) => {
      const { high, low } = core.membership.viewHash;
      return `${high} ${low}`;
    });
    return new Set(hashes).size <= 1;
  }

  stateSeenBy(observer: SimulatedNode, subject: SimulatedNode): MemberState | undefined {
    return observer.core.membership.get(subject.id)?.state;
  }

  /** Whether every running node but itself holds `subject` for failed or left. */
  isKnownGone(subject: SimulatedNode): boolean {
    return this.running.every((node) =>
      node === subject || !isLiving(this.stateSeenBy(node, subject))
    );
  }

  nodeOf(id: NodeId): SimulatedNode | undefined {
    return this.#byId.get(id);
  }
}
