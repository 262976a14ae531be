/**
 * The VM as a part of a node: programs in the background, and sessions for remote users. It asks
 * nothing of other nodes yet; that it is there, all members see.
 */

import type { ControlMethods, Json, Params } from "../cluster/control.ts";
import { Problem } from "../cluster/errors.ts";
import type { Service, ServiceNode } from "../cluster/service.ts";
import type { ProgramReport } from "./background.ts";
import { LogOwner } from "./log_owner.ts";
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
  #owner: LogOwner | undefined;

  constructor(options: VmServiceOptions) {
    this.#options = options;
    this.methods = {
      "vm.ps": () => this.#list(),
      "vm.spawn": (params) => this.#spawn(params),
      "vm.kill": (params) => this.#kill(params),
    };
  }

  async start(node: ServiceNode): Promise<void> {
    const { workshop, openRemote } = this.#options;
    this.#owner = new LogOwner(node.log, workshop.limits.fuel);
    this.#remote = await openRemote?.(node);
    if (this.#remote !== undefined) node.log.info(this.#remote.welcome);
  }

  async stop(): Promise<void> {
    this.#owner?.close();
    await this.#remote?.close();
    const { workshop, ownsWorkshop } = this.#options;
    if (ownsWorkshop) workshop.close();
    else if (this.#owner !== undefined) workshop.background.killAll(this.#owner);
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
    return await this.#options.workshop.background.spawn(name, bytes, this.#owner!);
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
