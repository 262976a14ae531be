/** The pool with real workers. */

import assert from "node:assert/strict";
import type { Log } from "../../cluster/log.ts";
import type { JobEnd, JobSpec } from "../../vm/workers/messages.ts";
import { type JobHandle, WorkerPool } from "../../vm/workers/pool.ts";
import { PROGRAMS, programSpec, sessionSpec } from "../support/vm_jobs.ts";
import { waitFor } from "../support/wait.ts";

const SILENT: Log = { debug() {}, info() {}, warn() {}, error() {} };

/** A job and all that is told of it. */
class Told {
  readonly handle: JobHandle;
  readonly #ended = Promise.withResolvers<JobEnd>();
  text = "";
  wants = 0;
  ends = 0;

  constructor(pool: WorkerPool, spec: JobSpec, taken?: (bytes: number) => Promise<void>) {
    this.handle = pool.start(spec, {
      output: (bytes) => {
        this.text += new TextDecoder().decode(bytes);
        return taken?.(bytes.length);
      },
      wants: () => void this.wants++,
      ended: (end) => {
        this.ends++;
        this.#ended.resolve(end);
      },
    });
  }

  get ended(): Promise<JobEnd> {
    return this.#ended.promise;
  }

  line(line: string): void {
    this.handle.input({ type: "line", line });
  }
}

async function withPool(
  threads: number,
  run: (pool: WorkerPool, log: string[]) => Promise<void>,
): Promise<void> {
  const log: string[] = [];
  const pool = new WorkerPool({ threads, log: { ...SILENT, error: (text) => log.push(text) } });
  try {
    await run(pool, log);
  } finally {
    pool.close();
  }
}

Deno.test("pool: workers are started as jobs come, up to so many, and jobs are shared out", async () => {
  await withPool(2, async (pool) => {
    assert.equal(pool.threads, 0);
    const first = new Told(pool, programSpec(PROGRAMS.loop));
    assert.equal(pool.threads, 1);
    const others = [1, 2, 3].map(() => new Told(pool, programSpec(PROGRAMS.loop)));
    assert.equal(pool.threads, 2);
    await waitFor("all run", async () => {
      const all = [...(await pool.status()).values()];
      return all.length === 4 && all.every(({ instructions }) => instructions > 0);
      // The first start of a worker is type-checked, which takes its time on a busy machine.
    }, 60_000);
    for (const { handle } of [first, ...others]) handle.kill();
    for (const { ended } of [first, ...others]) assert.equal((await ended).kind, "trapped");
    assert.equal((await pool.status()).size, 0);
    assert.equal((await new Told(pool, programSpec(PROGRAMS.hello)).ended).kind, "stopped");
  });
});

Deno.test("pool: a busy worker hears kill, Ctrl-C and questions while it is busy", async () => {
  await withPool(1, async (pool) => {
    const session = new Told(pool, sessionSpec());
    session.line("eq $0 $0 a: inc $1 djmpe @a");
    const loops = Array.from({ length: 5 }, () => new Told(pool, programSpec(PROGRAMS.loop)));
    await waitFor("all run", async () => {
      const all = [...(await pool.status()).values()];
      return all.length === 6 && all.every(({ state }) => state === "running");
    });
    const before = session.wants;
    session.handle.input({ type: "interrupt" });
    await waitFor("it is interrupted", () => session.wants > before);
    assert.match(session.text, /interrupted at/);
    // They never end by themselves.
    for (const { handle, ended } of loops) {
      handle.kill();
      const end = await ended;
      assert.ok(end.kind === "trapped" && end.code === 10);
    }
    session.line("!quit");
    assert.deepEqual(await session.ended, { kind: "quit" });
  });
});

Deno.test("pool: a promise of whoever takes output holds back more, and parks the program", async () => {
  await withPool(1, async (pool) => {
    let gate = Promise.withResolvers<void>();
    let openBytes = 0;
    const printer = new Told(
      pool,
      programSpec(PROGRAMS.printer, { unreadBytes: 1_000 }),
      (count) => {
        openBytes += count;
        return gate.promise;
      },
    );
    const isParked = async () => [...(await pool.status()).values()][0]?.state === "parked";
    await waitFor("it is parked", isParked);
    assert.equal(openBytes, 1_000);
    assert.equal(printer.text.length, 1_000);
    gate.resolve();
    gate = Promise.withResolvers();
    await waitFor("it goes on", () => printer.text.length > 1_000);
    await waitFor("it is parked again", isParked);
    assert.equal(printer.text.length, 2_000);
    printer.handle.kill();
    assert.equal((await printer.ended).kind, "trapped");
    assert.equal(printer.text.length, 2_000, "nothing is told after the end");
  });
});

Deno.test("pool: a worker that dies ends its jobs with an error; the next runs in a new one", async () => {
  const made: Worker[] = [];
  const { Worker: RealWorker } = globalThis;
  globalThis.Worker = class extends RealWorker {
    constructor(...options: ConstructorParameters<typeof Worker>) {
      super(...options);
      made.push(this);
    }
  };
  try {
    await withPool(2, async (pool, log) => {
      const jobs = [1, 2, 3].map(() => new Told(pool, programSpec(PROGRAMS.loop)));
      assert.equal(made.length, 2);
      // No message of ours: whatever else makes a worker fail would do.
      made[0]!.postMessage(null);
      const asked = pool.status();
      const ended = await Promise.all([jobs[0]!.ended, jobs[2]!.ended]);
      for (const end of ended) {
        assert.ok(end.kind === "failed" && /its worker died/.test(end.text), JSON.stringify(end));
      }
      assert.equal((await asked).size, 1, "who asks it is answered all the same");
      assert.match(log.join(), /a worker has died with 2 programs/);
      assert.equal(pool.threads, 1);
      assert.equal(jobs[1]!.ends, 0, "the other goes on");
      assert.equal((await pool.status()).size, 1);
      const next = new Told(pool, programSpec(PROGRAMS.hello));
      assert.equal(made.length, 3);
      assert.equal((await next.ended).kind, "stopped");
      assert.equal(next.text, "hello\n");
      // Whoever speaks to the dead is not heard.
      jobs[0]!.handle.kill();
      jobs[1]!.handle.kill();
      await jobs[1]!.ended;
      assert.deepEqual(jobs.map(({ ends }) => ends), [1, 1, 1]);
    });
  } finally {
    globalThis.Worker = RealWorker;
  }
});

Deno.test("pool: close() ends workers where they are", async () => {
  const pool = new WorkerPool({ threads: 2, log: SILENT });
  const jobs = [1, 2].map(() => new Told(pool, programSpec(PROGRAMS.loop)));
  const asked = pool.status();
  pool.close();
  await asked;
  assert.equal(pool.threads, 0);
  assert.deepEqual(jobs.map(({ ends }) => ends), [0, 0]);
  assert.throws(() => new Told(pool, programSpec(PROGRAMS.loop)), /the pool is open/);
});

Deno.test("pool: equal files are translated once, and again when nobody runs them", async () => {
  await withPool(1, async (pool) => {
    const bytes = new TextEncoder().encode(`${PROGRAMS.loop}${"nop\n".repeat(20_000)}`);
    const many = Array.from(
      { length: 200 },
      () => new Told(pool, programSpec("", { bytes: bytes.slice(), imageKey: "k" })),
    );
    await waitFor("all run", async () => {
      const all = [...(await pool.status()).values()];
      return all.length === 200 && all.every(({ instructions }) => instructions > 0);
    }, 20_000);
    for (const { handle } of many) handle.kill();
    for (const { ended } of many) assert.equal((await ended).kind, "trapped");
    assert.equal((await new Told(pool, programSpec(PROGRAMS.hello)).ended).kind, "stopped");
  });
});
