/**
 * Whom to dial, where and when, as a core without I/O. Two kinds of callees: nodes that are known by
 * ID, and addresses at which somebody may be (hosts of the config, hints of mDNS). The mesh says who is
 * wanted. Every dial that ends, however it ends, makes the next one to the same callee wait longer;
 * only a connection resets that.
 */

import type { NodeId } from "../ids.ts";
import { below, type Random } from "../random.ts";
import { Backoff } from "./backoff.ts";

/** By which way a node became known first. `incoming`: it called us. */
export type FoundBy = "hosts" | "peers" | "mdns" | "members" | "incoming";

/** One dial to start. */
export interface Dial {
  readonly dial: number;
  /** To be tried in this order. */
  readonly addresses: readonly string[];
}

/** What the mesh knows of the nodes that might be dialled. */
export interface DialPlanOptions {
  readonly self: NodeId;
  readonly random: Random;
  /** Connected, about to be, or turned away anyway. */
  readonly isSettled: (id: NodeId) => boolean;
  /** Said goodbye: it will call when it is back. */
  readonly hasLeft: (id: NodeId) => boolean;
  readonly isLiving: (id: NodeId) => boolean;
}

interface Callee {
  addresses: string[];
  readonly backoff: Backoff;
  dialAt: number;
  dialling: boolean;
}

interface NodeCallee extends Callee {
  readonly id: NodeId;
}

interface Target extends Callee {
  readonly foundBy: FoundBy;
  /** Who was found there last, or is said to be there. */
  node: NodeId | undefined;
}

/** Dials under way at a time. */
const MAX_DIALS = 8;
/** Addresses of unknown nodes that are kept; far above any hosts list. */
export const MAX_TARGETS = 512;
const MAX_NODE_ADDRESSES = 8;
/** The node with the higher ID waits this much longer, so that two seldom dial each other at once. */
const HIGHER_ID_DELAY_MS = 200;
/** After a link has ended, so that not all others dial in the same moment. */
const REDIAL_SPREAD_MS = 50;

export class DialPlan {
  readonly #options: DialPlanOptions;
  readonly #nodes = new Map<NodeId, NodeCallee>();
  readonly #targets = new Map<string, Target>();
  readonly #dials = new Map<number, NodeCallee | Target>();
  #nextDial = 1;

  constructor(options: DialPlanOptions) {
    this.#options = options;
  }

  // -- whom -----------------------------------------------------------------------------------------

  /** An address where a node may be, and which one, if somebody said so. Known ones are left as they are. */
  addTarget(now: number, address: string, foundBy: FoundBy, hint?: NodeId): void {
    if (this.#targets.has(address) || this.#targets.size >= MAX_TARGETS) return;
    this.#targets.set(address, { ...newCallee(now, [address]), foundBy, node: hint });
  }

  /** Nobody is to be found there by that way any more. */
  removeTarget(address: string, foundBy: FoundBy): void {
    if (this.#targets.get(address)?.foundBy === foundBy) this.#targets.delete(address);
  }

  addNode(now: number, id: NodeId): void {
    if (this.#nodes.has(id)) return;
    this.#nodes.set(id, { ...newCallee(now + this.#headStart(id), []), id });
  }

  forget(id: NodeId): void {
    this.#nodes.delete(id);
  }

  addressesOf(id: NodeId): readonly string[] {
    return this.#nodes.get(id)?.addresses ?? [];
  }

  /** All addresses of a node, the likeliest first. */
  setAddresses(id: NodeId, addresses: readonly string[]): void {
    const node = this.#nodes.get(id);
    if (node !== undefined) node.addresses = [...new Set(addresses)].slice(0, MAX_NODE_ADDRESSES);
  }

  /** One more address, unless it has as many as are kept. */
  addAddresses(id: NodeId, addresses: readonly string[]): void {
    this.setAddresses(id, [...this.addressesOf(id), ...addresses]);
  }

  // -- when -----------------------------------------------------------------------------------------

  /** News that it is there: dial at once, if we must. */
  soon(now: number, id: NodeId): void {
    const node = this.#nodes.get(id);
    if (node === undefined) return;
    node.backoff.reset();
    node.dialAt = now + this.#headStart(id);
  }

  /** Its link has ended. */
  disconnected(now: number, id: NodeId): void {
    const node = this.#nodes.get(id);
    if (node === undefined) return;
    node.dialAt = now + below(this.#options.random, REDIAL_SPREAD_MS) + this.#headStart(id);
  }

  /** It is not there, as others say. */
  later(now: number, id: NodeId): void {
    const node = this.#nodes.get(id);
    if (node !== undefined) this.#backOff(now, node);
  }

  /** A link to it is up: whatever led there may be tried at once when that ends. */
  connected(id: NodeId): void {
    this.#nodes.get(id)?.backoff.reset();
    for (const target of this.#targets.values()) if (target.node === id) target.backoff.reset();
  }

  // -- dials ----------------------------------------------------------------------------------------

  /** Nobody is being called and nobody is left to call. */
  get isDone(): boolean {
    return this.#dials.size === 0 && this.#wanted().next().done === true;
  }

  /** When `start` has something to do. */
  deadline(): number {
    let deadline = Infinity;
    if (this.#dials.size >= MAX_DIALS) return deadline;
    for (const { dialAt } of this.#wanted()) deadline = Math.min(deadline, dialAt);
    return deadline;
  }

  /** The dials to start now. Each is to end in `reached` or `failed`. */
  start(now: number): Dial[] {
    const dials: Dial[] = [];
    for (const callee of this.#wanted()) {
      if (this.#dials.size >= MAX_DIALS) break;
      if (now < callee.dialAt) continue;
      const dial = this.#nextDial++;
      callee.dialling = true;
      this.#dials.set(dial, callee);
      dials.push({ dial, addresses: [...callee.addresses] });
    }
    return dials;
  }

  /**
   * `id` answered at `address`. Says how that address was found; undefined if it was dialled as that
   * of a node that is known already.
   */
  reached(now: number, dial: number, id: NodeId, address: string): FoundBy | undefined {
    const callee = this.#end(now, dial);
    if (callee === undefined) return undefined;
    if ("id" in callee) {
      // Another node has that address now: the others first, the next time.
      if (callee.id !== id) {
        const others = callee.addresses.filter((known) => known !== address);
        if (others.length < callee.addresses.length) callee.addresses = [...others, address];
      }
      return undefined;
    }
    callee.node = id;
    return callee.foundBy;
  }

  /** Nobody answered. Gives the addresses if it is the first failure in a row. */
  failed(now: number, dial: number): readonly string[] | undefined {
    const callee = this.#end(now, dial);
    return callee?.backoff.failures === 1 ? callee.addresses : undefined;
  }

  #end(now: number, dial: number): NodeCallee | Target | undefined {
    const callee = this.#dials.get(dial);
    if (callee === undefined) return undefined;
    this.#dials.delete(dial);
    callee.dialling = false;
    this.#backOff(now, callee);
    return callee;
  }

  #backOff(now: number, callee: Callee): void {
    callee.dialAt = now + callee.backoff.next(this.#options.random);
  }

  *#wanted(): Generator<NodeCallee | Target> {
    const { isSettled, hasLeft } = this.#options;
    for (const node of this.#nodes.values()) {
      if (node.dialling || node.addresses.length === 0) continue;
      if (!isSettled(node.id) && !hasLeft(node.id)) yield node;
    }
    for (const target of this.#targets.values()) {
      if (!target.dialling && !this.#isCovered(target)) yield target;
    }
  }

  /** Whether the node at that address needs no call, or is called under its own name. */
  #isCovered({ node }: Target): boolean {
    const { self, isSettled, isLiving } = this.#options;
    if (node === undefined) return false;
    if (node === self || isSettled(node)) return true;
    return this.#nodes.has(node) && isLiving(node);
  }

  #headStart(id: NodeId): number {
    return this.#options.self < id ? 0 : HIGHER_ID_DELAY_MS;
  }
}

function newCallee(dialAt: number, addresses: string[]): Callee {
  return { addresses, backoff: new Backoff(), dialAt, dialling: false };
}
