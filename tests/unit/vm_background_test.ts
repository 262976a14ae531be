/** Programs in the background: PIDs, limits, owners, and what is told. Their workers are not needed. */

import assert from "node:assert/strict";
import { Problem } from "../../cluster/errors.ts";
import { Background, type Owner, type ProgramEnd } from "../../vm/background.ts";
import { DEFAULT_VM_LIMITS, type VmLimits } from "../../vm/limits.ts";
import type { JobStatus, ProgramSpec } from "../../vm/workers/messages.ts";
import type { JobHandlers } from "../../vm/workers/pool.ts";

class FakePool {
  readonly started: { spec: ProgramSpec; handlers: JobHandlers; killed: boolean }[] = [];

  readonly start = (spec: unknown, handlers: JobHandlers) => {
    const job = { spec: spec as ProgramSpec, handlers, killed: false };
    const id = this.started.push(job);
    return { id, input() {}, answer() {}, kill: () => void (job.killed = true) };
  };

  readonly status = (): Promise<Map<number, JobStatus>> =>
    Promise.resolve(new Map([[1, { job: 1, state: "parked", instructions: 77 }]]));

  /** The job that was started last, or that one. */
  end(index = this.started.length - 1): void {
    this.started[index]!.handlers.ended({ kind: "stopped", code: 0, events: [] });
  }
}

class FakeOwner implements Owner {
  readonly lines: string[] = [];
  readonly ends: ProgramEnd[] = [];

  constructor(readonly name: string) {}

  output(lines: readonly string[]): void {
    this.lines.push(...lines);
  }

  ended(end: ProgramEnd): void {
    this.ends.push(end);
  }
}

const bytesOf = (text: string) => new TextEncoder().encode(text);

function make(limits: Partial<VmLimits> = {}) {
  const pool = new FakePool();
  const background = new Background(pool, { ...DEFAULT_VM_LIMITS, ...limits });
  const owner = new FakeOwner("me");
  const spawn = (text = "a", whose: Owner = owner) =>
    background.spawn("x.iasm", bytesOf(text), whose);
  return { pool, background, owner, spawn };
}

/** What a spawn is refused with: message and hint. */
function refusal(spawn: () => void): string {
  try {
    spawn();
  } catch (error) {
    assert.ok(error instanceof Problem);
    return `${error.message} | ${error.hint}`;
  }
  throw new Error("it was taken");
}

Deno.test("background: PIDs count up, begin again at 50000, and pass over those that run", () => {
  const { pool, background, spawn } = make();
  assert.deepEqual([spawn(), spawn(), spawn()], [1, 2, 3]);
  pool.end(0);
  assert.equal(spawn(), 4, "a PID is not used again soon");
  pool.end(2);
  for (let pid = 5; pid <= 50_000; pid++) {
    assert.equal(spawn(), pid);
    pool.end();
  }
  // 2 and 4 have run all the time.
  assert.deepEqual([spawn(), spawn(), spawn()], [1, 3, 5]);
  assert.equal(background.count, 5);
});

Deno.test("background: so many programs run at a time, and one more when one has ended", () => {
  const { pool, spawn } = make({ backgroundPrograms: 3 });
  for (let i = 0; i < 3; i++) spawn();
  assert.match(
    refusal(spawn),
    /^3 programs run in the background already \| end some: .*vm\.limits\.background_programs$/,
  );
  pool.end(1);
  spawn();
  refusal(spawn);
});

Deno.test("background: so many different programs run at a time; equal ones count once", () => {
  const { pool, spawn } = make({ images: 2 });
  spawn("a");
  spawn("b");
  spawn("a");
  assert.match(
    refusal(() => spawn("c")),
    /^2 different programs run in the background already \| .*vm\.limits\.images$/,
  );
  pool.end(0);
  refusal(() => spawn("c"));
  pool.end(2);
  spawn("c");
  const keys = pool.started.map(({ spec }) => spec.imageKey);
  assert.equal(keys[0], keys[2]);
  assert.notEqual(keys[0], keys[1]);
});

Deno.test("background: limits reach the worker", () => {
  const machine = { memoryBytes: 4_711, stackWords: 12 };
  const { pool, spawn } = make({ machine, unreadBytes: 99, fuel: 1_000 });
  spawn();
  const { limits, unreadBytes, fuelLimit } = pool.started[0]!.spec;
  assert.deepEqual([limits, unreadBytes, fuelLimit], [machine, 99, 1_000]);
  const without = make();
  without.spawn();
  assert.equal("fuelLimit" in without.pool.started[0]!.spec, false);
});

Deno.test("background: an owner sees and ends his own programs, and nobody else's", async () => {
  const { pool, background, owner, spawn } = make();
  const other = new FakeOwner("other");
  spawn("a");
  spawn("b", other);
  assert.deepEqual((await background.list(owner)).map(({ pid }) => pid), [1]);
  assert.deepEqual((await background.list()).map(({ pid, owner }) => [pid, owner]), [
    [1, "me"],
    [2, "other"],
  ]);
  const { startedAtMs: _at, ...first } = (await background.list(owner))[0]!;
  assert.deepEqual(first, {
    pid: 1,
    name: "x.iasm",
    owner: "me",
    state: "parked",
    instructions: 77,
  });
  assert.equal(background.kill(2, owner), false);
  assert.equal(background.kill(3), false);
  assert.equal(pool.started[1]!.killed, false);
  assert.equal(background.kill(2, other), true);
  assert.equal(background.kill(1), true);
  spawn("a");
  spawn("b", other);
  background.killAll(owner);
  assert.deepEqual(pool.started.map(({ killed }) => killed), [true, true, true, false]);
  pool.end(3);
  assert.equal(background.kill(4, other), false, "it has ended");
});

Deno.test("background: output is told in lines with the PID, the rest of it before the end", () => {
  const { pool, owner, spawn } = make();
  spawn();
  const { handlers } = pool.started[0]!;
  handlers.output(bytesOf("one\ntw"));
  handlers.output(bytesOf("o\nthr"));
  assert.deepEqual(owner.lines, ["[1] one", "[1] two"]);
  handlers.output(new Uint8Array(10_000).fill(0x78));
  pool.end();
  assert.equal(owner.lines.at(-1), `[1] ${"x".repeat(10_003 - 2 * 4_096)}`);
  assert.equal(owner.lines.length, 5);
  assert.equal(owner.ends.length, 1);
});

Deno.test("background: Start, GracefulStop and Crash are told with code and time", () => {
  const { pool, owner, spawn } = make();
  spawn();
  spawn();
  spawn();
  spawn();
  const atMs = Date.UTC(2026, 0, 2, 3, 4, 5, 678);
  const start = { kind: "Start", atMs } as const;
  pool.started[0]!.handlers.ended({
    kind: "stopped",
    code: 1,
    events: [start, { kind: "GracefulStop", code: 1, atMs: atMs + 1 }],
  });
  pool.started[1]!.handlers.ended({
    kind: "trapped",
    code: 2,
    place: "x.iasm:4",
    events: [start, { kind: "Crash", code: 2, atMs: atMs + 2 }],
  });
  pool.started[2]!.handlers.ended({ kind: "refused", messages: ["x.iasm:1:1: no"] });
  pool.started[3]!.handlers.ended({ kind: "failed", text: "its worker died" });
  assert.deepEqual(owner.ends, [
    {
      headline: "program 1 (x.iasm): GracefulStop, code 1",
      events: [
        "  2026-01-02T03:04:05.678Z  Start",
        "  2026-01-02T03:04:05.679Z  GracefulStop, code 1",
      ],
      messages: [],
    },
    {
      headline: "program 2 (x.iasm): Crash, code 2 (division by zero) at x.iasm:4",
      events: [
        "  2026-01-02T03:04:05.678Z  Start",
        "  2026-01-02T03:04:05.680Z  Crash, code 2 (division by zero) at x.iasm:4",
      ],
      messages: [],
    },
    {
      headline: "program 3 (x.iasm): it is no program",
      events: [],
      messages: ["x.iasm:1:1: no"],
    },
    {
      headline: "program 4 (x.iasm): toolkit failed: its worker died",
      events: [],
      messages: [],
    },
  ]);
});
