/** Turns what happens to a node into lines for people: the first time in full, repetitions not at all. */

import { unreachable } from "./errors.ts";
import { type NodeId, shortId } from "./ids.ts";
import type { Log } from "./log.ts";
import type { NodeCore, NodeEvent } from "./node_core.ts";

export function logNodeEvent(log: Log, core: NodeCore, event: NodeEvent): void {
  switch (event.type) {
    case "connected": {
      const peer = core.mesh.peer(event.peer);
      const where = core.mesh.addressesOf(event.peer)[0] ?? "an unknown address";
      return log.info(
        `${nameOf(core, event.peer)} at ${where} is connected, found by ${peer?.foundBy}`,
      );
    }
    case "disconnected":
      return log.debug(`the link to ${nameOf(core, event.peer)} ended`);
    case "dialFailed":
      return log.info(`no luck yet with ${event.reason}; trying on quietly`);
    case "refused":
      return log.warn(`${event.address} refuses this node: ${event.text}`);
    case "refusing":
      return log.warn(`refused ${nameOf(core, event.peer)} at ${event.address}: ${event.text}`);
    case "mustStop":
      return; // the process ends with these words
    case "member":
      return logMember(log, nameOf(core, event.id), event);
    default:
      unreachable(event);
  }
}

function logMember(log: Log, name: string, event: NodeEvent & { type: "member" }): void {
  switch (event.state) {
    case "alive":
      if (event.before === "suspect") return log.debug(`${name} has answered after all`);
      if (event.before !== undefined) return log.info(`${name} is back`);
      return;
    case "suspect":
      return log.debug(`${name} does not answer`);
    case "failed":
      return log.warn(`${name} has failed: no answer to anybody`);
    case "left":
      return log.info(`${name} has left`);
  }
}

/** A node's alias and the start of its ID, as far as known. */
export function nameOf(core: NodeCore, id: NodeId): string {
  const alias = core.mesh.peer(id)?.info?.alias;
  return alias === undefined ? shortId(id) : `${alias} (${shortId(id)})`;
}
