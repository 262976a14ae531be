/** Asks the running node of a data dir over its control socket. */

import type { ControlError, Json, Params } from "../cluster/control.ts";
import { controlSocketPath } from "../cluster/data_dir.ts";
import { ExitCode, messageOf, Problem } from "../cluster/errors.ts";
import { writeAll } from "../cluster/files.ts";
import type { Config } from "./config/schema.ts";
import type { CliContext } from "./context.ts";
import { dataDirOf } from "./settings.ts";

/** A node that does not answer within this time is stuck; streams have no such limit. */
const ANSWER_LIMIT_MS = 10_000;

export interface Question {
  readonly method: string;
  readonly params?: Params;
  /** Called with each event of a stream; return false to end it. */
  readonly event?: (event: Json) => boolean | void;
  readonly limitMs?: number;
}

/** The node's answer. Throws a {@link Problem}: the node's own, or why it cannot be asked. */
export async function ask(context: CliContext, config: Config, question: Question): Promise<Json> {
  const dataDir = dataDirOf(config, context.env);
  const connection = await connect(dataDir, context.env["XDG_RUNTIME_DIR"]);
  const limitMs = question.limitMs ?? ANSWER_LIMIT_MS;
  let late = false;
  const timer = question.event === undefined
    ? setTimeout(() => {
      late = true;
      connection.close();
    }, limitMs)
    : undefined;
  try {
    const request = JSON.stringify({ method: question.method, params: question.params ?? {} });
    await writeAll(connection, new TextEncoder().encode(`${request}\n`));
    return await readAnswer(connection, question);
  } catch (error) {
    if (error instanceof Problem) throw error;
    throw new Problem(
      late
        ? `the node of ${dataDir} has not answered for ${limitMs / 1000} s`
        : `the node of ${dataDir} broke off: ${messageOf(error)}`,
      {
        hint: "its log may say why; what was asked for may still happen",
        exitCode: ExitCode.unreachable,
        cause: error,
      },
    );
  } finally {
    clearTimeout(timer);
    try {
      connection.close();
    } catch {
      // Closed already.
    }
  }
}

async function connect(dataDir: string, runtimeDir: string | undefined): Promise<Deno.UnixConn> {
  const path = await controlSocketPath(dataDir, runtimeDir);
  try {
    return await Deno.connect({ transport: "unix", path });
  } catch (error) {
    if (error instanceof Deno.errors.PermissionDenied) {
      throw new Problem(`not allowed to ask the node of ${dataDir}`, {
        hint: "run as the user who runs it, or let a group in: [control] group in its config",
        exitCode: ExitCode.unreachable,
        cause: error,
      });
    }
    throw new Problem(`no node is running with the data dir ${dataDir}`, {
      hint: "start one with: toolkit up; or name its folder with --data-dir",
      exitCode: ExitCode.unreachable,
      cause: error,
    });
  }
}

async function readAnswer(connection: Deno.UnixConn, question: Question): Promise<Json> {
  for await (const line of linesOf(connection)) {
    const message = JSON.parse(line);
    if ("event" in message) {
      if (question.event?.(message.event) === false) return null;
    } else if ("error" in message) {
      throw problemOf(message.error);
    } else {
      return message.result;
    }
  }
  throw new Problem("the node has stopped", {
    hint: "its log says why; start one with: toolkit up",
    exitCode: ExitCode.unreachable,
  });
}

function problemOf({ message, hint, exitCode }: ControlError): Problem {
  const known = Object.values(ExitCode).find((code) => code === exitCode) ?? ExitCode.failed;
  return new Problem(message, { ...(hint === undefined ? {} : { hint }), exitCode: known });
}

async function* linesOf(connection: Deno.UnixConn): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  const buffer = new Uint8Array(16 * 1024);
  let rest = "";
  for (;;) {
    const count = await connection.read(buffer);
    if (count === null) return;
    const lines = (rest + decoder.decode(buffer.subarray(0, count), { stream: true })).split("\n");
    rest = lines.pop()!;
    yield* lines;
  }
}
