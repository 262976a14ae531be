/** What a node answers over its control socket, whatever parts it runs. */

import type { ControlMethods, ControlStream, Json, Params } from "./control.ts";
import { Problem } from "./errors.ts";
import { isNodeId, type NodeId } from "./ids.ts";
import type { Node } from "./node.ts";

/** A stream of member lists tells at most this often, however much happens. */
const WATCH_PERIOD_MS = 200;
/** The beginning of an ID that is enough to name a node: as much as is shown. */
const MIN_ID_PREFIX = 8;

export function nodeMethods(node: Node): ControlMethods {
  return {
    "node.status": () => statusOf(node),
    "cluster.members": (params) => ({ members: membersOf(node, params) }),
    "cluster.watch": (params, stream) => watchMembers(node, params, stream),
    "cluster.ban": (params) => setBan(node, params["id"], true),
    "cluster.unban": (params) => setBan(node, params["id"], false),
    "cluster.bans": () => ({
      bans: node.bans.list().map(({ id, by, at }) => ({
        id,
        alias: aliasOf(node, id),
        by,
        at: new Date(at).toISOString(),
      })),
    }),
  };
}

function membersOf(node: Node, params: Params): Json {
  return node.members(params["all"] === true).map((member) => ({ ...member }));
}

function statusOf(node: Node): Json {
  const { sent, received } = node.traffic();
  const round = (value: number) => Math.round(value * 10) / 10;
  return {
    id: node.id,
    alias: node.alias,
    boot: node.boot,
    pid: Deno.pid,
    port: node.port,
    addresses: [...node.addresses],
    uptime_ms: Math.round(performance.now() - node.startedAt),
    members_living: node.core.membership.living,
    health: node.core.membership.health,
    loop_delay_ms: round(node.loopDelay.recentMs(performance.now())),
    loop_delay_max_ms: round(node.loopDelay.maxMs),
    bytes_sent: sent,
    bytes_received: received,
    datagrams_dropped: node.datagramFaults.dropped,
    datagram_send_errors: node.datagramFaults.sendErrors,
    memory_bytes: Deno.memoryUsage().rss,
  };
}

async function setBan(node: Node, wanted: Json | undefined, banned: boolean): Promise<Json> {
  if (typeof wanted !== "string" || wanted === "") {
    throw new Problem("the ID or the name of a node is missing", { exitCode: 2 });
  }
  const id = findNode(node, wanted, banned);
  const held = await node.bans.set(id, banned);
  return {
    id,
    alias: aliasOf(node, id),
    banned,
    members: held.members,
    held_by: held.heldBy,
    not_held_by: held.missing,
    away: held.away,
  };
}

function aliasOf(node: Node, id: NodeId): string | null {
  return node.core.mesh.peer(id)?.info?.alias ?? null;
}

/** The node that is meant: by its whole ID, which wins, the beginning of it, or its alias. */
function findNode(node: Node, wanted: string, banned: boolean): NodeId {
  const inForce = new Set(node.bans.list().map(({ id }) => id));
  const aliases = new Map(node.members(true).map(({ id, alias }) => [id, alias]));
  const candidates = banned ? [...aliases.keys()] : [...inForce];
  const lower = wanted.toLowerCase();
  const exact = candidates.filter((id) => id === lower);
  const matches = exact.length > 0
    ? exact
    : candidates.filter((id) =>
      aliases.get(id) === wanted || (wanted.length >= MIN_ID_PREFIX && id.startsWith(lower))
    );
  if (matches.length > 1) {
    throw new Problem(`${wanted} may be ${matches.join(" or ")}`, {
      hint: "give more of the ID",
      exitCode: 2,
    });
  }
  // A host that nobody sees now can be banned too, by its whole ID.
  const id = matches[0] ?? (isNodeId(lower) ? lower : undefined);
  if (id === undefined) {
    throw new Problem(`no node ${wanted} is ${banned ? "known" : "banned"} here`, {
      hint: banned ? "toolkit cluster members --all shows IDs" : "toolkit cluster bans shows them",
      exitCode: 2,
    });
  }
  if (id === node.id && banned) {
    throw new Problem("a node does not ban itself", {
      hint: "ask another node: --data-dir, or on another host",
      exitCode: 2,
    });
  }
  return id;
}

/** Sends the whole list at first and after every change. */
async function watchMembers(node: Node, params: Params, stream: ControlStream): Promise<Json> {
  let due: ReturnType<typeof setTimeout> | undefined;
  const send = () => {
    due = undefined;
    stream.emit({ members: membersOf(node, params) });
  };
  const stop = node.listen(() => due ??= setTimeout(send, WATCH_PERIOD_MS));
  send();
  await Promise.race([stream.closed, node.stopped]);
  stop();
  clearTimeout(due);
  return null;
}
