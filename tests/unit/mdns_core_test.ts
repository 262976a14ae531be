/** mDNS without a network: cores on a wire in memory, which carries real bytes. */

import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { hexOf } from "../../cluster/bytes.ts";
import { MAX_CACHED_RECORDS } from "../../cluster/discovery/mdns/cache.ts";
import { MdnsCore, type MdnsEvent } from "../../cluster/discovery/mdns/core.ts";
import { dialableAddress } from "../../cluster/discovery/mdns/dialable.ts";
import { MAX_OFFERS } from "../../cluster/discovery/mdns/directory.ts";
import { isReplaced, linksFrom, linksOf } from "../../cluster/discovery/mdns/links.ts";
import { hostName, instanceName, SERVICE } from "../../cluster/discovery/mdns/names.ts";
import { Offers } from "../../cluster/discovery/mdns/offers.ts";
import {
  encodable,
  MAX_PACKET_BYTES,
  type Packet,
  readPacket,
} from "../../cluster/discovery/mdns/packets.ts";
import type { DnsRecord, RecordType } from "../../cluster/discovery/mdns/records.ts";
import { loadMulticastDns } from "../../cluster/discovery/mdns/socket.ts";
import { type NodeId, nodeIdOfBytes } from "../../cluster/ids.ts";
import { below, SeededRandom } from "../../cluster/random.ts";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const CLUSTER = new Uint8Array(8).fill(0xc1);
const STRANGERS = new Uint8Array(8).fill(0x57);
const KEY = new Uint8Array(8).fill(0xee);
const META = "_services._dns-sd._udp.local";
const IN = "IN";

// -- the codec that the driver uses, on a socket that is none -------------------------------------

interface CodecSocket {
  query(packet: object): void;
  respond(packet: object): void;
  on(event: "packet", listener: (packet: unknown) => void): void;
  on(event: "warning", listener: () => void): void;
}

/** A packet of which empty sections are left out. */
type SomePacket = Partial<Packet> & { readonly type: Packet["type"] };

class FakeSocket extends EventEmitter {
  taken: (bytes: Uint8Array) => void = () => {};

  send(bytes: Uint8Array): void {
    this.taken(new Uint8Array(bytes));
  }
}

const fakeSocket = new FakeSocket();
const codec = (await loadMulticastDns() as unknown as (options: object) => CodecSocket)({
  socket: fakeSocket,
  bind: false,
});
let lastDecoded: unknown;
codec.on("packet", (packet) => (lastDecoded = packet));
codec.on("warning", () => (lastDecoded = undefined));

/** The library sends a turn of the event loop later; one packet at a time. */
function encode(some: SomePacket): Promise<Uint8Array> {
  const none = { truncated: false, questions: [], answers: [], authorities: [], additionals: [] };
  const packet = encodable({ ...none, ...some });
  return new Promise((resolve) => {
    fakeSocket.taken = resolve;
    if (some.type === "query") codec.query(packet);
    else codec.respond(packet);
  });
}

function decode(bytes: Uint8Array): unknown {
  lastDecoded = undefined;
  fakeSocket.emit("message", Buffer.from(bytes), { address: "10.0.0.1", port: 5353 });
  return lastDecoded;
}

// -- hosts on a wire ------------------------------------------------------------------------------

function idOf(number: number): NodeId {
  const bytes = new Uint8Array(16);
  new DataView(bytes.buffer).setUint32(0, number);
  return nodeIdOfBytes(bytes);
}

interface HostOptions {
  readonly alias?: string;
  readonly port?: number;
  readonly clusterHash?: Uint8Array;
  readonly keyId?: Uint8Array;
  readonly addresses?: readonly string[];
}

interface Sent {
  readonly at: number;
  readonly packet: Packet;
}

class Host {
  readonly id: NodeId;
  readonly alias: string;
  readonly address: string;
  readonly core: MdnsCore;
  readonly sent: Sent[] = [];
  readonly events: MdnsEvent[] = [];
  /** Neither sends nor hears anything. */
  silent = false;

  constructor(readonly number: number, options: HostOptions, now: number) {
    this.id = idOf(number);
    this.alias = options.alias ?? `host${number}`;
    this.address = `10.0.${number >> 8}.${number & 255}`;
    this.core = new MdnsCore({
      id: this.id,
      alias: this.alias,
      port: options.port ?? 2254,
      clusterHash: options.clusterHash ?? CLUSTER,
      keyId: options.keyId ?? KEY,
      versions: { lowest: 1, highest: 2 },
      random: new SeededRandom(number),
    }, now);
    this.core.setAddresses(now, options.addresses ?? [this.address]);
  }

  get instance(): string {
    return instanceName(this.alias, this.id);
  }

  /** Addresses that are found and not lost again. */
  get found(): string[] {
    const found = new Set<string>();
    for (const { kind, address } of this.events) {
      if (kind === "found") found.add(address);
      else found.delete(address);
    }
    return [...found].sort();
  }

  queries(type?: RecordType): Sent[] {
    return this.sent.filter(({ packet }) =>
      packet.type === "query" && packet.authorities.length === 0 &&
      (type === undefined || packet.questions.some((question) => question.type === type))
    );
  }

  responses(): Sent[] {
    return this.sent.filter(({ packet }) => packet.type === "response");
  }
}

class Wire {
  now = 0;
  readonly hosts: Host[] = [];

  add(options: HostOptions = {}): Host {
    const host = new Host(this.hosts.length + 1, options, this.now);
    this.hosts.push(host);
    return host;
  }

  /** Lets that many milliseconds pass. */
  async run(durationMs: number): Promise<void> {
    const end = this.now + durationMs;
    for (;;) {
      await this.settle();
      const next = Math.min(...this.hosts.map(({ core }) => core.deadline()));
      if (next > end) break;
      assert.ok(next >= this.now, "no deadline stays behind");
      this.now = Math.max(this.now, next);
      for (const { core } of this.hosts) if (core.deadline() <= this.now) core.tick(this.now);
    }
    this.now = end;
  }

  /** Delivers what is to be sent, to its sender too, as a multicast socket does. */
  async settle(): Promise<void> {
    for (let sender = this.#nextSender(); sender !== undefined; sender = this.#nextSender()) {
      const { host, packets } = sender;
      for (const packet of packets) {
        const bytes = await encode(packet);
        host.sent.push({ at: this.now, packet: packetOf(bytes) });
        if (!host.silent) this.deliver(bytes, host.address);
      }
    }
    for (const host of this.hosts) host.events.push(...host.core.takeFound());
  }

  #nextSender(): { host: Host; packets: Packet[] } | undefined {
    for (const host of this.hosts) {
      const packets = host.core.takeOutgoing();
      if (packets.length > 0) return { host, packets };
    }
    return undefined;
  }

  deliver(bytes: Uint8Array, address: string): void {
    for (const { core, silent } of this.hosts) {
      if (!silent) core.receive(this.now, decode(bytes), { address, port: 5353 });
    }
  }

  /** Somebody else multicasts a packet. */
  async hear(packet: SomePacket, address = "10.0.9.9"): Promise<void> {
    this.deliver(await encode(packet), address);
  }

  async ask(
    name: string,
    type: RecordType | "ANY",
    known: readonly DnsRecord[] = [],
  ): Promise<void> {
    await this.hear({ type: "query", questions: [{ name, type }], answers: known });
  }
}

function packetOf(bytes: Uint8Array): Packet {
  const packet = readPacket(decode(bytes));
  assert.ok(packet, "what is sent can be read");
  return packet;
}

/** A wire with one host that has announced itself and is quiet but for its questions. */
async function settledHost(options: HostOptions = {}): Promise<{ wire: Wire; host: Host }> {
  const wire = new Wire();
  const host = wire.add(options);
  await wire.run(10 * SECOND);
  host.sent.length = 0;
  return { wire, host };
}

function named(records: readonly DnsRecord[]): string[] {
  return records.map(({ type, name }) => `${type} ${name}`);
}

/** What another program could announce of a node. */
function announcementOf(
  number: number,
  change: { cluster?: Uint8Array; id?: NodeId; port?: number; addresses?: string[] } = {},
): DnsRecord[] {
  const id = change.id ?? idOf(number);
  const instance = `other${number}.${SERVICE}`;
  const target = `host${number}.local`;
  const shared = { ttl: 4_500, flush: false };
  const unique = { ttl: 120, flush: true };
  const addresses = change.addresses ?? [`10.1.${number >> 8}.${number & 255}`];
  return [
    { ...shared, type: "PTR", name: SERVICE, data: instance },
    {
      ...unique,
      type: "SRV",
      name: instance,
      data: { priority: 0, weight: 0, port: change.port ?? 2254, target },
    },
    {
      ...unique,
      ttl: 4_500,
      type: "TXT",
      name: instance,
      data: [`cluster=${hexOf(change.cluster ?? CLUSTER)}`, "key=00", `id=${id}`, "v=1-1"],
    },
    ...addresses.map((data): DnsRecord => ({
      ...unique,
      type: data.includes(":") ? "AAAA" : "A",
      name: target,
      data,
    })),
  ];
}

// -- announcing -----------------------------------------------------------------------------------

Deno.test("MdnsCore probes once, then announces twice, a second apart", async () => {
  const wire = new Wire();
  const host = wire.add({ addresses: ["10.0.0.1", "fd77::1"] });
  await wire.run(30 * SECOND);
  const probes = host.sent.filter(({ packet }) => packet.authorities.length > 0);
  assert.equal(probes.length, 1);
  const [probe] = probes;
  assert.ok(probe && probe.at <= 250);
  assert.deepEqual(probe.packet.questions, [
    { name: host.instance, type: "ANY" },
    { name: hostName(host.id), type: "ANY" },
  ]);
  assert.deepEqual(named(probe.packet.authorities), [
    `SRV ${host.instance}`,
    `TXT ${host.instance}`,
    `A ${hostName(host.id)}`,
    `AAAA ${hostName(host.id)}`,
  ]);
  const announcements = host.responses();
  assert.deepEqual(announcements.map(({ at }) => at - probe.at), [250, 1_250]);
  assert.deepEqual(announcements[0]!.packet.answers, announcements[1]!.packet.answers);
});

Deno.test("MdnsCore announces TTLs and cache-flush bits as RFC 6762 has them", async () => {
  const wire = new Wire();
  const host = wire.add({ port: 2300, addresses: ["10.0.0.1", "fd77::1"] });
  await wire.run(2 * SECOND);
  const target = hostName(host.id);
  assert.deepEqual(host.responses()[0]!.packet.answers, [
    { type: "PTR", name: SERVICE, ttl: 4_500, flush: false, data: host.instance },
    {
      type: "SRV",
      name: host.instance,
      ttl: 120,
      flush: true,
      data: { priority: 0, weight: 0, port: 2300, target },
    },
    {
      type: "TXT",
      name: host.instance,
      ttl: 4_500,
      flush: true,
      data: [`cluster=${hexOf(CLUSTER)}`, `key=${hexOf(KEY)}`, `id=${host.id}`, "v=1-2"],
    },
    { type: "A", name: target, ttl: 120, flush: true, data: "10.0.0.1" },
    { type: "AAAA", name: target, ttl: 120, flush: true, data: "fd77::1" },
  ]);
});

Deno.test("MdnsCore does not answer before its names are claimed", async () => {
  const wire = new Wire();
  const host = wire.add();
  await wire.run(250);
  assert.equal(host.responses().length, 0);
  await wire.ask(host.instance, "SRV");
  await wire.settle();
  assert.equal(host.responses().length, 0);
});

Deno.test("MdnsCore without addresses announces nothing until it has some", async () => {
  const wire = new Wire();
  const host = wire.add({ addresses: [] });
  await wire.run(MINUTE);
  assert.equal(host.responses().length, 0);
  host.core.setAddresses(wire.now, ["10.0.0.1"]);
  await wire.run(5 * SECOND);
  assert.equal(host.responses().length, 2);
});

Deno.test("MdnsCore.goodbye() withdraws what was announced, and nothing follows", async () => {
  const { wire, host } = await settledHost();
  await wire.ask(SERVICE, "PTR");
  host.core.goodbye();
  await wire.settle();
  const [goodbye] = host.responses();
  assert.ok(goodbye);
  assert.deepEqual(named(goodbye.packet.answers), [
    `PTR ${SERVICE}`,
    `SRV ${host.instance}`,
    `TXT ${host.instance}`,
    `A ${hostName(host.id)}`,
  ]);
  assert.ok(goodbye.packet.answers.every(({ ttl }) => ttl === 0));
  assert.equal(host.core.deadline(), Infinity);
  await wire.ask(SERVICE, "PTR");
  host.core.search(wire.now);
  host.core.setAddresses(wire.now, ["10.0.0.7"]);
  await wire.run(MINUTE);
  assert.equal(host.sent.length, 1);
});

Deno.test("MdnsCore.goodbye() says nothing if nothing was announced", async () => {
  const wire = new Wire();
  const host = wire.add();
  host.core.goodbye();
  await wire.run(MINUTE);
  assert.equal(host.sent.length, 0);
});

Deno.test("MdnsCore announces new addresses twice and withdraws old ones", async () => {
  const { wire, host } = await settledHost({ addresses: ["10.0.0.1", "10.0.0.2"] });
  host.core.setAddresses(wire.now, ["10.0.0.2", "10.0.0.3"]);
  const start = wire.now;
  await wire.run(5 * SECOND);
  const [withdrawn, ...announced] = host.responses();
  assert.deepEqual(
    withdrawn?.packet.answers.map(({ ttl, data, flush }) => ({ ttl, data, flush })),
    [{ ttl: 0, data: "10.0.0.1", flush: false }],
  );
  assert.deepEqual(announced.map(({ at }) => at - start), [0, 1_000]);
  const addresses = announced[0]!.packet.answers.filter(({ type }) => type === "A");
  assert.deepEqual(addresses.map(({ data }) => data), ["10.0.0.2", "10.0.0.3"]);
  host.sent.length = 0;
  host.core.setAddresses(wire.now, ["10.0.0.3", "10.0.0.2"]);
  await wire.run(SECOND);
  assert.equal(host.responses().length, 0, "the same addresses are no news");
});

Deno.test("MdnsCore.reconnected() announces twice and asks as at the start", async () => {
  const { wire, host } = await settledHost();
  await wire.run(MINUTE);
  host.sent.length = 0;
  const start = wire.now;
  host.core.reconnected(wire.now);
  await wire.run(5 * SECOND);
  assert.deepEqual(host.responses().map(({ at }) => at - start), [0, 1_000]);
  assert.equal(host.queries("PTR").length, 3);
  host.core.goodbye();
  await wire.settle();
  host.sent.length = 0;
  host.core.reconnected(wire.now);
  await wire.run(5 * SECOND);
  assert.deepEqual(host.sent, []);
});

Deno.test("MdnsCore fits its records into one packet, however many addresses there are", async () => {
  const wire = new Wire();
  const addresses = Array.from({ length: 40 }, (_, i) => `fd77:1:2:3:4:5:6:${i + 1}`);
  const host = wire.add({ alias: "a".repeat(64), addresses });
  await wire.run(3 * SECOND);
  for (const { packet } of host.sent) assert.ok((await encode(packet)).length <= MAX_PACKET_BYTES);
  const [announcement] = host.responses();
  assert.equal(announcement?.packet.answers.filter(({ type }) => type === "AAAA").length, 8);
});

Deno.test("instanceName() makes one label of any alias", () => {
  const id = idOf(0xabcd1234);
  assert.equal(instanceName("hall", id), `hall-abcd1234.${SERVICE}`);
  assert.equal(instanceName("hall.attic x", id), `hall-attic-x-abcd1234.${SERVICE}`);
  for (const alias of ["a".repeat(64), "ü".repeat(64), "🛟".repeat(64), "", "...", "a\n.b"]) {
    const name = instanceName(alias, id);
    const labels = name.split(".");
    assert.deepEqual(labels.slice(1), ["_toolkit", "_udp", "local"]);
    assert.ok(new TextEncoder().encode(labels[0]).length <= 63, name);
    assert.ok(labels[0]!.endsWith("-abcd1234"));
  }
});

// -- answering ------------------------------------------------------------------------------------

Deno.test("MdnsCore answers a question for the service after 20 to 120 ms, with all that follows", async () => {
  const { wire, host } = await settledHost({ addresses: ["10.0.0.1", "fd77::1"] });
  const asked = wire.now;
  await wire.ask(SERVICE.toUpperCase(), "PTR");
  await wire.settle();
  assert.equal(host.responses().length, 0);
  await wire.run(200);
  const [answer, ...more] = host.responses();
  assert.ok(answer && more.length === 0);
  assert.ok(answer.at >= asked + 20 && answer.at <= asked + 120);
  assert.deepEqual(named(answer.packet.answers), [`PTR ${SERVICE}`]);
  assert.deepEqual(named(answer.packet.additionals), [
    `SRV ${host.instance}`,
    `TXT ${host.instance}`,
    `A ${hostName(host.id)}`,
    `AAAA ${hostName(host.id)}`,
  ]);
});

Deno.test("MdnsCore answers questions for its own names at once", async () => {
  const cases = [
    { name: "instance", type: "SRV", answers: ["SRV"], additionals: ["A", "AAAA"] },
    { name: "instance", type: "TXT", answers: ["TXT"], additionals: [] },
    { name: "instance", type: "ANY", answers: ["SRV", "TXT"], additionals: ["A", "AAAA"] },
    { name: "host", type: "A", answers: ["A"], additionals: ["AAAA"] },
    { name: "host", type: "AAAA", answers: ["AAAA"], additionals: ["A"] },
    { name: "host", type: "ANY", answers: ["A", "AAAA"], additionals: [] },
    { name: "host", type: "SRV", answers: [], additionals: [] },
  ] as const;
  for (const { name, type, answers, additionals } of cases) {
    const { wire, host } = await settledHost({ addresses: ["10.0.0.1", "fd77::1"] });
    await wire.ask(name === "instance" ? host.instance : hostName(host.id), type);
    await wire.settle();
    const packets = host.responses().map(({ packet }) => packet);
    assert.equal(packets.length, answers.length > 0 ? 1 : 0, `${type} of ${name}`);
    const typesOf = (records?: readonly DnsRecord[]) => (records ?? []).map(({ type }) => type);
    assert.deepEqual(typesOf(packets[0]?.answers), [...answers], `${type} of ${name}`);
    assert.deepEqual(typesOf(packets[0]?.additionals), [...additionals], `${type} of ${name}`);
  }
});

Deno.test("MdnsCore answers who asks for all services, and nobody who asks for others", async () => {
  const { wire, host } = await settledHost();
  await wire.ask(META, "PTR");
  await wire.ask("_ipp._tcp.local", "PTR");
  await wire.ask("elsewhere.local", "ANY");
  await wire.run(200);
  const records = host.responses().flatMap(({ packet }) => [...packet.answers]);
  assert.deepEqual(records, [{ type: "PTR", name: META, ttl: 4_500, flush: false, data: SERVICE }]);
});

Deno.test("MdnsCore answers by multicast who would like a unicast answer", async () => {
  const { wire, host } = await settledHost();
  const source = { address: "10.0.9.9", port: 5353 };
  const bytes = await encode({
    type: "query",
    questions: [{ name: host.instance, type: "SRV" }],
  });
  bytes[bytes.length - 2] = 0x80; // the class's first bit (RFC 6762, 5.4)
  host.core.receive(wire.now, decode(bytes), source);
  await wire.settle();
  assert.equal(host.responses().length, 1);
});

Deno.test("MdnsCore does not give answers that are known", async () => {
  const { wire, host } = await settledHost();
  const pointer = { type: "PTR", name: SERVICE, flush: false, data: host.instance } as const;
  await wire.ask(SERVICE, "PTR", [{ ...pointer, ttl: 2_250 }]);
  await wire.run(500);
  assert.equal(host.responses().length, 0);
  await wire.ask(SERVICE, "PTR", [{ ...pointer, ttl: 2_249 }]);
  await wire.run(500);
  assert.equal(host.responses().length, 1, "known for less than half of the TTL is not known");
  await wire.run(SECOND);
  await wire.ask(SERVICE, "PTR", [{ ...pointer, data: `other.${SERVICE}`, ttl: 4_500 }]);
  await wire.run(500);
  assert.equal(host.responses().length, 2, "another's record says nothing of ours");
});

Deno.test("MdnsCore waits for known answers that go on in the next packet", async () => {
  const { wire, host } = await settledHost();
  const pointer = { type: "PTR", name: SERVICE, flush: false, data: host.instance } as const;
  const question = { questions: [{ name: SERVICE, type: "PTR" as const }], truncated: true };
  const rest = { type: "query", answers: [{ ...pointer, ttl: 4_500 }] } as const;
  await wire.hear({ type: "query", ...question });
  await wire.run(300);
  await wire.hear(rest);
  await wire.run(SECOND);
  assert.equal(host.responses().length, 0);

  await wire.hear({ type: "query", ...question });
  const asked = wire.now;
  await wire.run(300);
  await wire.hear(rest, "10.0.9.8");
  await wire.run(SECOND);
  assert.equal(host.responses().length, 1, "another host's known answers are not the asker's");
  assert.ok(host.responses()[0]!.at >= asked + 400 && host.responses()[0]!.at <= asked + 500);
});

Deno.test("MdnsCore multicasts no record twice within a second", async () => {
  const { wire, host } = await settledHost({ addresses: ["10.0.0.1", "fd77::1"] });
  for (let i = 0; i < 50; i++) {
    await wire.ask(host.instance, "SRV");
    await wire.ask(hostName(host.id), "A");
    if (i % 3 === 0) await wire.ask(SERVICE, "PTR");
    await wire.run(100);
  }
  const times = new Map<string, number[]>();
  for (const { at, packet } of host.responses()) {
    for (const { type } of [...packet.answers, ...packet.additionals]) {
      times.set(type, [...times.get(type) ?? [], at]);
    }
  }
  assert.deepEqual([...times.keys()].sort(), ["A", "AAAA", "PTR", "SRV", "TXT"]);
  for (const at of times.values()) {
    assert.ok(at.length >= 4 && at.length <= 6, `${at}`);
    at.slice(1).forEach((time, i) => assert.ok(time - at[i]! >= 1_000));
  }
});

Deno.test("MdnsCore does not repeat what another host has just answered", async () => {
  const { wire, host } = await settledHost();
  await wire.ask(META, "PTR");
  const record = { type: "PTR", name: META, ttl: 4_500, flush: false, data: SERVICE } as const;
  await wire.hear({ type: "response", answers: [record] });
  await wire.run(SECOND);
  assert.equal(host.responses().length, 0);
});

Deno.test("MdnsCore stays calm when somebody else probes for or announces its names", async () => {
  const { wire, host } = await settledHost();
  const record = {
    type: "SRV",
    name: host.instance,
    ttl: 120,
    flush: true,
    data: { priority: 0, weight: 0, port: 9, target: hostName(host.id) },
  } as const;
  const address = { type: "A", name: hostName(host.id), ttl: 120, flush: true, data: "10.0.0.99" };
  await wire.hear({
    type: "query",
    questions: [{ name: host.instance, type: "ANY" }],
    authorities: [record],
  });
  await wire.hear({ type: "response", answers: [record, address as DnsRecord] });
  await wire.run(2 * SECOND);
  assert.deepEqual(host.responses(), []);
  assert.deepEqual(host.events, []);
  assert.equal(host.core.cached, 0);
});

Deno.test("MdnsCore ignores what does not come from the mDNS port, and other operations", async () => {
  const { wire, host } = await settledHost();
  const query = await encode({
    type: "query",
    questions: [{ name: host.instance, type: "SRV" }],
  });
  host.core.receive(wire.now, decode(query), { address: "10.0.9.9", port: 40_000 });
  const status = query.slice();
  status[2] = 0x10; // operation 2, STATUS
  wire.deliver(status, "10.0.9.9");
  const refused = query.slice();
  refused[3] = 0x05; // response code REFUSED
  wire.deliver(refused, "10.0.9.9");
  const response = await encode({
    type: "response",
    answers: announcementOf(5),
  });
  host.core.receive(wire.now, decode(response), { address: "10.0.9.9", port: 40_000 });
  await wire.settle();
  assert.equal(host.responses().length, 0);
  assert.deepEqual(host.events, []);
});

// -- asking ---------------------------------------------------------------------------------------

Deno.test("MdnsCore asks for instances after 1, 2, 4 … 60 seconds, and soon when told to", async () => {
  const wire = new Wire();
  const host = wire.add();
  await wire.run(4 * MINUTE);
  const times = host.queries("PTR").map(({ at }) => at);
  assert.ok(times[0]! >= 20 && times[0]! <= 120);
  const pauses = times.slice(1).map((at, i) => at - times[i]!);
  assert.deepEqual(pauses, [1, 2, 4, 8, 16, 32, 60, 60].map((seconds) => seconds * SECOND));

  host.sent.length = 0;
  const told = wire.now;
  host.core.search(wire.now);
  await wire.run(10 * SECOND);
  const again = host.queries("PTR").map(({ at }) => at);
  assert.ok(again[0]! >= told + 20 && again[0]! <= told + 120);
  assert.deepEqual(again.slice(1).map((at, i) => at - again[i]!), [1_000, 2_000, 4_000]);
});

Deno.test("MdnsCore does not ask more than once a second, however often it is told to", async () => {
  const { wire, host } = await settledHost();
  for (let i = 0; i < 100; i++) {
    host.core.search(wire.now);
    await wire.run(100);
  }
  const times = host.queries("PTR").map(({ at }) => at);
  assert.ok(times.length <= 11, `${times.length}`);
  times.slice(1).forEach((at, i) => assert.ok(at - times[i]! >= 1_000));
});

Deno.test("MdnsCore lists what it knows when it asks, its own record first", async () => {
  const { wire, host } = await settledHost();
  await wire.hear({ type: "response", answers: announcementOf(5) });
  host.core.search(wire.now);
  await wire.run(SECOND);
  const [query] = host.queries("PTR");
  assert.deepEqual(query?.packet.answers.map(({ data }) => data), [
    host.instance,
    `other5.${SERVICE}`,
  ]);
  await wire.run(2_251 * SECOND);
  host.sent.length = 0;
  host.core.search(wire.now);
  await wire.run(100);
  const later = host.queries("PTR").flatMap(({ packet }) => packet.answers);
  assert.deepEqual(
    later.map(({ data }) => data),
    [host.instance],
    "known for less than half is not",
  );
});

Deno.test("MdnsCore spreads many known answers over several packets", async () => {
  const { wire, host } = await settledHost();
  for (let i = 0; i < 100; i++) {
    await wire.hear({ type: "response", answers: announcementOf(i + 10) });
  }
  await wire.run(2 * SECOND);
  host.sent.length = 0;
  host.core.search(wire.now);
  await wire.run(200);
  const packets = host.sent.map(({ packet }) => packet);
  assert.ok(packets.length > 3);
  for (const packet of packets) assert.ok((await encode(packet)).length <= MAX_PACKET_BYTES);
  assert.deepEqual(packets.map(({ questions }) => questions.length > 0), [
    true,
    ...packets.slice(1).map(() => false),
  ]);
  assert.deepEqual(packets.map(({ truncated }) => truncated), [
    ...packets.slice(1).map(() => true),
    false,
  ]);
  assert.equal(packets.flatMap(({ answers }) => answers).length, 101);
  assert.equal(host.responses().length, 0, "it knows its own record from the first packet");
});

Deno.test("MdnsCore asks for what is missing of an instance", async () => {
  const { wire, host } = await settledHost();
  const [pointer, location, text, ...addresses] = announcementOf(5);
  const questions = () =>
    host.queries().flatMap(({ packet }) => packet.questions)
      .filter(({ type }) => type !== "PTR").map(({ type, name }) => `${type} ${name}`);

  await wire.hear({ type: "response", answers: [pointer!] });
  await wire.run(200);
  assert.deepEqual(questions(), [`TXT other5.${SERVICE}`, `SRV other5.${SERVICE}`]);
  host.sent.length = 0;
  await wire.hear({ type: "response", answers: [text!] });
  await wire.run(7 * SECOND);
  assert.deepEqual([...new Set(questions())], [`SRV other5.${SERVICE}`]);
  assert.ok(questions().length <= 4, "ever more rarely");
  host.sent.length = 0;
  await wire.hear({ type: "response", answers: [location!] });
  await wire.run(2 * SECOND);
  assert.deepEqual([...new Set(questions())], ["A host5.local", "AAAA host5.local"]);
  assert.deepEqual(host.found, []);
  host.sent.length = 0;
  await wire.hear({ type: "response", answers: addresses });
  await wire.run(MINUTE);
  assert.deepEqual(host.found, ["10.1.0.5:2254"]);
  assert.deepEqual(questions(), []);
});

// -- finding --------------------------------------------------------------------------------------

Deno.test("MdnsCore and another one find each other, and notice a goodbye within a second", async () => {
  const wire = new Wire();
  const one = wire.add({ addresses: ["10.0.0.1", "fd77::1"] });
  const two = wire.add({ port: 2300 });
  await wire.run(3 * SECOND);
  assert.deepEqual(one.events, [{ kind: "found", address: "10.0.0.2:2300", id: two.id }]);
  assert.deepEqual(two.found, ["10.0.0.1:2254", "[fd77::1]:2254"]);
  assert.ok(two.events.every(({ id }) => id === one.id));
  one.core.goodbye();
  await wire.run(999);
  assert.deepEqual(two.found, ["10.0.0.1:2254", "[fd77::1]:2254"]);
  await wire.run(1);
  await wire.settle();
  assert.deepEqual(two.found, []);
});

Deno.test("MdnsCore finds a node that was there before, by asking", async () => {
  const wire = new Wire();
  const old = wire.add();
  await wire.run(5 * MINUTE);
  const young = wire.add();
  await wire.run(300);
  assert.deepEqual(young.found, [`${old.address}:2254`]);
  await wire.run(3 * SECOND);
  assert.deepEqual(old.found, [`${young.address}:2254`]);
});

Deno.test("MdnsCore keeps what it has found for hours, and asks little", async () => {
  const wire = new Wire();
  const hosts = [wire.add(), wire.add(), wire.add()];
  await wire.run(10 * SECOND);
  for (const host of hosts) {
    host.events.length = 0;
    host.sent.length = 0;
  }
  await wire.run(120 * MINUTE);
  for (const { events, sent } of hosts) {
    assert.deepEqual(events, []);
    // One question a minute, and refreshes of short-lived records about every 96 seconds.
    assert.ok(sent.length < 4 * 120, `${sent.length} packets in two hours`);
  }
});

Deno.test("MdnsCore asks again at 80, 85, 90 and 95 percent of the TTL, then gives up", async () => {
  const { wire, host } = await settledHost();
  await wire.hear({ type: "response", answers: announcementOf(5) });
  const start = wire.now;
  await wire.run(117 * SECOND);
  const times = host.queries("SRV").map(({ at }) => (at - start) / (120 * SECOND) * 100);
  assert.equal(times.length, 4);
  [80, 85, 90, 95].forEach((percent, i) => {
    assert.ok(times[i]! >= percent - 1 && times[i]! <= percent + 2, `${times}`);
  });
  assert.ok(host.queries("A").length === 4, "addresses are refreshed too");
  assert.deepEqual(host.found, ["10.1.0.5:2254"]);
  await wire.run(3 * SECOND + 1);
  assert.deepEqual(host.found, [], "nobody has answered");
  assert.equal(host.queries("TXT").length, 0, "its text is still good");
});

Deno.test("MdnsCore loses a node that has vanished without a word after 120 seconds", async () => {
  const wire = new Wire();
  const one = wire.add();
  const two = wire.add();
  await wire.run(5 * SECOND);
  two.silent = true;
  await wire.run(110 * SECOND);
  assert.deepEqual(one.found, ["10.0.0.2:2254"]);
  await wire.run(20 * SECOND);
  assert.deepEqual(one.found, []);
  two.silent = false;
  await wire.run(70 * SECOND);
  assert.deepEqual(one.found, ["10.0.0.2:2254"], "and finds it again");
});

Deno.test("MdnsCore replaces the addresses of a host that has moved", async () => {
  const wire = new Wire();
  const one = wire.add();
  const two = wire.add({ addresses: ["10.0.0.2", "10.0.0.22"] });
  await wire.run(5 * SECOND);
  two.core.setAddresses(wire.now, ["10.0.0.33"]);
  await wire.run(2 * SECOND);
  assert.deepEqual(one.found, ["10.0.0.33:2254"]);
});

Deno.test("MdnsCore lets a flushed record go, even without a goodbye", async () => {
  const { wire, host } = await settledHost();
  await wire.hear({ type: "response", answers: announcementOf(5, { addresses: ["10.1.0.5"] }) });
  await wire.run(2 * SECOND);
  await wire.hear({
    type: "response",
    answers: announcementOf(5, { addresses: ["10.1.0.6"], port: 7 }),
  });
  await wire.settle();
  assert.ok(host.found.includes("10.1.0.6:7"));
  await wire.run(SECOND);
  await wire.settle();
  assert.deepEqual(host.found, ["10.1.0.6:7"]);
});

Deno.test("MdnsCore takes records that come in several packets for one announcement", async () => {
  const { wire, host } = await settledHost();
  await wire.hear({ type: "response", answers: announcementOf(5, { addresses: ["10.1.0.5"] }) });
  await wire.run(900);
  await wire.hear({ type: "response", answers: announcementOf(5, { addresses: ["10.1.0.6"] }) });
  await wire.run(5 * SECOND);
  assert.deepEqual(host.found, ["10.1.0.5:2254", "10.1.0.6:2254"]);
});

Deno.test("MdnsCore lets a goodbye concern the records that it names, and no others", async () => {
  const { wire, host } = await settledHost();
  const answers = announcementOf(5, { addresses: ["10.1.0.5", "10.1.0.6"] });
  await wire.hear({ type: "response", answers });
  await wire.run(5 * SECOND);
  const goodbye = answers.filter(({ data }) => data === "10.1.0.5")
    .map((record) => ({ ...record, ttl: 0 }));
  await wire.hear({ type: "response", answers: goodbye });
  await wire.run(2 * SECOND);
  assert.deepEqual(host.found, ["10.1.0.6:2254"]);
  const unknown = announcementOf(7).map((record) => ({ ...record, ttl: 0 }));
  const before = host.events.length;
  await wire.hear({ type: "response", answers: unknown });
  await wire.run(2 * SECOND);
  assert.equal(host.events.length, before);
});

Deno.test("MdnsCore does not ask again for records that hold for seconds only", async () => {
  const { wire, host } = await settledHost();
  const answers = announcementOf(5).map((record) => ({ ...record, ttl: 9 }));
  await wire.hear({ type: "response", answers });
  await wire.run(9 * SECOND - 1);
  assert.deepEqual(host.found, ["10.1.0.5:2254"]);
  assert.deepEqual(host.queries("SRV"), []);
});

Deno.test("MdnsCore does not ask again at the same moment as all others do", async () => {
  const wire = new Wire();
  const hosts = Array.from({ length: 10 }, () => wire.add());
  await wire.run(10 * SECOND);
  await wire.hear({ type: "response", answers: announcementOf(50) });
  const isAbout50 = ({ packet }: Sent) =>
    packet.questions.some(({ name }) => /^host50\./.test(name));
  await wire.run(100 * SECOND);
  const times = hosts.flatMap(({ sent }) => sent.filter(isAbout50).map(({ at }) => at));
  assert.equal(times.length, 10);
  assert.ok(Math.max(...times) - Math.min(...times) > 500, "spread over up to 2.4 seconds");
});

Deno.test("MdnsCore skips strangers, and does not ask them anything", async () => {
  const wire = new Wire();
  const one = wire.add();
  const stranger = wire.add({ clusterHash: STRANGERS });
  await wire.run(10 * MINUTE);
  for (const { events, queries } of [one, stranger]) {
    assert.deepEqual(events, []);
    assert.deepEqual(queries.call(one, "SRV"), []);
    assert.deepEqual(queries.call(one, "A"), []);
  }
});

Deno.test("MdnsCore finds nodes with another cluster key: one of the two may be the next one", async () => {
  const wire = new Wire();
  const one = wire.add();
  wire.add({ keyId: new Uint8Array(8).fill(1) });
  await wire.run(3 * SECOND);
  assert.deepEqual(one.found, ["10.0.0.2:2254"]);
});

Deno.test("MdnsCore never finds itself, nor answers its own questions", async () => {
  const wire = new Wire();
  const host = wire.add();
  await wire.run(10 * SECOND);
  host.sent.length = 0;
  await wire.hear({ type: "response", answers: announcementOf(5, { id: host.id }) });
  await wire.run(30 * MINUTE);
  assert.deepEqual(host.events, []);
  assert.deepEqual(host.responses(), []);
  assert.ok(host.queries("PTR").length >= 30);
});

Deno.test("MdnsCore offers only addresses that can be dialled", async () => {
  const { wire, host } = await settledHost();
  const addresses = ["127.0.0.1", "0.0.0.0", "169.254.1.1", "224.0.0.251", "fe80::1", "::1"];
  await wire.hear({ type: "response", answers: announcementOf(5, { addresses }) });
  await wire.hear({
    type: "response",
    answers: announcementOf(6, { addresses: ["10.1.0.6"], port: 0 }),
  });
  await wire.hear({ type: "response", answers: announcementOf(7, { addresses: ["fd77::7"] }) });
  await wire.run(SECOND);
  assert.deepEqual(host.found, ["[fd77::7]:2254"]);
});

Deno.test("dialableAddress() refuses what no other host has, and normalises the rest", () => {
  for (const text of ["192.168.1.20", "10.0.0.1", "fd77::10", "2001:db8::1"]) {
    assert.equal(dialableAddress(text), text);
  }
  assert.equal(dialableAddress("FD77:0:0:0:0:0:0:10"), "fd77::10");
  const refused = [
    "",
    "x",
    "1.2.3",
    "1.2.3.256",
    "0.1.2.3",
    "127.1.2.3",
    "169.254.0.1",
    "239.0.0.1",
  ];
  refused.push(
    "255.255.255.255",
    "::",
    "::1",
    "::ffff:10.0.0.1",
    "::ffff:a00:1",
    "fe80::1",
    "ff02::fb",
  );
  refused.push(
    "febf::1",
    "fd77::10%eth0",
    "fd77:::1",
    "1::2::3",
    "undefined.1.2.3",
    "fd77::1]/@x[::",
  );
  for (const text of refused) assert.equal(dialableAddress(text), undefined, text);
});

// -- limits ---------------------------------------------------------------------------------------

Deno.test("MdnsCore keeps a bounded number of records and hints, whatever is announced", async () => {
  const { wire, host } = await settledHost();
  for (let i = 0; i < 1_000; i++) {
    const addresses = Array.from({ length: 20 }, (_, k) => `10.${k + 1}.${i >> 8}.${i & 255}`);
    await wire.hear({ type: "response", answers: announcementOf(i + 100, { addresses }) });
  }
  await wire.settle();
  assert.ok(host.core.cached <= MAX_CACHED_RECORDS);
  assert.ok(host.found.length > 100 && host.found.length <= MAX_OFFERS, `${host.found.length}`);
  host.sent.length = 0;
  await wire.run(MINUTE);
  assert.ok(host.sent.length < 400, `${host.sent.length} packets in a minute`);
  await wire.run(180 * MINUTE);
  assert.equal(host.core.cached, 0, "all of it is forgotten in time");
});

Deno.test("MdnsCore asks little of instances that do not exist", async () => {
  const { wire, host } = await settledHost();
  const pointers = Array.from({ length: 400 }, (_, i) => announcementOf(i + 100)[0]!);
  for (let at = 0; at < 400; at += 50) {
    await wire.hear({ type: "response", answers: pointers.slice(at, at + 50) });
  }
  await wire.run(10 * MINUTE);
  const names = new Set(
    host.queries("SRV").flatMap(({ packet }) => packet.questions)
      .map(({ name }) => name),
  );
  assert.equal(names.size, 256, "all that are kept have their turn");
  assert.ok(host.queries().length < 200, `${host.queries().length} packets`);
});

Deno.test("MdnsCore does not believe in records for longer than 75 minutes", async () => {
  const { wire, host } = await settledHost();
  const answers = announcementOf(5).map((record) => ({ ...record, ttl: 2 ** 31 }));
  await wire.hear({ type: "response", answers });
  await wire.run(74 * MINUTE);
  assert.deepEqual(host.found, ["10.1.0.5:2254"]);
  await wire.run(2 * MINUTE);
  assert.deepEqual(host.found, []);
});

Deno.test("MdnsCore does not repeat names that the codec could not encode again", async () => {
  const { wire, host } = await settledHost();
  const names = ["a..b", ".a", "a.", `${"x".repeat(64)}`, `${"\ufffd".repeat(22)}`, ""];
  for (const name of names) {
    const record = { type: "PTR", name: SERVICE, ttl: 100, class: IN, data: `${name}.${SERVICE}` };
    const decoded = { type: "response", answers: [record] };
    host.core.receive(wire.now, decoded, { address: "10.0.9.9", port: 5353 });
  }
  assert.equal(host.core.cached, 0);
});

// -- fuzz -----------------------------------------------------------------------------------------

/** Any value that a decoder could give, and some that none would. */
function anyValue(random: SeededRandom, depth = 0): unknown {
  const names = [SERVICE, META, `x.${SERVICE}`, "h.local", "", ".", "a".repeat(300), "\u0000"];
  const id = idOf(below(random, 4));
  const pick = below(random, depth > 3 ? 9 : 12);
  if (pick === 0) return undefined;
  if (pick === 1) return null;
  if (pick === 2) return [NaN, -1, 0, 120, 2 ** 32, 0.5, Infinity][below(random, 7)];
  if (pick === 3) return ["query", "response", "PTR", "SRV", "TXT", "A", "ANY"][below(random, 7)];
  if (pick <= 5) return names[below(random, names.length)];
  if (pick === 6) return new TextEncoder().encode(`id=${id}`);
  if (pick === 7) return instanceName("host1", id);
  if (pick === 8) return ["IN", "ANY", "UNKNOWN_32769", true][below(random, 4)];
  if (pick === 9) {
    return Array.from({ length: below(random, 5) }, () => anyValue(random, depth + 1));
  }
  const keys = ["type", "name", "data", "ttl", "flush", "class", "questions", "answers", "target"];
  keys.push("additionals", "authorities", "port", "priority", "weight", "flag_tc", "opcode");
  const entries = keys.filter(() => below(random, 2) === 0)
    .map((key) => [key, anyValue(random, depth + 1)]);
  return Object.fromEntries(entries);
}

/** A packet with the right frame and anything in it. */
function anyPacket(random: SeededRandom): unknown {
  const records = () =>
    Array.from({ length: below(random, 6) }, () => {
      const record = announcementOf(below(random, 300))[below(random, 4)]!;
      return below(random, 2) === 0
        ? { ...record, class: IN }
        : { ...record, class: IN, [Object.keys(record)[below(random, 5)]!]: anyValue(random) };
    });
  return {
    type: below(random, 2) === 0 ? "query" : "response",
    flag_tc: below(random, 4) === 0,
    questions: Array.from({ length: below(random, 4) }, () => anyValue(random)),
    answers: records(),
    authorities: records(),
    additionals: records(),
  };
}

Deno.test("MdnsCore takes any values as a packet without throwing, in bounded memory", async () => {
  for (let seed = 1; seed <= 6; seed++) {
    const random = new SeededRandom(seed);
    const { wire, host } = await settledHost();
    for (let i = 0; i < 500; i++) {
      const packet = below(random, 3) === 0 ? anyValue(random) : anyPacket(random);
      host.core.receive(wire.now, packet, { address: `10.0.9.${i & 255}`, port: 5353 });
      await wire.run(below(random, 2_000));
      assert.ok(host.core.cached <= MAX_CACHED_RECORDS);
    }
    assert.ok(host.sent.length < 20_000, `seed ${seed}: ${host.sent.length} packets`);
  }
});

Deno.test("MdnsCore takes mutated and truncated packets without throwing", async () => {
  const wire = new Wire();
  const host = wire.add();
  wire.add();
  await wire.run(3 * SECOND);
  const packets: SomePacket[] = wire.hosts.flatMap(({ sent }) => sent.map(({ packet }) => packet));
  const answers = announcementOf(5, { addresses: ["10.0.0.1", "fd77::1"] });
  const good: Uint8Array[] = [];
  for (const packet of [...packets, { type: "response", answers } as const]) {
    good.push(await encode(packet));
  }
  for (const bytes of good) {
    for (let length = 0; length < bytes.length; length++) {
      wire.deliver(bytes.slice(0, length), "10.0.9.9");
    }
  }
  for (let seed = 1; seed <= 2_000; seed++) {
    const random = new SeededRandom(seed);
    const bytes = good[below(random, good.length)]!.slice();
    const changes = 1 + below(random, 8);
    for (let i = 0; i < changes; i++) bytes[below(random, bytes.length)] = below(random, 256);
    wire.deliver(bytes, "10.0.9.9");
    await wire.run(below(random, 100));
  }
  assert.ok(host.core.cached <= MAX_CACHED_RECORDS);
});

Deno.test("MdnsCore takes random bytes without throwing", async () => {
  const { wire } = await settledHost();
  for (let seed = 1; seed <= 1_000; seed++) {
    const random = new SeededRandom(seed);
    const bytes = Uint8Array.from({ length: below(random, 600) }, () => below(random, 256));
    wire.deliver(bytes, "10.0.9.9");
  }
});

// -- links ----------------------------------------------------------------------------------------

function interfaceOf(name: string, cidr: string): Deno.NetworkInterfaceInfo {
  const [address = "", bits = ""] = cidr.split("/");
  const family = address.includes(":") ? "IPv6" : "IPv4";
  const netmask = family === "IPv6"
    ? (bits === "64" ? "ffff:ffff:ffff:ffff::" : "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")
    : { "8": "255.0.0.0", "16": "255.255.0.0", "24": "255.255.255.0" }[bits] ?? "255.255.255.255";
  return { name, address, netmask, family, cidr, scopeid: null, mac: "00:00:00:00:00:00" };
}

const INTERFACES = [
  interfaceOf("lo", "127.0.0.1/8"),
  interfaceOf("lo", "::1/128"),
  interfaceOf("eth0", "192.168.1.20/24"),
  interfaceOf("eth0", "fd77::20/64"),
  interfaceOf("eth0", "fe80::20/64"),
  interfaceOf("wlan0", "192.168.1.21/24"),
  interfaceOf("eth1", "10.0.0.5/8"),
  interfaceOf("eth1", "fe80::5/64"),
  interfaceOf("docker0", "172.17.0.1/16"),
  interfaceOf("veth12ab", "172.18.0.1/16"),
];

Deno.test("linksOf() gives the interfaces on which the cluster port can be reached", () => {
  const links = linksOf(INTERFACES, "::");
  assert.deepEqual(
    links.map(({ name, addresses, ipv4, ipv6 }) => ({ name, addresses, ipv4, ipv6 })),
    [
      {
        name: "eth0",
        addresses: ["192.168.1.20", "fd77::20", "192.168.1.21"],
        ipv4: "192.168.1.20",
        ipv6: true,
      },
      {
        name: "wlan0",
        addresses: ["192.168.1.20", "192.168.1.21"],
        ipv4: "192.168.1.21",
        ipv6: false,
      },
      { name: "eth1", addresses: ["10.0.0.5"], ipv4: "10.0.0.5", ipv6: false },
    ],
  );
  assert.deepEqual(linksOf(INTERFACES, "0.0.0.0").map(({ ipv6 }) => ipv6), [false, false, false]);
  const [only, ...others] = linksOf(INTERFACES, "10.0.0.5");
  assert.deepEqual([only?.name, only?.addresses, others], ["eth1", ["10.0.0.5"], []]);
  for (const host of ["127.0.0.1", "::1", "localhost"]) {
    assert.deepEqual(linksOf(INTERFACES, host), []);
  }
});

Deno.test("isReplaced() tells another interface of the same name", () => {
  const [before] = linksOf(INTERFACES, "10.0.0.5");
  assert.ok(before);
  const after = { ...before, index: 7 };
  assert.equal(isReplaced(after, after), false);
  assert.equal(isReplaced({ ...before, index: 6 }, after), true);
  assert.equal(
    isReplaced({ ...before, index: undefined }, after),
    false,
    "not known is not another",
  );
  const withIndex = INTERFACES.map((info) =>
    /^fe80/.test(info.address) ? { ...info, scopeid: 3 } : info
  );
  assert.deepEqual(linksOf(withIndex, "::").map(({ index }) => index), [3, undefined, 3]);
});

Deno.test("linksFrom() tells by its source on which links a packet may have come", () => {
  const links = linksOf(INTERFACES, "::");
  const namesFrom = (source: string) => linksFrom(links, source).map(({ name }) => name);
  assert.deepEqual(namesFrom("192.168.1.77"), ["eth0", "wlan0"]);
  assert.deepEqual(namesFrom("192.168.1.21"), ["wlan0"], "its own address names the interface");
  assert.deepEqual(namesFrom("10.200.0.1"), ["eth1"]);
  assert.deepEqual(namesFrom("fd77::99"), ["eth0"]);
  assert.deepEqual(namesFrom("fe80::99"), ["eth0", "eth1"]);
  assert.deepEqual(namesFrom("fe80::5%eth1"), ["eth1"]);
  assert.deepEqual(namesFrom("::ffff:10.200.0.1"), ["eth1"]);
  for (const source of ["8.8.8.8", "172.17.0.9", "fd78::1", "", "x", "10.0.0"]) {
    assert.deepEqual(namesFrom(source), [], source);
  }
});

Deno.test("Offers tells once what several links have found", () => {
  const offers = new Offers();
  const found = { kind: "found", address: "10.0.0.1:2254", id: idOf(1) } as const;
  const lost = { ...found, kind: "lost" } as const;
  assert.deepEqual(offers.apply("eth0", found), found);
  assert.equal(offers.apply("wlan0", found), undefined);
  assert.equal(offers.apply("eth0", lost), undefined);
  assert.equal(offers.apply("eth0", lost), undefined);
  assert.deepEqual(offers.dropLink("eth0"), []);
  assert.deepEqual(offers.dropLink("wlan0"), [lost]);
  assert.deepEqual(offers.dropLink("wlan0"), []);
});
