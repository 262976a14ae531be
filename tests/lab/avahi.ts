/**
 * avahi on a host of the lab: a D-Bus and an avahi-daemon of its own, which share nothing with those of
 * this machine. Both find each other by files in /run, so they get a /run of their own: a mount
 * namespace that lives as long as the D-Bus daemon. Processes are ended by their ID, and with the last
 * of them the namespace goes.
 */

import type { TestProcess } from "../support/process.ts";
import { waitFor } from "../support/wait.ts";
import type { Lab } from "./lab.ts";

/** What the first process in the new mount namespace does before it becomes the D-Bus daemon. */
const SET_UP = `
set -e
mount -t tmpfs tmpfs /run
mkdir -p /run/dbus /run/avahi-daemon
chown avahi:avahi /run/avahi-daemon
cat > /run/avahi.conf <<END
[server]
host-name=$1
use-ipv4=yes
use-ipv6=yes
allow-interfaces=eth0
[publish]
publish-workstation=no
END
exec dbus-daemon --system --nofork --nopidfile
`;

export class Avahi implements AsyncDisposable {
  readonly #host: number;
  readonly #lab: Lab;
  readonly #dbus: TestProcess;
  #daemon: TestProcess | undefined;

  private constructor(lab: Lab, host: number) {
    this.#lab = lab;
    this.#host = host;
    const isolated = ["unshare", "--mount", "--propagation", "private"];
    const name = `dbus-daemon on host ${host}`;
    this.#dbus = lab.start(host, name, ...isolated, "sh", "-c", SET_UP, "sh", this.hostName);
  }

  /** Starts both on a host; settled when avahi has claimed its name there. */
  static async start(lab: Lab, host: number): Promise<Avahi> {
    const avahi = new Avahi(lab, host);
    try {
      await avahi.#startDaemon();
    } catch (error) {
      await avahi[Symbol.asyncDispose]();
      throw error;
    }
    return avahi;
  }

  async #startDaemon(): Promise<void> {
    const bus = `/proc/${this.#dbus.pid}/root/run/dbus/system_bus_socket`;
    await waitFor("the D-Bus daemon listens", () => exists(bus));
    const options = ["-f", "/run/avahi.conf", "--no-drop-root", "--no-rlimits", "--no-chroot"];
    this.#daemon = this.run("avahi-daemon", ...options);
    await this.#daemon.says(/Server startup complete/);
  }

  /** Its name on the network, without ".local". */
  get hostName(): string {
    return `avahi${this.#host}`;
  }

  /** Starts a command that can talk to this avahi. */
  run(...command: readonly string[]): TestProcess {
    const inside = ["nsenter", "--mount", "--target", `${this.#dbus.pid}`];
    const name = `${command[0]} on host ${this.#host}`;
    return this.#lab.start(this.#host, name, ...inside, ...command);
  }

  /** Runs a command that ends by itself, and gives its output. */
  async exec(...command: readonly string[]): Promise<string> {
    await using process = this.run(...command);
    const { code, stdout, stderr } = await process.ended;
    if (code !== 0) throw new Error(`${command.join(" ")} ended with ${code}: ${stderr}`);
    return stdout;
  }

  /** What avahi-browse finds and resolves of a service, one line each. */
  async browse(service: string): Promise<BrowsedService[]> {
    const output = await this.exec("avahi-browse", "-rpt", service);
    return output.split("\n").filter((line) => line.startsWith("=")).map(readLine);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#daemon?.[Symbol.asyncDispose]();
    await this.#dbus[Symbol.asyncDispose]();
  }
}

/** One line of `avahi-browse -rp`. */
export interface BrowsedService {
  readonly family: string;
  readonly instance: string;
  readonly host: string;
  readonly address: string;
  readonly port: number;
  readonly texts: readonly string[];
}

function readLine(line: string): BrowsedService {
  const [, , family = "", instance = "", , , host = "", address = "", port = "", ...rest] = line
    .split(";");
  const texts = [...rest.join(";").matchAll(/"([^"]*)"/g)].map(([, text]) => text ?? "");
  return { family, instance, host, address, port: Number(port), texts };
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.lstat(path);
    return true;
  } catch {
    return false;
  }
}
