/**
 * The VM as a part of a node: programs in the background, and sessions for remote users. It asks
 * nothing of other nodes yet; that it is there, all members see.
 */

import type { ControlMethods, Json, Params } from "../cluster/control.ts";
import { Problem } from "../cluster/errors.ts";
import type { Log } from "../cluster/log.ts";
import { printable } from "../cluster/text.ts";
import type { Service, ServiceNode } from "../cluster/service.ts";
import type { Owner, ProgramReport } from "./background.ts";
import type { RemoteServer } from "./remote/server.ts";
import type { Workshop } from "./workshop.ts";

export interface VmServiceOptions {
  readonly workshop: Workshop;
  /** Whether the workshop is closed with the node. */
  readonly ownsWorkshop: boolean;
  /** Opens the port for remote users, if there are to be any. */
  readonly openRemote: ((node: ServiceNode) => Promise<RemoteServer>) | undefined;
  readonly readFile: (path: string) => Promise<Uint8Array>;
}

export class VmService implements Service {
  readonly name = "vm";
  readonly channels = [];
  readonly datagramChannels = [];
  readonly methods: ControlMethods;
  readonly #options: VmServiceOptions;
  #remote: RemoteServer | undefined;
  #owner: Owner | undefined;

  constructor(options: VmServiceOptions) {
    this.#options = options;
    this.methods = {
      "vm.ps": () => this.#list(),
      "vm.spawn": (params) => this.#spawn(params),
      "vm.kill": (params) => this.#kill(params),
    };
  }

  async start(node: ServiceNode): Promise<void> {
    this.#owner = logOwner(node.log);
    this.#remote = await this.#options.openRemote?.(node);
    if (this.#remote !== undefined) {
      node.log.info(`remote users are welcome on port ${this.#remote.port}`);
    }
  }

  stop(): Promise<void> {
    this.#remote?.close();
    if (this.#options.ownsWorkshop) this.#options.workshop.close();
    return Promise.resolve();
  }

  event(): void {}

  receive(): void {}

  receiveDatagram(): void {}

  deadline(): number {
    return Infinity;
  }

  tick(): void {}

  /** Runs a program whose output goes to the log; gives its PID. */
  async spawn(path: string): Promise<number> {
    const bytes = await this.#options.readFile(path);
    const name = path.slice(path.lastIndexOf("/") + 1);
    return this.#options.workshop.background.spawn(name, bytes, this.#owner!);
  }

  async #list(): Promise<Json> {
    const programs = await this.#options.workshop.background.list();
    return { programs: programs.map(jsonOf) };
  }

  async #spawn({ path }: Params): Promise<Json> {
    if (typeof path !== "string") throw new Problem("vm.spawn wants a path");
    return { pid: await this.spawn(path) };
  }

  #kill({ pid }: Params): Json {
    if (typeof pid !== "number" || !this.#options.workshop.background.kill(pid)) {
      throw new Problem(`no program ${pid} runs here`, { hint: "toolkit vm ps lists them" });
    }
    return { pid };
  }
}

function jsonOf({ pid, name, owner, state, instructions, startedAtMs }: ProgramReport): Json {
  const started_at = new Date(startedAtMs).toISOString();
  return { pid, program: name, owner, state, instructions, started_at };
}

/** Programs whose output and end go to the log. */
function logOwner(log: Log): Owner {
  return {
    name: "node",
    output: (lines) => {
      for (const line of lines) log.info(printable(line));
    },
    ended: ({ headline, messages }) => {
      for (const line of [headline, ...messages]) log.info(printable(line));
    },
  };
}
