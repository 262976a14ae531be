/** Answers what sessions ask of the host that they run on. */

import { formatDuration } from "../../cli/duration.ts";
import { formatTable } from "../../cli/table.ts";
import { messageOf, Problem, unreachable } from "../../cluster/errors.ts";
import type { Background, Owner, ProgramReport } from "../background.ts";
import type { ReadFile } from "./program_files.ts";
import type { Answer, Request } from "../repl/requests.ts";

/** The cluster, as far as a session may have it; each gives lines, or throws a {@link Problem}. */
export interface ClusterAccess {
  start(): Promise<readonly string[]>;
  join(host: string, port: number): Promise<readonly string[]>;
  members(): Promise<readonly string[]>;
}

/** What a session may have and do. */
export interface Rights {
  readonly background: Background;
  /** The session itself, as owner of programs. */
  readonly owner: Owner;
  /** Whether it sees and ends the programs of others too. */
  readonly seesAll: boolean;
  readonly readFile: ReadFile;
  readonly cluster: ClusterAccess;
}

/** Never rejects: what went wrong is an answer too. */
export async function answer(request: Request, rights: Rights): Promise<Answer> {
  try {
    return await answerOf(request, rights);
  } catch (error) {
    const hint = error instanceof Problem && error.hint !== undefined
      ? [`  try: ${error.hint}`]
      : [];
    return linesOf(messageOf(error), ...hint);
  }
}

async function answerOf(request: Request, rights: Rights): Promise<Answer> {
  const { background, owner, seesAll, readFile, cluster } = rights;
  switch (request.type) {
    case "file":
      return { type: "file", path: request.path, bytes: await readFile(request.path) };
    case "spawn": {
      const bytes = await readFile(request.path);
      // That it has started its owner hears before its output.
      await background.spawn(request.path, bytes, owner);
      return linesOf();
    }
    case "ps":
      return linesOf(...programLines(await background.list(seesAll ? undefined : owner)));
    case "kill": {
      const { pid } = request;
      if (background.kill(pid, seesAll ? undefined : owner)) {
        return linesOf(`program ${pid} killed`);
      }
      return linesOf(`no program ${pid} runs; !ps lists them`);
    }
    case "start_cluster":
      return linesOf(...await cluster.start());
    case "join_cluster":
      return linesOf(...await cluster.join(request.host, request.port));
    case "cluster_members":
      return linesOf(...await cluster.members());
    default:
      unreachable(request);
  }
}

function linesOf(...lines: readonly string[]): Answer {
  return { type: "lines", lines };
}

/** A table of programs, or that there are none. */
export function programLines(programs: readonly ProgramReport[], nowMs = Date.now()): string[] {
  if (programs.length === 0) return ["no programs run in the background"];
  return formatTable([
    ["PID", "STATE", "INSTRUCTIONS", "AGE", "OWNER", "PROGRAM"],
    ...programs.map(({ pid, name, state, instructions, startedAtMs, owner }) => [
      String(pid),
      state,
      String(instructions),
      formatDuration(nowMs - startedAtMs),
      owner,
      name,
    ]),
  ]);
}
