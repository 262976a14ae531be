/** The VM as a part for `toolkit up`, `toolkit vm serve` and a REPL that joins a cluster. */

import type { CliContext } from "../../cli/context.ts";
import type { Config } from "../../cli/config/schema.ts";
import type { Part, PartMaker } from "../../cli/part.ts";
import { paintFor } from "../../cli/colour.ts";
import { membersTable } from "../../cluster/commands/members.ts";
import { messageOf, Problem } from "../../cluster/errors.ts";
import type { Log } from "../../cluster/log.ts";
import type { ServiceNode } from "../../cluster/service.ts";
import { RemoteServer } from "../remote/server.ts";
import { readToken } from "../remote/token.ts";
import { VmService } from "../service.ts";
import { Workshop } from "../workshop.ts";
import { answer, type ClusterAccess } from "./answers.ts";
import { readerBelow, readNodeFile, readNoFile } from "./program_files.ts";
import { limitsOf, threadsOf } from "./settings.ts";

/** Beside other parts it leaves a core to them. */
export default function vmPart(_context: CliContext, config: Config, log: Log): Part {
  const isShared = config.up.parts.length > 1;
  return makePart(config, log, isShared, []);
}

/** With programs that it runs from the start. */
export function vmPartWith(programs: readonly string[]): PartMaker {
  return (_context, config, log) => makePart(config, log, false, programs);
}

function makePart(
  config: Config,
  log: Log,
  isShared: boolean,
  programs: readonly string[],
): Part {
  const workshop = new Workshop({
    limits: limitsOf(config),
    threads: threadsOf(config, isShared),
    log,
  });
  const service = new VmService({
    workshop,
    ownsWorkshop: true,
    readFile: readNodeFile,
    openRemote: config.vm.remote_access
      ? (node) => openRemote(config, workshop, log, membersOnly(() => membersOf(node)))
      : undefined,
  });
  return {
    service,
    started: () => {
      void spawnAll(service, programs, log);
      return () => {};
    },
  };
}

/** One after the other, so that PIDs are in their order. */
async function spawnAll(
  service: VmService,
  programs: readonly string[],
  log: Log,
): Promise<void> {
  for (const path of programs) {
    try {
      await service.spawn(path);
    } catch (error) {
      log.error(messageOf(error));
    }
  }
}

/** Opens the port for remote users; throws a {@link Problem}. */
export async function openRemote(
  { vm }: Config,
  workshop: Workshop,
  log: Log,
  cluster: ClusterAccess,
): Promise<RemoteServer> {
  const token = vm.token_file === undefined ? undefined : await readToken(vm.token_file);
  if (vm.root !== undefined) await refuseMissingRoot(vm.root);
  const readFile = vm.root === undefined ? readNoFile : readerBelow(vm.root);
  return RemoteServer.start({
    host: vm.client_host.replace(/^\[(.*)\]$/, "$1"),
    port: vm.client_port,
    token,
    workshop,
    log,
    answer: (request, owner) => {
      const { background } = workshop;
      return answer(request, { background, owner, seesAll: false, readFile, cluster });
    },
  });
}

async function refuseMissingRoot(root: string): Promise<void> {
  const info = await Deno.stat(root).catch(() => undefined);
  if (info?.isDirectory) return;
  throw new Problem(`there is no folder ${root} for the programs of remote users`, {
    hint: "name one that exists: vm.root, or --root DIR",
  });
}

/** For remote users: they may look, but not lead a host to others. */
export function membersOnly(members: ClusterAccess["members"]): ClusterAccess {
  const refuse = () =>
    Promise.reject(
      new Problem("that is not for remote users", {
        hint: "on the host itself: --join HOST:PORT, or discovery.hosts",
      }),
    );
  return {
    start: refuse,
    join: refuse,
    members: () =>
      members().catch((error) => {
        // What its owner could do is of no use to them.
        throw new Problem(messageOf(error));
      }),
  };
}

function membersOf(node: ServiceNode): Promise<readonly string[]> {
  return Promise.resolve(membersTable(node.members(), paintFor(false)));
}
