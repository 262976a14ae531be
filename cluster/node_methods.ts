/** What a node answers over its control socket, whatever parts it runs. */

import type { ControlMethods, ControlStream, Json, Params } from "./control.ts";
import type { Node } from "./node.ts";

/** A stream of member lists tells at most this often, however much happens. */
const WATCH_PERIOD_MS = 200;

export function nodeMethods(node: Node): ControlMethods {
  return {
    "node.status": () => statusOf(node),
    "cluster.members": (params) => ({ members: membersOf(node, params) }),
    "cluster.watch": (params, stream) => watchMembers(node, params, stream),
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
    loop_delay_ms: round(node.loopDelay.recentMs),
    loop_delay_max_ms: round(node.loopDelay.maxMs),
    bytes_sent: sent,
    bytes_received: received,
    memory_bytes: Deno.memoryUsage().rss,
  };
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
