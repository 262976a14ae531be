/** A REPL's way to the cluster: a node that is opened when it is asked for, and not before. */

import type { CliContext } from "../../cli/context.ts";
import type { LoadedConfig } from "../../cli/config/load.ts";
import { paintFor } from "../../cli/colour.ts";
import { type OpenNode, openNode } from "../../cli/run_node.ts";
import {
  formatHostPort,
  type HostPort,
  isIpAddress,
  normaliseHost,
  parseHostPort,
} from "../../cluster/address.ts";
import { membersTable } from "../../cluster/commands/members.ts";
import { Problem } from "../../cluster/errors.ts";
import { shortId } from "../../cluster/ids.ts";
import type { Log } from "../../cluster/log.ts";
import type { Node } from "../../cluster/node.ts";
import { VmService } from "../service.ts";
import type { Workshop } from "../workshop.ts";
import type { ClusterAccess } from "./answers.ts";
import { readNodeFile } from "./program_files.ts";

const DEFAULT_PORT = 2254;
/** Who is asked to let us join answers within this time. */
const JOIN_LIMIT_MS = 5_000;

export class ReplCluster implements ClusterAccess {
  readonly #context: CliContext;
  readonly #loaded: LoadedConfig;
  readonly #workshop: Workshop;
  readonly #log: Log;
  #open: Promise<OpenNode> | undefined;

  constructor(context: CliContext, loaded: LoadedConfig, workshop: Workshop, log: Log) {
    this.#context = context;
    this.#loaded = loaded;
    this.#workshop = workshop;
    this.#log = log;
  }

  async start(): Promise<readonly string[]> {
    if (this.#open !== undefined) return [`already started: ${nodeText((await this.#open).node)}`];
    return [nodeText(await this.#node())];
  }

  async join(host: string, port: number): Promise<readonly string[]> {
    const target = parseHostPort(formatHostPort({ host, port }), port);
    const isNew = this.#open === undefined;
    const node = await this.#node();
    const started = isNew ? [nodeText(node)] : [];
    await meet(node, formatHostPort(target), await addressesOf(target));
    return [...started, ...membersTable(node.members(false), paintFor(false))];
  }

  async members(): Promise<readonly string[]> {
    if (this.#open === undefined) {
      throw new Problem("this REPL is on no cluster", {
        hint: "!start_cluster, or !join_cluster HOST PORT",
      });
    }
    return membersTable((await this.#open).node.members(false), paintFor(false));
  }

  /** Leaves the cluster, if it is on one. */
  async close(): Promise<void> {
    const open = await this.#open?.catch(() => undefined);
    await open?.close();
  }

  async #node(): Promise<Node> {
    if (this.#open === undefined) {
      this.#open = this.#openNode();
      void this.#open.then((open) => this.#watch(open), () => {});
    }
    try {
      return (await this.#open).node;
    } catch (error) {
      this.#open = undefined;
      throw error;
    }
  }

  /** A node may have to stop, as when its key was copied to another host. */
  async #watch(open: OpenNode): Promise<void> {
    const reason = await open.node.stopped;
    if (reason === undefined) return;
    this.#open = undefined;
    this.#log.error(`this session is on no cluster any more: ${reason.message}`);
    await open.close();
  }

  #openNode(): Promise<OpenNode> {
    const service = new VmService({
      workshop: this.#workshop,
      ownsWorkshop: false,
      readFile: readNodeFile,
      openRemote: undefined,
    });
    const { config, path } = this.#loaded;
    return openNode(this.#context, {
      config,
      configPath: path,
      defaultPort: DEFAULT_PORT,
      parts: [() => ({ service })],
    }, this.#log);
  }
}

function nodeText(node: Node): string {
  const [address = `port ${node.port}`] = node.addresses;
  return `node ${node.alias} (${shortId(node.id)}) on ${address}`;
}

/** The addresses that a name stands for, as members tell them; none if nobody knows it. */
async function addressesOf({ host, port }: HostPort): Promise<string[]> {
  if (isIpAddress(host)) return [formatHostPort({ host, port })];
  const { lookup } = await import("node:dns/promises");
  const found = await lookup(host, { all: true }).catch(() => []);
  return found.map(({ address }) => formatHostPort({ host: normaliseHost(address), port }));
}

/**
 * Settled when somebody at that address is connected; throws a {@link Problem} if that takes too
 * long. `resolved` is what a name in it stands for.
 */
async function meet(node: Node, address: string, resolved: readonly string[]): Promise<void> {
  const isOneOf = (addresses: readonly string[]) =>
    addresses.some((known) => resolved.includes(known));
  if (isOneOf(node.addresses)) throw new Problem(`${address} is this node itself`);
  const isThere = () =>
    node.members(false).some(({ self, connected, addresses }) =>
      !self && connected && isOneOf(addresses)
    );
  if (isThere()) return;
  const met = Promise.withResolvers<string | undefined>();
  const stop = node.listen((event) => {
    switch (event.type) {
      case "connected":
        if (isThere()) met.resolve(undefined);
        return;
      case "dialFailed":
        if (event.addresses.includes(address)) met.resolve(reasonOf(event.reason, address));
        return;
      case "refused":
        if (event.address === address) met.resolve(event.text);
    }
  });
  const limit = setTimeout(
    () => met.resolve(`no answer for ${JOIN_LIMIT_MS / 1_000} s`),
    JOIN_LIMIT_MS,
  );
  try {
    node.lookFor(address);
    const reason = await met.promise;
    if (reason === undefined) return;
    throw new Problem(`cannot join through ${address}: ${reason}`, {
      hint: "is a node running there, on the same cluster? It is tried again and again",
    });
  } finally {
    clearTimeout(limit);
    stop();
  }
}

/** The reason of a failed dial begins with the address, which is said already. */
function reasonOf(reason: string, address: string): string {
  return reason.startsWith(`${address}: `) ? reason.slice(address.length + 2) : reason;
}
