/**
 * Hosts on one machine: network namespaces on a bridge, with partitions, one-way cuts and loss. Needs
 * root, iproute2 and nftables. Everything is named after this process and is gone afterwards.
 */

import { TestProcess } from "../support/process.ts";

/** Where the hosts' addresses begin: host 0 is 10.77.0.10. */
const FIRST_HOST = 10;

export class Lab implements AsyncDisposable {
  static #count = 0;
  readonly #prefix: string;

  private constructor(readonly size: number) {
    this.#prefix = `tk${Deno.pid}x${Lab.#count++}`;
  }

  /** Makes `size` hosts, all on one network. */
  static async make(size: number): Promise<Lab> {
    const lab = new Lab(size);
    try {
      await lab.#build();
    } catch (error) {
      await lab[Symbol.asyncDispose]();
      throw error;
    }
    return lab;
  }

  async #build(): Promise<void> {
    const sw = this.#switch;
    await ip("netns", "add", sw);
    await ip("-n", sw, "link", "set", "lo", "up");
    await ip("-n", sw, "link", "add", "br0", "type", "bridge", "stp_state", "0");
    await ip("-n", sw, "link", "set", "br0", "up");
    for (let host = 0; host < this.size; host++) {
      const name = this.namespace(host);
      await ip("netns", "add", name);
      await ip("-n", name, "link", "set", "lo", "up");
      const port = `e${host}`;
      await run("ip", [
        ...["link", "add", port, "netns", sw, "type", "veth"],
        ...["peer", "name", "eth0", "netns", name],
      ]);
      await ip("-n", sw, "link", "set", port, "master", "br0", "up");
      await ip("-n", name, "addr", "add", `${this.address(host)}/24`, "dev", "eth0");
      await ip("-n", name, "addr", "add", `fd77::${FIRST_HOST + host}/64`, "dev", "eth0", "nodad");
      await ip("-n", name, "link", "set", "eth0", "up");
      await ip("-n", name, "route", "add", "224.0.0.0/4", "dev", "eth0");
    }
    await this.#nft("add", "table", "bridge", "lab");
    await this.#nft(
      ..."add chain bridge lab cuts { type filter hook forward priority 0 ; }".split(" "),
    );
  }

  get #switch(): string {
    return `${this.#prefix}sw`;
  }

  namespace(host: number): string {
    return `${this.#prefix}h${host}`;
  }

  address(host: number): string {
    return `10.77.0.${FIRST_HOST + host}`;
  }

  /** What to put before a command so that it runs on that host. */
  on(host: number): readonly string[] {
    return ["ip", "netns", "exec", this.namespace(host)];
  }

  /** Runs a command on a host and gives its output. */
  async exec(host: number, ...command: readonly string[]): Promise<string> {
    const [program, ...args] = [...this.on(host), ...command];
    return await run(program!, args);
  }

  start(host: number, name: string, ...command: readonly string[]): TestProcess {
    return new TestProcess(name, [...this.on(host), ...command]);
  }

  /** Nothing passes from host `from` to host `to`; the way back stays. */
  async cutOneWay(from: number, to: number): Promise<void> {
    await this.#rule(`iifname e${from} oifname e${to} drop`);
  }

  async partition(left: readonly number[], right: readonly number[]): Promise<void> {
    const set = (hosts: readonly number[]) => `{ ${hosts.map((host) => `e${host}`).join(", ")} }`;
    await this.#rule(`iifname ${set(left)} oifname ${set(right)} drop`);
    await this.#rule(`iifname ${set(right)} oifname ${set(left)} drop`);
  }

  /** That many packets of a hundred are lost on all ways. */
  async lose(percent: number): Promise<void> {
    await this.#rule(`numgen random mod 100 < ${percent} drop`);
  }

  /** Ends all cuts and losses. */
  async heal(): Promise<void> {
    await this.#nft("flush", "chain", "bridge", "lab", "cuts");
  }

  /** Pulls or plugs in a host's cable. */
  async cable(host: number, plugged: boolean): Promise<void> {
    await ip("-n", this.#switch, "link", "set", `e${host}`, plugged ? "up" : "down");
  }

  /** Slows what leaves a host to that many kilobits per second. False where the kernel cannot. */
  async slow(host: number, kbit: number): Promise<boolean> {
    const args = ["-n", this.namespace(host), "qdisc", "add", "dev", "eth0", "root", "tbf"];
    const shape = ["rate", `${kbit}kbit`, "burst", "16kb", "latency", "50ms"];
    const { success } = await new Deno.Command("tc", { args: [...args, ...shape], stderr: "null" })
      .output();
    return success;
  }

  async #rule(rule: string): Promise<void> {
    await this.#nft("add", "rule", "bridge", "lab", "cuts", ...rule.split(" "));
  }

  async #nft(...args: readonly string[]): Promise<void> {
    await run("ip", ["netns", "exec", this.#switch, "nft", args.join(" ")]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const names = [this.#switch];
    for (let host = 0; host < this.size; host++) names.push(this.namespace(host));
    for (const name of names) await ip("netns", "del", name).catch(() => {});
  }
}

async function ip(...args: readonly string[]): Promise<void> {
  await run("ip", args);
}

async function run(program: string, args: readonly string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(program, { args: [...args] }).output();
  const decoder = new TextDecoder();
  if (!success) throw new Error(`${program} ${args.join(" ")}: ${decoder.decode(stderr)}`);
  return decoder.decode(stdout);
}
