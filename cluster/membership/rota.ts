/**
 * Who probes whom in which period. All nodes that agree on who lives, and on the time to within a
 * period, pick different targets: each member is probed once a period, by another each time, and each
 * probes all in turn. Where they do not agree, the picks are as good as random ones.
 *
 * With random picks (SWIM's own way) the time until a crashed node is probed has an exponential tail:
 * one in a hundred waits for five periods. With these it is two at most.
 */

import type { NodeId } from "../ids.ts";
import { isLiving, type Member, type Members } from "./members.ts";

/** A prime beyond any cluster's size: its multiples run through all offsets before one comes again. */
const STRIDE = 104_729;

export class Rota {
  readonly #self: NodeId;
  readonly #members: Members;
  /** The living members in the order of their IDs, this node left out. */
  #ring: Member[] | undefined;
  /** How many of them have a lower ID than this node. */
  #place = 0;

  constructor(self: NodeId, members: Members) {
    this.#self = self;
    this.#members = members;
  }

  /** The living members have changed. */
  changed(): void {
    this.#ring = undefined;
  }

  /** Periods after which everybody has had a turn. */
  get size(): number {
    return (this.#ring ??= this.#build()).length;
  }

  /** Whom to probe in that period; undefined if there is nobody. */
  target(period: number): Member | undefined {
    const ring = this.#ring ??= this.#build();
    if (ring.length === 0) return undefined;
    // The ring without this node: from its place on, offset 0 is the next higher ID.
    const offset = (period % ring.length) * STRIDE % ring.length;
    return ring[(this.#place + offset) % ring.length];
  }

  #build(): Member[] {
    const ring = this.#members.all().filter(({ state }) => isLiving(state));
    ring.sort((a, b) => (a.id < b.id ? -1 : 1));
    this.#place = ring.filter(({ id }) => id < this.#self).length;
    return ring;
  }
}
