/** What is found on several links, told once: a host may be on two of them. */

import type { NodeId } from "../../ids.ts";
import type { MdnsEvent } from "./browser.ts";

export class Offers {
  /** By address, on which links which node is said to be there; the first one's word holds. */
  readonly #offers = new Map<string, Map<string, NodeId>>();

  /** What an event of one link means for all of them; undefined for nothing new. */
  apply(link: string, { kind, address, id }: MdnsEvent): MdnsEvent | undefined {
    const links = this.#offers.get(address) ?? new Map<string, NodeId>();
    const wasThere = links.size > 0;
    if (kind === "found") links.set(link, id);
    else links.delete(link);
    if (links.size > 0) this.#offers.set(address, links);
    else this.#offers.delete(address);
    const isThere = links.size > 0;
    return wasThere === isThere ? undefined : { kind, address, id };
  }

  /** A link has gone, and what was found there only. */
  dropLink(link: string): MdnsEvent[] {
    const events: MdnsEvent[] = [];
    for (const [address, links] of this.#offers) {
      const id = links.get(link);
      if (id === undefined) continue;
      const event = this.apply(link, { kind: "lost", address, id });
      if (event !== undefined) events.push(event);
    }
    return events;
  }
}
