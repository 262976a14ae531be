/** Runs a node in the foreground: from a configuration and some parts until a signal ends it. */

import { formatHostPort, isLoopback, parseHostPort } from "../cluster/address.ts";
import { ControlServer } from "../cluster/control.ts";
import { controlSocketPath, DataDir, IDENTITY_FILE } from "../cluster/data_dir.ts";
import { Problem } from "../cluster/errors.ts";
import { loadIdentity } from "../cluster/identity.ts";
import { shortId } from "../cluster/ids.ts";
import { type Keyring, keyringOf, readClusterKey } from "../cluster/keys.ts";
import type { Log } from "../cluster/log.ts";
import { PROFILES } from "../cluster/membership/config.ts";
import { Node } from "../cluster/node.ts";
import { nodeMethods } from "../cluster/node_methods.ts";
import { systemRandom } from "../cluster/random.ts";
import type { Service } from "../cluster/service.ts";
import { PROTOCOL_VERSIONS } from "../cluster/transport/handshake.ts";
import type { Config } from "./config/schema.ts";
import type { CliContext } from "./context.ts";
import { dataDirOf } from "./settings.ts";
import { groupIdOf } from "./group.ts";
import { openLog } from "./log.ts";
import type { Part, PartMaker } from "./part.ts";
import { onStopSignal } from "./signals.ts";

export interface NodeRun {
  readonly config: Config;
  /** The file that the configuration came from, to be named. */
  readonly configPath: string | undefined;
  readonly defaultPort: number;
  readonly parts: readonly PartMaker[];
}

/** A node that runs, until it is closed. */
export interface OpenNode {
  readonly node: Node;
  readonly parts: readonly Part[];
  /** Leaves the cluster and closes everything. */
  close(): Promise<void>;
}

/** Throws a {@link Problem} if it cannot start. */
export async function openNode(context: CliContext, run: NodeRun, log: Log): Promise<OpenNode> {
  const { config } = run;
  const keyring = await keyringFor(config);
  refuseOpenNode(config.discovery.bind_host, keyring);
  const { group } = config.control;
  const groupId = group === undefined ? undefined : await groupIdOf(group);
  const parts = run.parts.map((make) => make(context, config, log));
  const services = parts.map(({ service }) => service);
  const names = services.map(({ name }) => name);
  const path = dataDirOf(config, context.env);
  const dataDir = await DataDir.open(path, { pid: Deno.pid, parts: names });
  let node: Node | undefined;
  try {
    if (groupId !== undefined) await dataDir.shareWith(groupId);
    const running = node = await startNode(run, services, keyring, dataDir, log);
    const control = await ControlServer.start({
      path: await controlSocketPath(dataDir.path, context.env["XDG_RUNTIME_DIR"]),
      methods: Object.assign({}, nodeMethods(node), ...services.map(({ methods }) => methods)),
      log,
      ...(groupId === undefined ? {} : { groupId }),
    });
    return {
      node,
      parts,
      close: async () => {
        control.close();
        await running.stop();
        dataDir.close();
      },
    };
  } catch (error) {
    await node?.stop();
    dataDir.close();
    throw error;
  }
}

/** Settled when the node has stopped; throws a {@link Problem} if it could not start or had to stop. */
export async function runNode(context: CliContext, run: NodeRun): Promise<void> {
  const log = openLog(context, run.config.log);
  const { node, parts, close } = await openNode(context, run, log);
  try {
    await giveUpPermissions();
    tellStart(node, run, parts.map(({ service }) => service.name), log);
    const removeListeners = onStopSignal((signal) => {
      log.info(`${signal}: leaving the cluster`);
      void node.stop();
    });
    const ended = parts.map(({ started }) => started?.(() => void node.stop()));
    const reason = await node.stopped;
    for (const end of ended) end?.();
    removeListeners();
    if (reason !== undefined) throw reason;
  } finally {
    await close();
  }
}

async function startNode(
  { config, defaultPort }: NodeRun,
  services: readonly Service[],
  keyring: Keyring,
  dataDir: DataDir,
  log: Log,
): Promise<Node> {
  const { discovery, cluster } = config;
  const bindPort = discovery.bind_port ?? defaultPort;
  const withPort = (host: string) => formatHostPort(parseHostPort(host, bindPort || defaultPort));
  return await Node.start({
    identity: await loadIdentity(dataDir.file(IDENTITY_FILE)),
    alias: config.node.name ?? aliasOf(Deno.hostname()),
    keyring,
    versions: PROTOCOL_VERSIONS,
    membership: {
      ...PROFILES[cluster.profile],
      forgetFailedMs: cluster.forget_failed_after,
      maxMembers: cluster.max_members,
    },
    bindHost: discovery.bind_host.replace(/^\[(.*)\]$/, "$1"),
    bindPort,
    advertise: discovery.advertise.map(withPort),
    hosts: discovery.hosts.map(withPort),
    mdns: discovery.mdns,
    remember: discovery.remember,
    maxSkewMs: cluster.max_clock_skew,
    dataDir,
    services,
    random: systemRandom,
    log,
  });
}

async function keyringFor({ cluster }: Config): Promise<Keyring> {
  const key = cluster.key_file === undefined ? undefined : await readClusterKey(cluster.key_file);
  const accepted: Uint8Array[] = [];
  for (const path of cluster.accept_keys) accepted.push(await readClusterKey(path));
  return keyringOf(cluster.name, key, accepted);
}

/** Without a key everybody who reaches the port is let in: that is for loopback only. */
function refuseOpenNode(bindHost: string, keyring: Keyring): void {
  if (keyring.secret || isLoopback(bindHost)) return;
  const file = "/etc/toolkit/cluster.key";
  throw new Problem(`refusing to listen on ${bindHost} without a cluster key`, {
    hint: `toolkit cluster keygen --out ${file}, and cluster.key_file = "${file}" on every host`,
  });
}

/** A node needs no other programs and no foreign code; what it does not have nobody can misuse. */
async function giveUpPermissions(): Promise<void> {
  for (const name of ["run", "ffi"] as const) await Deno.permissions.revoke({ name });
}

/** Who this is, where it listens, how it looks for others, a line each. */
function tellStart(node: Node, run: NodeRun, parts: readonly string[], log: Log): void {
  const { config: { discovery, cluster }, configPath } = run;
  const bound = formatHostPort({
    host: discovery.bind_host.replace(/^\[(.*)\]$/, "$1"),
    port: node.port,
  });
  const others = node.addresses.filter((address) => address !== bound);
  const reach = others.length === 0 ? "" : ` (reachable at ${others.join(", ")})`;
  log.info(
    `node ${node.alias} (${shortId(node.id)}) runs ${
      parts.join(", ")
    }, listening on ${bound}${reach}`,
  );
  if (node.addresses.length === 0) {
    log.warn("this host has no address yet that others can reach; waiting for a network");
  }
  const ways = [
    ...(discovery.hosts.length > 0 ? [discovery.hosts.join(", ")] : []),
    ...(node.rememberedPeers > 0 ? [peersText(node.rememberedPeers)] : []),
    ...(node.mdnsActive ? ["mDNS"] : []),
  ];
  const looking = ways.length > 0
    ? `looking for others: ${ways.join(", ")}`
    : "waiting to be called";
  const from = configPath === undefined ? "no config file" : `config ${configPath}`;
  log.info(`cluster "${cluster.name}" (${from}): ${looking}`);
}

function peersText(count: number): string {
  return count === 1 ? "the peer of last time" : `${count} peers of last time`;
}

/** The host's name without its domain, as far as it may be an alias. */
function aliasOf(hostname: string): string {
  const name = hostname.split(".")[0]!.replaceAll(/[^A-Za-z0-9_-]/g, "-").replace(/^-+/, "");
  return name.slice(0, 63) || "node";
}
