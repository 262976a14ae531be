/** The channels that every node has, whatever parts run on it. */

import { MEMBERSHIP_CHANNEL, MESH_CHANNEL } from "./node_core.ts";
import type { ChannelSpec } from "./transport/mux.ts";

const KIB = 1024;

/** In this order on every link: the first one carries the hello, which numbers all others. */
export const NODE_CHANNELS: readonly ChannelSpec[] = [
  { name: MESH_CHANNEL, priority: "control", maxMessageBytes: 1024 * KIB },
  { name: MEMBERSHIP_CHANNEL, priority: "control", maxMessageBytes: 4 * KIB },
];
