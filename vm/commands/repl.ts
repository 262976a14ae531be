import type { LoadedConfig } from "../../cli/config/load.ts";
import type { CliContext } from "../../cli/context.ts";
import { openLog } from "../../cli/log.ts";
import { loadConfigFor } from "../../cli/settings.ts";
import { ExitCode } from "../../cluster/errors.ts";
import type { Log } from "../../cluster/log.ts";
import type { ReplFlags } from "./session_commands.ts";
import { Conversation } from "../conversation.ts";
import type { RemoteServer } from "../remote/server.ts";
import { complete } from "../repl/completion.ts";
import { Workshop } from "../workshop.ts";
import { answer } from "./answers.ts";
import { ReplCluster } from "./cluster_access.ts";
import { completePath } from "./complete_path.ts";
import type { LineSource } from "./lines.ts";
import { EndSignals } from "./end_signals.ts";
import { linesOf } from "./lines_of.ts";
import { LocalFront } from "./local_front.ts";
import { membersOnly, openRemote } from "./part.ts";
import { readProgramFile } from "./program_files.ts";
import { limitsOf, threadsOf } from "./settings.ts";
import { VmExit } from "./exit_codes.ts";

export default async function repl(
  this: CliContext,
  flags: ReplFlags,
  file: string | undefined,
): Promise<void> {
  const loaded = await loadConfigFor(this, flags);
  const log = new SessionLog(openLog(this, loaded.config.log));
  const workshop = new Workshop({
    limits: limitsOf(loaded.config),
    threads: threadsOf(loaded.config, false),
    log,
  });
  const session = new LocalSession(this, flags, loaded, workshop, log);
  if (this.terminal.stdinIsTerminal) log.show = (line) => session.tell(line);
  try {
    this.process.exitCode = await session.run(file);
  } finally {
    await session.close();
    workshop.close();
  }
}

/** The log as far as it is for people: on a terminal above the line that is being typed. */
class SessionLog implements Log {
  readonly #log: Log;
  show: ((line: string) => void) | undefined;

  constructor(log: Log) {
    this.#log = log;
  }

  debug(message: string): void {
    this.#log.debug(message);
  }

  info(message: string): void {
    if (this.show === undefined) this.#log.info(message);
    else this.show(message);
  }

  warn(message: string): void {
    if (this.show === undefined) this.#log.warn(message);
    else this.show(`warning: ${message}`);
  }

  error(message: string): void {
    if (this.show === undefined) this.#log.error(message);
    else this.show(`error: ${message}`);
  }
}

/** A session of whoever sits at this terminal, and what has been opened for it. */
class LocalSession {
  readonly #context: CliContext;
  readonly #flags: ReplFlags;
  readonly #loaded: LoadedConfig;
  readonly #workshop: Workshop;
  readonly #log: Log;
  readonly #cluster: ReplCluster;
  readonly #lines: LineSource;
  readonly #front: LocalFront;
  readonly #conversation: Conversation;
  readonly #signals = new EndSignals();
  #remote: RemoteServer | undefined;

  constructor(
    context: CliContext,
    flags: ReplFlags,
    loaded: LoadedConfig,
    workshop: Workshop,
    log: Log,
  ) {
    this.#context = context;
    this.#flags = flags;
    this.#loaded = loaded;
    this.#workshop = workshop;
    this.#log = log;
    this.#cluster = new ReplCluster(context, loaded, workshop, log);
    this.#lines = linesOf(
      context,
      () => this.#conversation.input({ type: "interrupt" }),
      (before) => completePath(before) ?? complete(before, this.#front.labels),
    );
    this.#front = new LocalFront(this.#lines);
    const { fuel } = workshop.limits;
    const { background } = workshop;
    this.#conversation = new Conversation({
      workshop,
      front: this.#front,
      name: "repl",
      session: {
        isInteractive: this.#lines.isTerminal,
        clock: flags.clock,
        ...flags.seed === undefined ? {} : { seed: flags.seed },
        ...fuel === Infinity ? {} : { fuelPerLine: fuel },
      },
      fuel,
      programs: Infinity,
      answer: (request, owner) =>
        answer(request, {
          background,
          owner,
          seesAll: true,
          readFile: readProgramFile,
          cluster: this.#cluster,
        }),
    });
  }

  tell(line: string): void {
    void this.#conversation.tell([line]);
  }

  /** Gives the exit code. */
  async run(file: string | undefined): Promise<number> {
    const { config } = this.#loaded;
    if (config.vm.remote_access) {
      const cluster = membersOnly(() => this.#cluster.members());
      this.#remote = await openRemote(config, this.#workshop, this.#log, cluster);
      void this.#conversation.tell([this.#remote.welcome]);
    }
    // Who names others to join wants to be on their cluster.
    if (this.#flags.join !== undefined && this.#flags.join.length > 0) {
      await this.#conversation.tell(await this.#cluster.start());
    }
    const { input, ended } = this.#conversation;
    const over = ended.then((reason) => {
      if (this.#front.isBroken) return VmExit.brokenPipe;
      if (reason !== undefined) this.#context.note(`error: ${reason}`);
      return reason === undefined ? ExitCode.done : ExitCode.failed;
    });
    return await this.#front.converse(
      input,
      Promise.race([over, this.#signals.first]),
      file === undefined ? undefined : `!load_file ${file}`,
    );
  }

  async close(): Promise<void> {
    this.#lines.close();
    this.#conversation.close();
    await this.#remote?.close();
    await this.#cluster.close();
    this.#signals.close();
  }
}
