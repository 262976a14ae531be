/** avahi, the mDNS of most Linux hosts, as judge of ours: on hosts of their own in a lab. */

import assert from "node:assert/strict";
import { SERVICE } from "../../cluster/discovery/mdns/names.ts";
import { type NodeId, nodeIdOfBytes } from "../../cluster/ids.ts";
import { Avahi } from "../lab/avahi.ts";
import { Lab } from "../lab/lab.ts";
import type { Ended, TestProcess } from "../support/process.ts";
import { lacksNamespaces } from "../support/requirements.ts";
import { pause, waitFor } from "../support/wait.ts";

const PEER = new URL("./mdns_peer.ts", import.meta.url).pathname;
const CLUSTER = "c1c1c1c1c1c1c1c1";
const STRANGERS = "5757575757575757";
/** As avahi's tools want it. */
const TYPE = SERVICE.replace(/\.local$/, "");
/** Deno starts, and a probe and two announcements take a second and a half. */
const LIMIT_MS = 15_000;
/** Time, not a condition: that nothing more happens shows only after the second announcement. */
const SETTLED_MS = 2_000;
/** In which the peer looks several times at its interfaces. */
const SEVERAL_TRIES_MS = 1_000;

const ignore = lacksNamespaces("avahi-daemon", "avahi-browse", "avahi-publish", "dbus-daemon");

function idOf(number: number): NodeId {
  return nodeIdOfBytes(new Uint8Array(16).fill(number));
}

interface PeerOptions {
  readonly bindHost?: string;
  readonly cluster?: string;
  readonly mode?: "at-once";
}

/** A process of ours on a host, and what it has found. */
class Peer implements AsyncDisposable {
  readonly id: NodeId;
  readonly process: TestProcess;

  constructor(lab: Lab, host: number, readonly number: number, options: PeerOptions = {}) {
    const { bindHost = "::", cluster = CLUSTER, mode } = options;
    this.id = idOf(number);
    const run = ["run", "-A", "--no-prompt", "--unstable-net", "--cached-only", PEER];
    const args = [
      this.id,
      `peer${number}`,
      `${this.port}`,
      bindHost,
      cluster,
      ...(mode ? [mode] : []),
    ];
    this.process = lab.start(host, `peer ${number}`, Deno.execPath(), ...run, ...args);
  }

  get port(): number {
    return 3_000 + this.number;
  }

  /** `HOST:PORT ID` of all that it sees, in order. */
  get found(): string[] {
    const found = new Set<string>();
    for (const line of this.process.stdout.split("\n")) {
      const [kind, address, id] = line.split(" ");
      if (kind === "found") found.add(`${address} ${id}`);
      if (kind === "lost") found.delete(`${address} ${id}`);
    }
    return [...found].sort();
  }

  /** It sees one other node, at these addresses; at none, it sees nobody. */
  async sees(addresses: readonly string[], id: NodeId): Promise<void> {
    await this.seesAll(Object.fromEntries(addresses.map((address) => [address, id])));
  }

  /** It sees these nodes by their addresses, and no others. */
  async seesAll(nodes: Readonly<Record<string, NodeId>>): Promise<void> {
    const wanted = Object.entries(nodes).map((entry) => entry.join(" ")).sort().join(", ");
    const what = `peer ${this.number} sees ${wanted || "nobody"}`;
    await waitFor(what, () => this.found.join(", ") === wanted, LIMIT_MS).catch((error) => {
      const { stdout, stderr } = this.process;
      throw new Error(`${error.message}; it says:\n${stdout}${stderr}`);
    });
  }

  /** Ends it as a node ends. */
  async stop(): Promise<void> {
    this.process.signal("SIGTERM");
    await this.endsByItself();
  }

  /** Nothing may keep its event loop going after it has closed mDNS. */
  async endsByItself(): Promise<void> {
    let ended: Ended | undefined;
    void this.process.ended.then((how) => (ended = how));
    const { code, stdout, stderr } = await waitFor(
      `peer ${this.number} ends by itself`,
      () => ended,
      LIMIT_MS,
    );
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^closed$/m);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.process[Symbol.asyncDispose]();
  }
}

function addressesOf(lab: Lab, host: number, port: number): string[] {
  return [`${lab.address(host)}:${port}`, `[fd77::${10 + host}]:${port}`];
}

Deno.test("avahi sees what we announce, and our goodbye", { ignore }, async () => {
  await using lab = await Lab.make(2);
  await using avahi = await Avahi.start(lab, 0);
  await using peer = new Peer(lab, 1, 1);
  const services = await waitFor("avahi resolves our service by both families", async () => {
    const found = await avahi.browse(TYPE);
    return new Set(found.map(({ family }) => family)).size === 2 ? found : undefined;
  }, LIMIT_MS);
  for (const service of services) {
    assert.equal(service.instance, `peer1-${peer.id.slice(0, 8)}`);
    assert.equal(service.host, `toolkit-${peer.id}.local`);
    assert.ok([lab.address(1), "fd77::11"].includes(service.address), service.address);
    assert.equal(service.port, peer.port);
    assert.deepEqual([...service.texts].sort(), [
      `cluster=${CLUSTER}`,
      `id=${peer.id}`,
      `key=${"00".repeat(8)}`,
      "v=1-1",
    ]);
  }
  // One that goes on listening hears the goodbye; the TTLs would take two minutes at least.
  await using listener = avahi.run("avahi-browse", "-p", TYPE);
  await listener.says(/^\+;eth0;IPv4;peer1/m);
  await peer.stop();
  await listener.says(/^-;eth0;IPv4;peer1/m);
  await waitFor("avahi has forgotten it", async () => (await avahi.browse(TYPE)).length === 0);
});

Deno.test("we see what avahi announces, and that it is over", { ignore }, async () => {
  await using lab = await Lab.make(2);
  await using avahi = await Avahi.start(lab, 0);
  const id = idOf(9);
  const publish = (name: string, port: number, cluster: string): TestProcess => {
    const texts = [`cluster=${cluster}`, "key=0011223344556677", `id=${id}`, "v=1-1"];
    return avahi.run("avahi-publish", "-s", name, TYPE, `${port}`, ...texts);
  };
  await using peer = new Peer(lab, 1, 1);
  await peer.process.says(/^active/m, LIMIT_MS);
  await using _stranger = publish("a stranger", 4_000, STRANGERS);
  await using published = publish("a node", 4_001, CLUSTER);
  await peer.sees(addressesOf(lab, 0, 4_001), id);
  published.signal("SIGTERM");
  await peer.sees([], id);
  assert.doesNotMatch(peer.process.stdout, /4000/);
});

Deno.test("we find what avahi announced before we came", { ignore }, async () => {
  await using lab = await Lab.make(2);
  await using avahi = await Avahi.start(lab, 0);
  const texts = [`cluster=${CLUSTER}`, `id=${idOf(9)}`];
  await using published = avahi.run("avahi-publish", "-s", "a node", TYPE, "4001", ...texts);
  await published.says(/Established under name/);
  await using peer = new Peer(lab, 1, 1);
  await peer.sees(addressesOf(lab, 0, 4_001), idOf(9));
});

Deno.test("two of ours on one host see each other beside avahi", { ignore }, async () => {
  await using lab = await Lab.make(2);
  await using avahi = await Avahi.start(lab, 0);
  await using one = new Peer(lab, 0, 1);
  await using two = new Peer(lab, 0, 2);
  await one.sees(addressesOf(lab, 0, two.port), two.id);
  await two.sees(addressesOf(lab, 0, one.port), one.id);
  await waitFor("avahi sees both", async () => {
    const instances = (await avahi.browse(TYPE)).map(({ instance }) => instance);
    return new Set(instances).size === 2;
  }, LIMIT_MS);
  await one.stop();
  await two.sees([], one.id);
});

Deno.test("we announce only where the cluster port is bound to", { ignore }, async () => {
  await using lab = await Lab.make(2);
  await using four = new Peer(lab, 0, 1, { bindHost: lab.address(0) });
  await using both = new Peer(lab, 1, 2);
  await using none = new Peer(lab, 1, 3, { bindHost: "127.0.0.1" });
  await both.sees([`${lab.address(0)}:${four.port}`], four.id);
  await four.sees(addressesOf(lab, 1, both.port), both.id);
  await none.process.says(/^inactive/m, LIMIT_MS);
  assert.deepEqual(none.found, []);
  await none.stop();
});

Deno.test(
  "mDNS needs no multicast route, and follows addresses that change",
  { ignore },
  async () => {
    await using lab = await Lab.make(2);
    const ip = (host: number, ...args: readonly string[]) => lab.exec(host, "ip", ...args);
    await ip(0, "route", "del", "224.0.0.0/4");
    await ip(0, "-6", "addr", "flush", "dev", "eth0");
    await using one = new Peer(lab, 0, 1);
    await using two = new Peer(lab, 1, 2, { bindHost: "0.0.0.0" });
    await two.sees([`${lab.address(0)}:${one.port}`], one.id);
    await ip(0, "addr", "add", "10.77.0.200/24", "dev", "eth0");
    await ip(0, "addr", "del", `${lab.address(0)}/24`, "dev", "eth0");
    // Deleting the first address of a subnet deletes the others, unless the kernel promotes them.
    await ip(0, "addr", "replace", "10.77.0.200/24", "dev", "eth0");
    await two.sees([`10.77.0.200:${one.port}`], one.id);
  },
);

Deno.test("mDNS opens interfaces that come and closes those that go", { ignore }, async () => {
  await using lab = await Lab.make(2);
  const ip = (host: number, ...args: readonly string[]) => lab.exec(host, "ip", ...args);
  await ip(0, "addr", "flush", "dev", "eth0");
  await using one = new Peer(lab, 0, 1, { bindHost: "0.0.0.0" });
  await using two = new Peer(lab, 1, 2, { bindHost: "0.0.0.0" });
  await one.process.says(/^inactive/m, LIMIT_MS);
  await ip(0, "addr", "add", `${lab.address(0)}/24`, "dev", "eth0");
  await one.sees([`${lab.address(1)}:${two.port}`], two.id);
  await two.sees([`${lab.address(0)}:${one.port}`], one.id);
  await ip(0, "addr", "flush", "dev", "eth0");
  await one.sees([], two.id);
  await one.stop();
});

Deno.test("mDNS announces on each network the addresses that are on it", { ignore }, async () => {
  await using lab = await Lab.make(3);
  const ip = (host: number, ...args: readonly string[]) => lab.exec(host, "ip", ...args);
  const bindHost = "0.0.0.0";
  await ip(0, ..."link add eth1 type veth peer name eth1 netns".split(" "), lab.namespace(1));
  for (const host of [0, 1]) {
    await ip(host, "addr", "add", `10.78.0.${10 + host}/24`, "dev", "eth1");
    await ip(host, "link", "set", "eth1", "up");
  }
  await using one = new Peer(lab, 0, 1, { bindHost });
  await using two = new Peer(lab, 1, 2, { bindHost });
  await using three = new Peer(lab, 2, 3, { bindHost });
  await three.seesAll({ [`${lab.address(0)}:3001`]: one.id, [`${lab.address(1)}:3002`]: two.id });
  await one.seesAll({
    "10.78.0.11:3002": two.id,
    [`${lab.address(1)}:3002`]: two.id,
    [`${lab.address(2)}:3003`]: three.id,
  });
  // Announced twice everywhere: what comes by one interface must not be taken for the other's.
  await pause(SETTLED_MS);
  await ip(0, "link", "del", "eth1");
  await one.seesAll({ [`${lab.address(1)}:3002`]: two.id, [`${lab.address(2)}:3003`]: three.id });
});

Deno.test("mDNS that is closed at once leaves nothing behind", { ignore }, async () => {
  await using lab = await Lab.make(1);
  await using peer = new Peer(lab, 0, 1, { mode: "at-once" });
  await peer.endsByItself();
  assert.match(peer.process.stdout, /^active\nclosed$/m);
});

Deno.test("mDNS says once that its port is taken, and has it later", { ignore }, async () => {
  await using lab = await Lab.make(2);
  const hold = `Deno.listenDatagram({ transport: "udp", hostname: "0.0.0.0", port: 5353 });
  console.log("holds"); setInterval(() => {}, 1e6);`;
  await using holder = lab.start(0, "holder", Deno.execPath(), "eval", "--unstable-net", hold);
  await holder.says(/holds/, LIMIT_MS);
  await using one = new Peer(lab, 0, 1, { bindHost: "0.0.0.0" });
  await using two = new Peer(lab, 1, 2, { bindHost: "0.0.0.0" });
  await one.process.says(/^warn mDNS on eth0/m, LIMIT_MS);
  await two.process.says(/^active/m, LIMIT_MS);
  await pause(SEVERAL_TRIES_MS);
  holder.signal("SIGTERM");
  await one.sees([`${lab.address(1)}:${two.port}`], two.id);
  await two.sees([`${lab.address(0)}:${one.port}`], one.id);
  assert.equal(one.process.stderr.match(/^warn/gm)?.length, 1, one.process.stderr);
});
