/**
 * A bare node, for tests of what no command of the program does yet: other protocol versions, big
 * messages. Takes {@link BareNodeOptions} as JSON, prints its address and what happens, and ends when
 * its standard input does.
 */

import { DataDir, IDENTITY_FILE } from "../../cluster/data_dir.ts";
import { loadIdentity } from "../../cluster/identity.ts";
import type { NodeId } from "../../cluster/ids.ts";
import { keyringOf } from "../../cluster/keys.ts";
import { LAN } from "../../cluster/membership/config.ts";
import type { NodeEvent } from "../../cluster/node_core.ts";
import { Node } from "../../cluster/node.ts";
import { systemRandom } from "../../cluster/random.ts";
import type { Service, ServiceNode } from "../../cluster/service.ts";
import { PROTOCOL_VERSIONS } from "../../cluster/transport/handshake.ts";

export interface BareNodeOptions {
  readonly alias: string;
  readonly dataDir: string;
  readonly bindHost?: string;
  readonly hosts?: readonly string[];
  readonly versions?: { readonly lowest: number; readonly highest: number };
  /** Sends that many messages of that many bytes to each peer, one after the other. */
  readonly bulk?: { readonly count: number; readonly bytes: number };
}

const print = (line: string) => Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));

/** Big messages on a bulk channel; each is answered on a small one, and only then comes the next. */
class Bulk implements Service {
  readonly name = "bulk";
  readonly channels = [
    { name: "bulk", priority: "bulk", maxMessageBytes: 16 * 1024 * 1024 },
    { name: "bulk.taken", priority: "small", maxMessageBytes: 64 },
  ] as const;
  readonly datagramChannels = [];
  readonly methods = {};
  readonly #sent = new Map<NodeId, number>();
  readonly #options: NonNullable<BareNodeOptions["bulk"]>;
  #node!: ServiceNode;

  constructor(options: NonNullable<BareNodeOptions["bulk"]>) {
    this.#options = options;
  }

  start(node: ServiceNode): Promise<void> {
    this.#node = node;
    return Promise.resolve();
  }

  stop(): Promise<void> {
    return Promise.resolve();
  }

  event(event: NodeEvent): void {
    if (event.type === "connected") this.#sendNext(event.peer);
  }

  receive(from: NodeId, channel: string, bytes: Uint8Array): void {
    if (channel === "bulk.taken") return this.#sendNext(from);
    print(`took ${bytes.length} bytes from ${this.#node.nameOf(from).split(" ")[0]}`);
    this.#node.send(from, "bulk.taken", new Uint8Array());
  }

  receiveDatagram(): void {}

  deadline(): number {
    return Infinity;
  }

  tick(): void {}

  #sendNext(to: NodeId): void {
    const sent = this.#sent.get(to) ?? 0;
    if (sent === this.#options.count) return;
    this.#sent.set(to, sent + 1);
    if (!this.#node.send(to, "bulk", new Uint8Array(this.#options.bytes))) print("not sent");
  }
}

if (import.meta.main) {
  const options: BareNodeOptions = JSON.parse(Deno.args[0]!);
  const dataDir = await DataDir.open(options.dataDir, { pid: Deno.pid, parts: ["test"] });
  const node = await Node.start({
    identity: await loadIdentity(dataDir.file(IDENTITY_FILE)),
    alias: options.alias,
    keyring: keyringOf("toolkit", undefined),
    versions: options.versions ?? PROTOCOL_VERSIONS,
    membership: LAN,
    bindHost: options.bindHost ?? "127.0.0.1",
    bindPort: 0,
    advertise: [],
    hosts: options.hosts ?? [],
    mdns: false,
    remember: true,
    maxSkewMs: 300_000,
    dataDir,
    services: options.bulk === undefined ? [] : [new Bulk(options.bulk)],
    random: systemRandom,
    log: { debug() {}, info: print, warn: print, error: print },
  });
  node.listen((event) => {
    if (event.type === "member") {
      print(`${node.core.mesh.peer(event.id)?.info?.alias} is ${event.state}`);
    }
  });
  print(`listening on ${node.addresses[0]}`);
  for await (const _ of Deno.stdin.readable) { /* until it ends */ }
  await node.stop();
  dataDir.close();
  Deno.exit(0);
}
