/**
 * The membership core alone, as the cluster grows: what each node sends and computes while nothing
 * happens, and how long until a crash is known to all. Every core holds the whole table, which at
 * 5000 nodes takes some 8 GB here. Virtual time; only the CPU's share is this machine's.
 *
 *     deno run -A --v8-flags=--max-old-space-size=16000 bench/cluster/membership_scale.ts [SIZE...]
 */

import { ByteWriter } from "../../cluster/bytes.ts";
import { type NodeId, nodeIdOfBytes } from "../../cluster/ids.ts";
import { LAN } from "../../cluster/membership/config.ts";
import { type ListEntry, Membership } from "../../cluster/membership/core.ts";
import { isLiving } from "../../cluster/membership/members.ts";
import { decodeMessage, encodeMessage } from "../../cluster/membership/messages.ts";
import { SECOND, World } from "../../cluster/simulation/world.ts";
import { between, type Random } from "../../cluster/random.ts";
import { DATAGRAM_OVERHEAD_BYTES } from "../../cluster/transport/datagrams.ts";
import { machine, percentile, report, reportTable } from "../support.ts";

const SIZES = [50, 500, 5_000];
/** Node-seconds of quiet that are measured at each size. */
const QUIET_NODE_SECONDS = 20_000;
const LATENCY_US: readonly [number, number] = [200, 1_700];
/** IPv4 and UDP headers, and the number of the channel. */
const PACKET_BYTES = 28 + DATAGRAM_OVERHEAD_BYTES + 1;

class Cores {
  readonly world = new World(1);
  readonly ids: NodeId[] = [];
  readonly cores: Membership[] = [];
  bytesSent = 0;
  /** Milliseconds of virtual time at which each came to know of the crash. */
  readonly knownAt: number[] = [];
  /** Who has crashed. */
  #crashed: NodeId | undefined;
  readonly #indexOf = new Map<NodeId, number>();
  readonly #wakeAt: number[] = [];
  readonly #writer = new ByteWriter();
  readonly #latency: Random;

  constructor(readonly size: number) {
    const dice = this.world.random.fork("ids");
    this.#latency = this.world.random.fork("latency");
    const everybody: ListEntry[] = [];
    for (let index = 0; index < size; index++) {
      const id = nodeIdOfBytes(Uint8Array.from({ length: 16 }, () => dice.u32() & 0xff));
      this.ids.push(id);
      this.#indexOf.set(id, index);
      everybody.push({ id, incarnation: 0, state: "alive", ageMs: 0 });
    }
    for (const [index, self] of this.ids.entries()) {
      const core = new Membership({
        self,
        config: { ...LAN, maxMembers: size + 1 },
        random: this.world.random.fork(`core ${index}`),
        now: 0,
        wallMs: () => this.world.nowMs,
      });
      core.merge(0, everybody);
      for (const id of this.ids) if (id !== self) core.reachable(0, id);
      core.takeChanges();
      this.cores.push(core);
      this.#wakeAt.push(Infinity);
      this.#settle(index);
    }
  }

  crash(): void {
    this.#crashed = this.ids[0]!;
  }

  /** Does what a core wants done and arms its next tick. */
  #settle(index: number): void {
    const core = this.cores[index]!;
    for (const { to, via, message } of core.takeOutgoing()) {
      if (via === "datagram") {
        this.#writer.reset();
        encodeMessage(this.#writer, message);
        this.#send(index, this.#indexOf.get(to)!, this.#writer.bytes.slice());
      }
    }
    for (const { id, state } of core.takeChanges()) {
      if (id === this.#crashed && !isLiving(state)) this.knownAt.push(this.world.nowMs);
    }
    const at = this.world.dueAt(core.deadline());
    if (at >= this.#wakeAt[index]!) return;
    this.#wakeAt[index] = at;
    this.world.at(at, () => {
      if (this.#wakeAt[index] !== at || this.ids[index] === this.#crashed) return;
      this.#wakeAt[index] = Infinity;
      core.tick(this.world.nowMs);
      this.#settle(index);
    });
  }

  #send(from: number, to: number, bytes: Uint8Array): void {
    this.bytesSent += bytes.length + PACKET_BYTES;
    this.world.after(between(this.#latency, ...LATENCY_US), () => {
      if (this.ids[to] === this.#crashed) return;
      this.cores[to]!.receive(this.world.nowMs, this.ids[from]!, decodeMessage(bytes), "datagram");
      this.#settle(to);
    });
  }
}

function measure(size: number): string[] {
  const built = performance.now();
  const cores = new Cores(size);
  report(`${size} cores built in ${Math.round((performance.now() - built) / 1000)} s`);
  cores.world.pass(2 * SECOND);
  cores.bytesSent = 0;
  const seconds = Math.max(2, Math.round(QUIET_NODE_SECONDS / size));
  const started = performance.now();
  cores.world.pass(seconds * SECOND);
  const cpuUs = (performance.now() - started) * 1000 / (size * seconds);
  const idle = cores.bytesSent / (size * seconds);
  const crashedAt = cores.world.nowMs;
  cores.bytesSent = 0;
  cores.crash();
  const all = cores.world.pass(30 * SECOND, () => cores.knownAt.length === size - 1);
  const tookS = (cores.world.nowMs - crashedAt) / 1000;
  const news = cores.bytesSent / (size - 1) - idle * tookS;
  const known = cores.knownAt.map((at) => at - crashedAt);
  return [
    String(size),
    `${Math.round(idle)} B/s`,
    `${Math.round(idle * size / 1000)} kB/s`,
    `${cpuUs.toFixed(0)} µs/s`,
    `${Math.round(percentile(known, 0.5))} ms`,
    all ? `${Math.round(Math.max(...known))} ms` : "not all",
    `${Math.round(news)} B`,
  ];
}

if (import.meta.main) {
  const sizes = Deno.args.length > 0 ? Deno.args.map(Number) : SIZES;
  report(machine());
  const rows = [[
    ...["nodes", "sent by each", "by all", "CPU of each", "crash known p50", "by all"],
    "news sent by each",
  ]];
  for (const size of sizes) rows.push(measure(size));
  reportTable(rows);
}
