/** Programs in the background: PIDs, limits, owners, and what is told. Their workers are not needed. */

import assert from "node:assert/strict";
import { Problem } from "../../cluster/errors.ts";
import { Background, type Owner, type ProgramEnd } from "../../vm/background.ts";
import { PrefixedLines } from "../../vm/prefixed_lines.ts";
import type { VmLimits } from "../../vm/limits.ts";
import { DEFAULT_VM_LIMITS } from "../support/vm_limits.ts";
import type { JobStatus, ProgramSpec } from "../../vm/workers/messages.ts";
import type { JobHandlers } from "../../vm/workers/pool.ts";

class FakePool {
  /** Programs are not said to have begun. */
  holdsBack = false;
  readonly started: { spec: ProgramSpec; handlers: JobHandlers; killed: boolean }[] = [];

  readonly start = (spec: unknown, handlers: JobHandlers) => {
    const job = { spec: spec as ProgramSpec, handlers, killed: false };
    const id = this.started.push(job);
    if (!this.holdsBack) handlers.started?.();
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
  readonly outputs: Uint8Array[] = [];
  readonly programs = Infinity;
  fuel = Infinity;
  readonly ends: ProgramEnd[] = [];

  constructor(readonly name: string) {}

  started(): void {}

  output(lines: Uint8Array): void {
    this.outputs.push(lines);
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
async function refusal(spawn: () => Promise<unknown>): Promise<string> {
  try {
    await spawn();
  } catch (error) {
    assert.ok(error instanceof Problem);
    return `${error.message} | ${error.hint}`;
  }
  throw new Error("it was taken");
}

Deno.test("background: PIDs count up, begin again at 50000, and pass over those that run", async () => {
  const { pool, background, spawn } = make();
  assert.deepEqual([await spawn(), await spawn(), await spawn()], [1, 2, 3]);
  pool.end(0);
  assert.equal(await spawn(), 4, "a PID is not used again soon");
  pool.end(2);
  for (let pid = 5; pid <= 50_000; pid++) {
    assert.equal(await spawn(), pid);
    pool.end();
  }
  // 2 and 4 have run all the time.
  assert.deepEqual([await spawn(), await spawn(), await spawn()], [1, 3, 5]);
  assert.equal(background.count, 5);
});

Deno.test("background: so many programs run at a time, and one more when one has ended", async () => {
  const { pool, spawn } = make({ backgroundPrograms: 3 });
  for (let i = 0; i < 3; i++) await spawn();
  assert.match(
    await refusal(spawn),
    /^3 programs run in the background already \| end some: .*vm\.limits\.background_programs$/,
  );
  pool.end(1);
  await spawn();
  await refusal(spawn);
});

Deno.test("background: so many different programs run at a time; equal ones count once", async () => {
  const { pool, spawn } = make({ images: 2 });
  await spawn("a");
  await spawn("b");
  await spawn("a");
  assert.match(
    await refusal(() => spawn("c")),
    /^2 different programs run in the background already \| .*vm\.limits\.images$/,
  );
  pool.end(0);
  await refusal(() => spawn("c"));
  pool.end(2);
  await spawn("c");
  const keys = pool.started.map(({ spec }) => spec.imageKey);
  assert.equal(keys[0], keys[2]);
  assert.notEqual(keys[0], keys[1]);
});

Deno.test("background: limits reach the worker", async () => {
  const machine = { memoryBytes: 4_711, stackWords: 12 };
  const { pool, spawn } = make({ machine, unreadBytes: 99 });
  await spawn();
  const { limits, unreadBytes } = pool.started[0]!.spec;
  assert.deepEqual([limits, unreadBytes], [machine, 99]);
  assert.equal("fuelLimit" in pool.started[0]!.spec, false);
});

Deno.test("background: an owner sees and ends his own programs, and nobody else's", async () => {
  const { pool, background, owner, spawn } = make();
  const other = new FakeOwner("other");
  await spawn("a");
  await spawn("b", other);
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
  await spawn("a");
  await spawn("b", other);
  background.killAll(owner);
  assert.deepEqual(pool.started.map(({ killed }) => killed), [true, true, true, false]);
  pool.end(3);
  assert.equal(background.kill(4, other), false, "it has ended");
});

Deno.test("background: output goes to the owner, whose promise holds back more", async () => {
  const { pool, owner, spawn } = make();
  await spawn();
  const { handlers, spec } = pool.started[0]!;
  assert.equal(spec.prefix, "[1] ");
  handlers.output(bytesOf("[1] one\n"));
  assert.deepEqual(owner.outputs, [bytesOf("[1] one\n")]);
  const slow: Owner = {
    ...owner,
    name: "slow",
    output: () => new Promise(() => {}),
    started() {},
    ended() {},
  };
  await spawn("b", slow);
  assert.ok(pool.started[1]!.handlers.output(bytesOf("x\n")) instanceof Promise);
});

Deno.test("prefixed lines: whole lines with a prefix, long ones in pieces, the rest at the end", () => {
  const lines = new PrefixedLines("[1] ");
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  assert.equal(text(lines.add(bytesOf("one\ntw"))), "[1] one\n");
  assert.equal(text(lines.add(bytesOf("o\nthr"))), "[1] two\n");
  const long = text(lines.add(new Uint8Array(10_000).fill(0x78)));
  assert.equal(long.split("\n").length, 3);
  assert.equal(text(lines.end()), `[1] ${"x".repeat(10_003 - 2 * 4_096)}\n`);
  assert.equal(text(lines.end()), "");
});

Deno.test("background: what is no program is refused, with what is wrong with it", async () => {
  const { pool, background, owner, spawn } = make();
  pool.holdsBack = true;
  const spawned = refusal(() => spawn());
  while (pool.started.length === 0) await new Promise((resolve) => setTimeout(resolve, 0));
  const messages = Array.from({ length: 30 }, (_, i) => `x.iasm:${i}: no`);
  pool.started[0]!.handlers.ended({ kind: "refused", messages });
  const text = await spawned;
  assert.match(
    text,
    /^x\.iasm is no program:\nx\.iasm:0: no\n[^]*… and 18 more lines \| toolkit vm run/,
  );
  assert.deepEqual([background.count, owner.ends.length], [0, 0]);
});

Deno.test("background: an owner may have so many programs, with so much fuel", async () => {
  const { pool, spawn } = make();
  const owner = new FakeOwner("he");
  owner.fuel = 1_000;
  Object.assign(owner, { programs: 2 });
  await spawn("a", owner);
  await spawn("a", owner);
  assert.match(await refusal(() => spawn("a", owner)), /^2 programs of yours run/);
  assert.equal(pool.started[0]!.spec.fuelLimit, 1_000);
  await spawn("a");
  pool.end(0);
  await spawn("a", owner);
});

Deno.test("background: Start, GracefulStop and Crash are told with code and time", async () => {
  const { pool, owner, spawn } = make();
  await spawn();
  await spawn();
  await spawn();
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
    text: "division by zero",
    place: "x.iasm:4",
    events: [start, { kind: "Crash", code: 2, atMs: atMs + 2 }],
  });
  pool.started[2]!.handlers.ended({ kind: "failed", text: "its worker died" });
  const program = "x.iasm";
  assert.deepEqual(owner.ends, [
    {
      pid: 1,
      program,
      text: "GracefulStop, code 1",
      events: [
        "  2026-01-02T03:04:05.678Z  Start",
        "  2026-01-02T03:04:05.679Z  GracefulStop, code 1",
      ],
    },
    {
      pid: 2,
      program,
      text: "Crash, code 2 (division by zero) at x.iasm:4",
      events: [
        "  2026-01-02T03:04:05.678Z  Start",
        "  2026-01-02T03:04:05.680Z  Crash, code 2 (division by zero) at x.iasm:4",
      ],
    },
    { pid: 3, program, text: "toolkit failed: its worker died", events: [] },
  ]);
});
