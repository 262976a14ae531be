/** Programs in the background: PIDs, a list, kill, and what is told of their ends. */

import { hexOf } from "../cluster/bytes.ts";
import { Problem } from "../cluster/errors.ts";
import { endText, eventLines } from "./events.ts";
import type { VmLimits } from "./limits.ts";
import type { JobStatus } from "./workers/messages.ts";
import type { JobHandle, WorkerPool } from "./workers/pool.ts";

export type Pid = number;

/** PIDs count up to here, as in the original, and begin again. */
const MAX_PID = 50_000;
/** Lines that are told of a file that is no program. */
const MAX_MESSAGES = 12;

/** Who started programs, and hears of them. */
export interface Owner {
  readonly name: string;
  /** Units of fuel for each of its programs; Infinity for no end to them. */
  readonly fuel: number;
  /** Programs at a time. */
  readonly programs: number;
  /** It has been loaded and begins. */
  started(pid: Pid, program: string): void;
  /** Whole lines of output, each with the PID in front; a promise holds back more. */
  output(lines: Uint8Array): void | Promise<void>;
  ended(end: ProgramEnd): void;
}

/** How a program ended, as text. */
export interface ProgramEnd {
  readonly pid: Pid;
  readonly program: string;
  /** Iridium's word for it, with code and place. */
  readonly text: string;
  /** Iridium's events, with their times. */
  readonly events: readonly string[];
}

export interface ProgramReport {
  readonly pid: Pid;
  readonly name: string;
  readonly owner: string;
  readonly state: JobStatus["state"];
  /** Fuel used so far. */
  readonly instructions: number;
  readonly startedAtMs: number;
}

interface Running {
  readonly pid: Pid;
  readonly name: string;
  readonly owner: Owner;
  readonly imageKey: string;
  readonly startedAtMs: number;
  readonly job: JobHandle;
}

export class Background {
  readonly #pool: Pick<WorkerPool, "start" | "status">;
  readonly #limits: VmLimits;
  readonly #programs = new Map<Pid, Running>();
  /** How many programs run each image. */
  readonly #images = new Map<string, number>();
  #lastPid = 0;

  constructor(pool: Pick<WorkerPool, "start" | "status">, limits: VmLimits) {
    this.#pool = pool;
    this.#limits = limits;
  }

  get count(): number {
    return this.#programs.size;
  }

  /**
   * Starts a program, source or image, whose bytes are not the caller's any more. Throws a
   * {@link Problem} if it is no program, or if there are too many.
   */
  async spawn(name: string, bytes: Uint8Array, owner: Owner): Promise<Pid> {
    const imageKey = await keyOf(bytes);
    this.#refuseTooMany(imageKey, owner);
    const { machine, unreadBytes } = this.#limits;
    this.#images.set(imageKey, (this.#images.get(imageKey) ?? 0) + 1);
    const pid = this.#nextPid();
    const startedAtMs = Date.now();
    const begun = Promise.withResolvers<Pid>();
    const job = this.#pool.start({
      kind: "program",
      name,
      prefix: `[${pid}] `,
      bytes,
      imageKey,
      limits: machine,
      unreadBytes,
      ...owner.fuel === Infinity ? {} : { fuelLimit: owner.fuel },
    }, {
      started: () => {
        owner.started(pid, name);
        begun.resolve(pid);
      },
      output: (bytes) => owner.output(bytes),
      ended: (end) => {
        this.#forget(pid, imageKey);
        if (end.kind === "refused") begun.reject(noProgram(name, end.messages));
        else {
          begun.resolve(pid);
          owner.ended({ pid, program: name, text: endText(end), events: eventLines(end) });
        }
      },
    });
    this.#programs.set(pid, { pid, name, owner, imageKey, startedAtMs, job });
    return await begun.promise;
  }

  /** Those of one owner, or all. */
  async list(owner?: Owner): Promise<ProgramReport[]> {
    const status = await this.#pool.status();
    const reports: ProgramReport[] = [];
    for (const { pid, name, owner: whose, startedAtMs, job } of this.#programs.values()) {
      if (owner !== undefined && owner !== whose) continue;
      const { state = "running", instructions = 0 } = status.get(job.id) ?? {};
      reports.push({ pid, name, owner: whose.name, state, instructions, startedAtMs });
    }
    return reports;
  }

  /** False if there is none of that PID, or it is somebody else's. */
  kill(pid: Pid, owner?: Owner): boolean {
    const program = this.#programs.get(pid);
    if (program === undefined || owner !== undefined && program.owner !== owner) return false;
    program.job.kill();
    return true;
  }

  killAll(owner: Owner): void {
    for (const { owner: whose, job } of this.#programs.values()) if (whose === owner) job.kill();
  }

  #refuseTooMany(imageKey: string, owner: Owner): void {
    const { backgroundPrograms, images } = this.#limits;
    const hint = "end some: !kill PID, or toolkit vm kill PID";
    if (this.#programs.size >= backgroundPrograms) {
      throw new Problem(`${backgroundPrograms} programs run in the background already`, {
        hint: `${hint}; or raise vm.limits.background_programs`,
      });
    }
    let own = 0;
    for (const program of this.#programs.values()) if (program.owner === owner) own++;
    if (own >= owner.programs) {
      throw new Problem(`${own} programs of yours run in the background already`, { hint });
    }
    if (!this.#images.has(imageKey) && this.#images.size >= images) {
      throw new Problem(`${images} different programs run in the background already`, {
        hint: `${hint}; or raise vm.limits.images`,
      });
    }
  }

  #nextPid(): Pid {
    do this.#lastPid = this.#lastPid % MAX_PID + 1; while (this.#programs.has(this.#lastPid));
    return this.#lastPid;
  }

  #forget(pid: Pid, imageKey: string): void {
    this.#programs.delete(pid);
    const users = this.#images.get(imageKey)! - 1;
    if (users === 0) this.#images.delete(imageKey);
    else this.#images.set(imageKey, users);
  }
}

/** Names the image: equal for equal bytes. */
async function keyOf(bytes: Uint8Array): Promise<string> {
  // Off this thread, which may have sockets to serve.
  return hexOf(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes as BufferSource)));
}

/** What is wrong with it goes to whoever asked, as far as people read. */
function noProgram(name: string, messages: readonly string[]): Problem {
  const shown = messages.slice(0, MAX_MESSAGES);
  const rest = messages.length - shown.length;
  const more = rest > 0 ? [`… and ${rest} more lines`] : [];
  return new Problem([`${name} is no program:`, ...shown, ...more].join("\n"), {
    hint: "toolkit vm run tells all that is wrong with it",
  });
}
