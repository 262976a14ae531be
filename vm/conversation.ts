/**
 * A session with somebody at its other end. The session lives in a worker; here its output and its
 * questions are handed on, one after the other, and it owns the programs that it has spawned.
 */

import { utf8 } from "../cluster/bytes.ts";
import { messageOf } from "../cluster/errors.ts";
import type { Owner, ProgramEnd } from "./background.ts";
import type { SessionInput, Wants } from "./repl/channel.ts";
import type { Answer, Request } from "./repl/requests.ts";
import type { SessionSpec } from "./workers/messages.ts";
import type { JobHandle } from "./workers/pool.ts";
import type { Workshop } from "./workshop.ts";

/** Whoever talks to a session. Nothing is called while a promise of the call before is open. */
export interface Front {
  /** Output of the session and its program; rejects when nobody takes it any more. */
  output(bytes: Uint8Array): void | Promise<void>;
  wants(wants: Wants): void | Promise<void>;
  /** Whole lines from elsewhere, at any time: of programs in the background, of the cluster. */
  lines(lines: Uint8Array): void | Promise<void>;
}

export interface ConversationOptions {
  readonly workshop: Workshop;
  readonly front: Front;
  /** As in the lists of programs. */
  readonly name: string;
  readonly session: Omit<SessionSpec, "kind" | "limits" | "unreadBytes">;
  /** Of the programs that it spawns: fuel for each, and how many at a time. */
  readonly fuel: number;
  readonly programs: number;
  readonly answer: (request: Request, owner: Owner) => Promise<Answer>;
}

export class Conversation {
  readonly owner: Owner;
  readonly #options: ConversationOptions;
  readonly #job: JobHandle;
  readonly #ended = Promise.withResolvers<string | undefined>();
  /** The last call of the front. */
  #last: Promise<void> = Promise.resolve();
  #isEnding = false;
  /** Nothing is shown any more. */
  #isOver = false;

  constructor(options: ConversationOptions) {
    this.#options = options;
    const { workshop, front, name, session, fuel, programs } = options;
    const { machine, unreadBytes } = workshop.limits;
    this.owner = {
      name,
      fuel,
      programs,
      started: (pid, program) => void this.tell([`program ${pid} (${program}) started`]),
      output: (lines) => this.#call(() => front.lines(lines)),
      ended: (end) => void this.tell(endLines(end)),
    };
    this.#job = workshop.pool.start({
      kind: "session",
      limits: machine,
      unreadBytes,
      ...session,
    }, {
      output: (bytes) => this.#call(() => front.output(bytes)),
      wants: (wants) => void this.#call(() => front.wants(wants)),
      request: (request) => void this.#answer(request),
      ended: (end) => this.#end(end.kind === "failed" ? end.text : undefined),
    });
  }

  /** Settled when it is over; with the reason, if that was none of its user's. */
  get ended(): Promise<string | undefined> {
    return this.#ended.promise;
  }

  readonly input = (input: SessionInput): void => {
    if (!this.#isEnding) this.#job.input(input);
  };

  /** Shows lines from elsewhere. */
  tell(lines: readonly string[]): Promise<void> {
    const text = lines.map((line) => `${line}\n`).join("");
    return this.#call(() => this.#options.front.lines(utf8(text)));
  }

  /** Ends it, and the programs that it has spawned. */
  close(): void {
    this.#job.kill();
    this.#end(undefined);
  }

  async #answer(request: Request): Promise<void> {
    const answer = await this.#options.answer(request, this.owner);
    // What it has spawned meanwhile has nobody any more.
    if (this.#isEnding) this.#options.workshop.background.killAll(this.owner);
    else this.#job.answer(answer);
  }

  /** A front that fails has nobody behind it any more: that ends the conversation. */
  #call(run: () => void | Promise<void>): Promise<void> {
    this.#last = this.#last.then(async () => {
      if (!this.#isOver) await run();
    }).catch((error) => {
      this.#job.kill();
      this.#end(messageOf(error));
    });
    return this.#last;
  }

  #end(reason: string | undefined): void {
    if (this.#isEnding) return;
    this.#isEnding = true;
    // What was said before its end is still to be shown.
    void this.#last.then(() => this.#ended.resolve(reason));
    this.#options.workshop.background.killAll(this.owner);
    void this.#last.then(() => this.#isOver = true);
  }
}

function endLines({ pid, program, text, events }: ProgramEnd): string[] {
  if (events.length === 0) return [`program ${pid} (${program}): ${text}`];
  return [`program ${pid} (${program}) has ended:`, ...events];
}
