import type { CliContext } from "../../cli/context.ts";
import { messageOf } from "../../cluster/errors.ts";
import { systemRandom } from "../../cluster/random.ts";
import { complete as completionOf } from "../repl/completion.ts";
import { BANNER, PATH_PROMPT, PROMPT, Session } from "../repl/session.ts";
import { OutputBuffer } from "./console.ts";
import { type LineSource, PipeLines } from "./lines.ts";
import { TerminalLines } from "./terminal_lines.ts";
import { readProgramFile, VmExit } from "./source.ts";

/** Fuel between two looks at the keys: a few milliseconds. */
const SLICE_FUEL = 1_000_000;
const INTERRUPTED = 130;

export default async function repl(this: CliContext): Promise<void> {
  const output = new OutputBuffer();
  const session = new Session({
    write: (bytes) => output.add(bytes.slice()),
    clockMs: () => Date.now(),
    random32: () => systemRandom.u32(),
  });
  const { terminal } = this;
  const interrupted = () => session.interrupt();
  const complete = (before: string) => completionOf(before, session.program.symbols.values());
  const lines = terminal.stdinIsTerminal && terminal.stdoutIsTerminal
    ? new TerminalLines({ terminal, interrupted, complete })
    : new PipeLines(interrupted);
  session.say(BANNER);
  try {
    this.process.exitCode = await converse(session, lines, () => output.flush());
  } catch (error) {
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
    this.process.exitCode = VmExit.brokenPipe;
  } finally {
    lines.close();
  }
}

/** Gives the session what it wants, until it or its lines end; gives the exit code. */
async function converse(
  session: Session,
  lines: LineSource,
  flush: () => Promise<void>,
): Promise<number> {
  for (;;) {
    const { state } = session;
    await flush();
    switch (state.kind) {
      case "ended":
        return 0;
      case "running":
        session.run(SLICE_FUEL);
        // Only what goes on needs a turn of the event loop, for Ctrl-C; it takes longer than a short line.
        if (session.state.kind === "running") await new Promise((done) => setTimeout(done, 0));
        break;
      case "file":
        await load(session, state.path);
        break;
      case "ready":
      case "path":
      case "input": {
        const code = await nextLine(session, lines, state.kind, flush);
        if (code !== undefined) return code;
      }
    }
  }
}

/** The exit code if there is nothing more to do. */
async function nextLine(
  session: Session,
  lines: LineSource,
  kind: "ready" | "path" | "input",
  flush: () => Promise<void>,
): Promise<number | undefined> {
  if (lines.isTerminal && kind !== "input") {
    session.transcript.endLine();
    await flush();
  }
  const prompt =
    { ready: PROMPT, path: PATH_PROMPT, input: session.transcript.unfinishedLine }[kind];
  const result = await lines.next({ prompt, history: kind === "ready" ? session.history : [] });
  if (lines.isTerminal) session.transcript.lineTyped();
  if (result === "end") {
    if (kind === "ready") return 0;
    session.endInput();
  } else if (result === "interrupted") {
    if (kind === "ready" && !lines.isTerminal) return INTERRUPTED;
    session.interrupt();
  } else session.enter(result.line);
  return undefined;
}

async function load(session: Session, path: string): Promise<void> {
  try {
    session.loaded(path, await readProgramFile(path));
  } catch (error) {
    session.notLoaded(messageOf(error));
  }
}
