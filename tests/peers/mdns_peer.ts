/**
 * A program that does nothing but mDNS, for tests: one line on stdout for each event, the log on
 * stderr, goodbye and the end on SIGTERM. Looks at the interfaces more often than a node does.
 *
 *     mdns_peer.ts ID ALIAS PORT BIND_HOST CLUSTER_HASH [at-once]
 *
 * With `at-once` it ends as soon as it has started.
 */

import { bytesOfHex } from "../../cluster/bytes.ts";
import { Mdns } from "../../cluster/discovery/mdns/driver.ts";
import { isNodeId } from "../../cluster/ids.ts";
import type { Log } from "../../cluster/log.ts";
import { systemRandom } from "../../cluster/random.ts";

const REFRESH_PERIOD_MS = 200;

const [id, alias = "", port = "", bindHost = "", cluster = "", mode] = Deno.args;
if (!isNodeId(id)) throw new Error(`no node ID: ${id}`);

const write = (stream: { writeSync(bytes: Uint8Array): number }, line: string): void => {
  stream.writeSync(new TextEncoder().encode(`${line}\n`));
};
const say = (level: string) => (message: string): void => write(Deno.stderr, `${level} ${message}`);
const log: Log = { debug: say("debug"), info: say("info"), warn: say("warn"), error: say("error") };

const mdns = await Mdns.start({
  id,
  alias,
  port: Number(port),
  bindHost,
  clusterHash: bytesOfHex(cluster),
  keyId: new Uint8Array(8),
  versions: { lowest: 1, highest: 1 },
  interfaces: Deno.networkInterfaces(),
  random: systemRandom,
  log,
  found: (event) => write(Deno.stdout, `${event.kind} ${event.address} ${event.id}`),
});
write(Deno.stdout, mdns.active ? "active" : "inactive");

const refresh = setInterval(() => mdns.refresh(Deno.networkInterfaces()), REFRESH_PERIOD_MS);
Deno.addSignalListener("SIGTERM", stop);
if (mode === "at-once") await stop();

/** Closes all; the process must then end by itself. */
async function stop(): Promise<void> {
  Deno.removeSignalListener("SIGTERM", stop);
  clearInterval(refresh);
  await mdns.close();
  write(Deno.stdout, "closed");
}
