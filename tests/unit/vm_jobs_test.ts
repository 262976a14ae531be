/** The jobs of one worker: turns, limits, ends; driven without a worker. */

import assert from "node:assert/strict";
import { JobsDriver, PROGRAMS } from "../support/vm_jobs.ts";

Deno.test("jobs: endless programs take turns, each as often as the others", () => {
  const driver = new JobsDriver();
  const ids = Array.from({ length: 9 }, (_, i) => i + 1);
  for (const id of ids) driver.startProgram(id, PROGRAMS.loop);
  assert.equal(driver.run(900), true);
  const used = driver.status().map(({ instructions }) => instructions);
  assert.equal(used.length, 9);
  assert.ok(used[0]! > 1_000_000);
  // Those that have just come go first: that is a turn at most.
  assert.ok(Math.max(...used) - Math.min(...used) <= 2 * 500_000, used.join());
});

Deno.test("jobs: one that is started later, or woken often, gets no more than its turns", () => {
  const driver = new JobsDriver();
  driver.startProgram(1, PROGRAMS.loop);
  driver.startProgram(2, PROGRAMS.loop);
  // Messages for a job that is ready do not make it ready twice.
  for (let i = 0; i < 100; i++) driver.send({ type: "taken", job: 1, bytes: 0 });
  driver.run(20);
  const [one, two] = driver.status();
  assert.equal(one!.instructions, two!.instructions);
});

Deno.test("jobs: mail is read between two turns, not after all of them", () => {
  const driver = new JobsDriver();
  for (const id of [1, 2, 3]) driver.startProgram(id, PROGRAMS.loop);
  driver.run(1);
  const used = driver.status().map(({ instructions }) => instructions);
  assert.deepEqual(used.map((count) => count > 0), [true, false, false]);
});

Deno.test("jobs: what is short is done at once, without a timer", () => {
  const driver = new JobsDriver();
  driver.mailWaits = false;
  driver.startProgram(1, PROGRAMS.hello);
  assert.equal(driver.endOf(1)?.kind, "stopped");
  driver.startSession(2);
  driver.line(2, "load $0 #7 prti $0");
  assert.match(driver.textOf(2), /7\n$/);
});

Deno.test("jobs: kill ends what loops, what is parked, and what has not begun", () => {
  const driver = new JobsDriver();
  driver.startProgram(1, PROGRAMS.loop);
  driver.startProgram(2, PROGRAMS.printer);
  driver.run(20);
  assert.deepEqual(driver.status().map(({ state }) => state), ["running", "parked"]);
  driver.startProgram(3, PROGRAMS.loop);
  for (const job of [1, 2, 3]) driver.send({ type: "kill", job });
  assert.equal(driver.run(), false);
  for (const job of [1, 2, 3]) {
    const end = driver.endOf(job);
    assert.ok(end?.kind === "trapped" && end.code === 10, JSON.stringify(end));
    assert.deepEqual(end.events.map(({ kind }) => kind), ["Start", "Crash"]);
  }
  assert.deepEqual(driver.status(), []);
  // A second one, and messages for who has ended, are nothing.
  driver.forget();
  driver.send({ type: "kill", job: 1 }, { type: "taken", job: 2, bytes: 5 });
  driver.line(3, "nop");
  assert.equal(driver.run(), false);
  assert.deepEqual(driver.posted, []);
});

Deno.test("jobs: an endless printer is parked at its limit, and goes on as it is taken", () => {
  const driver = new JobsDriver();
  driver.startProgram(1, PROGRAMS.printer, { unreadBytes: 1_000 });
  assert.equal(driver.run(), false, "it is parked, in the middle of a slice");
  assert.equal(driver.outputOf(1).length, 1_000);
  assert.equal(driver.statusOf(1)?.state, "parked");
  driver.send({ type: "taken", job: 1, bytes: 500 });
  driver.run();
  assert.equal(driver.outputOf(1).length, 1_500);
  let taken = 500;
  for (let i = 0; i < 200; i++) {
    const sent = driver.outputOf(1).length;
    assert.ok(sent - taken <= 1_010);
    driver.send({ type: "taken", job: 1, bytes: sent - taken });
    taken = sent;
    driver.run();
  }
  const text = driver.textOf(1);
  assert.equal(text.length, 201_500);
  assert.equal(text, "012345678\n".repeat(text.length / 10), "nothing is lost or said twice");
});

Deno.test("jobs: others run while one is parked, and it costs them nothing", () => {
  const driver = new JobsDriver();
  driver.startProgram(1, PROGRAMS.printer);
  driver.startProgram(2, PROGRAMS.loop);
  driver.run(50);
  const before = driver.statusOf(1)!.instructions;
  const loopBefore = driver.statusOf(2)!.instructions;
  driver.run(50);
  assert.equal(driver.statusOf(1)!.instructions, before);
  assert.ok(driver.statusOf(2)!.instructions > loopBefore);
});

Deno.test("jobs: what has ended is told after its output, with its events", () => {
  const driver = new JobsDriver();
  driver.startProgram(1, PROGRAMS.hello);
  driver.startProgram(2, PROGRAMS.division);
  driver.startProgram(3, "bogus $0\n");
  driver.run();
  assert.deepEqual(driver.posted.filter(({ type }) => type !== "status").map(({ type }) => type), [
    "started",
    "started",
    "output",
    "ended",
    "ended",
    "ended",
  ]);
  const [hello, division, bogus] = [1, 2, 3].map((job) => driver.endOf(job));
  assert.ok(hello?.kind === "stopped" && hello.code === 0);
  assert.deepEqual(hello.events.map(({ kind }) => kind), ["Start", "GracefulStop"]);
  assert.ok(division?.kind === "trapped" && division.code === 2);
  assert.equal(division.place, "test.iasm:4");
  assert.ok(bogus?.kind === "refused" && /UnknownMnemonic/.test(bogus.messages.join()));
});

Deno.test("jobs: the fuel of a whole run is limited", () => {
  const driver = new JobsDriver();
  driver.startProgram(1, PROGRAMS.loop, { fuelLimit: 3_000_000 });
  driver.run(5);
  assert.equal(driver.statusOf(1)?.state, "running");
  driver.run();
  const end = driver.endOf(1);
  assert.ok(end?.kind === "trapped" && end.code === 9);
});

Deno.test("jobs: a fault of ours ends its job, and no other", () => {
  const driver = new JobsDriver();
  driver.startProgram(1, PROGRAMS.loop);
  // No machine can be made of this: it stands for any fault at a start.
  driver.startProgram(2, PROGRAMS.loop, { limits: { memoryBytes: 1, stackWords: 1 } });
  const failed = driver.endOf(2);
  assert.ok(failed?.kind === "failed" && /heap limit/.test(failed.text));
  driver.startSession(3);
  // And these for any fault while it runs or is told something.
  driver.send({ type: "input", job: 3, input: { type: "what" } as never });
  assert.equal(driver.endOf(3)?.kind, "failed");
  driver.run(5);
  assert.deepEqual(driver.status().map(({ job }) => job), [1]);
  driver.send({ type: "kill", job: 1 });
  driver.run();
  assert.equal(driver.endOf(1)?.kind, "trapped");
});

Deno.test("jobs: when no program is left the memory of all is given back", () => {
  const made: WebAssembly.Memory[] = [];
  const Memory = WebAssembly.Memory;
  WebAssembly.Memory = class extends Memory {
    constructor(descriptor: WebAssembly.MemoryDescriptor) {
      super(descriptor);
      made.push(this);
    }
  };
  try {
    const driver = new JobsDriver();
    const limits = { memoryBytes: 1_000_000, stackWords: 1_000 };
    const round = (ids: readonly number[]) => {
      for (const id of ids) driver.startProgram(id, PROGRAMS.heapEater, { limits });
      driver.run(100);
      return ids.map((id) => driver.endOf(id)!).map((end) =>
        end.kind === "trapped" ? end.code : NaN
      );
    };
    assert.deepEqual(round([1, 2]), [8, 8]);
    const afterTwo = made.length;
    assert.equal(afterTwo, 2, "one for both, and one for those to come");
    // One that could not even be started is not counted for ever.
    driver.startProgram(3, PROGRAMS.loop, { limits: { memoryBytes: 1, stackWords: 1 } });
    assert.equal(driver.endOf(3)?.kind, "failed");
    assert.deepEqual(round([4]), [8]);
    assert.ok(made.length > afterTwo);
    assert.equal(made.at(-1)!.buffer.byteLength, 65_536, "nothing is in the new one");
    driver.startProgram(5, PROGRAMS.loop);
    driver.run(2);
    const withOne = made.length;
    assert.deepEqual(round([6]), [8]);
    assert.equal(made.length, withOne, "while one runs its memory stays");
  } finally {
    WebAssembly.Memory = Memory;
  }
});

Deno.test("jobs: ten thousand hostile programs in a row are each stopped and named", () => {
  const driver = new JobsDriver();
  const limits = { memoryBytes: 100_000, stackWords: 1_000 };
  const kinds = [
    ["loop", 10],
    ["heapEater", 8],
    ["stackEater", 3],
    ["division", 2],
    ["printer", 10],
  ] as const;
  // A hundred at a time, since those of equal files are translated once.
  for (let first = 0; first < 10_000; first += 100) {
    const jobs = Array.from({ length: 100 }, (_, i) => first + i);
    for (const job of jobs) {
      const [kind] = kinds[job % kinds.length]!;
      driver.startProgram(job, PROGRAMS[kind], { limits, name: `${kind}.iasm`, unreadBytes: 100 });
    }
    // Each has its first turn, and some computing ones a second one in between.
    driver.run(2 * jobs.length);
    for (const job of jobs) driver.send({ type: "kill", job });
    assert.equal(driver.run(), false);
    for (const job of jobs) {
      const [kind, code] = kinds[job % kinds.length]!;
      const end = driver.endOf(job);
      assert.ok(end?.kind === "trapped" && end.code === code, `${kind}: ${JSON.stringify(end)}`);
      assert.ok(end.place.startsWith(`${kind}.iasm:`), end.place);
    }
    driver.forget();
  }
  assert.deepEqual(driver.status(), []);
});

Deno.test("jobs: a hundred hostile programs at a time leave room for one that is good", () => {
  const driver = new JobsDriver();
  const limits = { memoryBytes: 1_000_000, stackWords: 1_000 };
  const kinds = Object.values(PROGRAMS);
  for (let job = 1; job <= 100; job++) {
    driver.startProgram(job, kinds[job % kinds.length]!, { limits });
  }
  driver.startProgram(101, PROGRAMS.hello);
  driver.run(200);
  assert.equal(driver.textOf(101), "hello\n");
  assert.equal(driver.endOf(101)?.kind, "stopped");
});

// -- sessions -------------------------------------------------------------------------------------

Deno.test("jobs: a session says what it wants, runs lines, and ends when told", () => {
  const driver = new JobsDriver();
  driver.startSession(1);
  assert.deepEqual(driver.posted.map(({ type }) => type), ["output", "wants"]);
  assert.equal(driver.textOf(1), "Welcome to Iridium! Let's be productive!\n");
  driver.forget();
  driver.line(1, "load $0 #7 prti $0");
  driver.run();
  assert.equal(driver.textOf(1), "7\n");
  assert.equal(driver.wantsOf(1), "ready");
  driver.forget();
  driver.line(1, "here: nop");
  driver.run();
  const wants = driver.posted.find((message) => message.type === "wants");
  assert.deepEqual(wants?.wants.labels, [{ name: "here", section: "code" }]);
  driver.line(1, "!quit");
  driver.run();
  assert.match(driver.textOf(1), /Farewell/);
  assert.deepEqual(driver.endOf(1), { kind: "quit" });
  assert.deepEqual(driver.status(), []);
});

Deno.test("jobs: a session asks, and goes on with the answer", () => {
  const driver = new JobsDriver();
  driver.startSession(1);
  driver.forget();
  driver.line(1, "!load_file x.iasm");
  const asked = driver.posted.find((message) => message.type === "request");
  assert.deepEqual(asked?.request, { type: "file", path: "x.iasm" });
  assert.equal(driver.wantsOf(1), undefined, "it wants nothing until it is answered");
  assert.equal(driver.statusOf(1)?.state, "waiting");
  // Neither a line nor Ctrl-C is taken for the answer.
  driver.line(1, "prti $0");
  driver.send({ type: "input", job: 1, input: { type: "interrupt" } });
  const bytes = new TextEncoder().encode(PROGRAMS.hello);
  driver.send({ type: "answer", job: 1, answer: { type: "file", path: "x.iasm", bytes } });
  driver.run();
  assert.match(driver.textOf(1), /^hello\nstopped with code 0/);
  assert.equal(driver.wantsOf(1), "ready");
  // An answer to nothing is nothing.
  driver.forget();
  driver.send({ type: "answer", job: 1, answer: { type: "lines", lines: ["what?"] } });
  driver.run();
  assert.equal(driver.textOf(1), "");
});

Deno.test("jobs: Ctrl-C stops a session's program that runs, is parked, or reads", () => {
  const driver = new JobsDriver();
  const interrupt = () => driver.send({ type: "input", job: 1, input: { type: "interrupt" } });
  driver.startSession(1, { unreadBytes: 100 });
  driver.send({ type: "taken", job: 1, bytes: driver.outputOf(1).length });
  for (
    const [line, state] of [
      ["eq $0 $0 a: inc $1 djmpe @a", "running"],
      ["eq $0 $0 b: prti $0 djmpe @b", "parked"],
      ["load $3 #9 getl $0 $3 $4", "waiting"],
    ] as const
  ) {
    driver.forget();
    driver.line(1, line);
    driver.run(3);
    assert.equal(driver.statusOf(1)?.state, state, line);
    if (state === "waiting") assert.equal(driver.wantsOf(1), "input");
    else assert.equal(driver.wantsOf(1), undefined);
    interrupt();
    driver.run();
    assert.match(driver.textOf(1), /interrupted at .*\n!continue goes on\n$/);
    assert.equal(driver.wantsOf(1), "ready");
    driver.send({ type: "taken", job: 1, bytes: driver.outputOf(1).length });
  }
  driver.forget();
  driver.line(1, "prti $3");
  driver.run();
  assert.equal(driver.textOf(1), "9\n");
});

Deno.test("jobs: a session can be ended while its program runs, is parked, or reads", () => {
  const lines = [
    "eq $0 $0 a: inc $1 djmpe @a",
    "eq $0 $0 b: prti $0 djmpe @b",
    "load $3 #9 getl $0 $3 $4",
    "!load_file x",
    "!load_file",
    "",
  ];
  const driver = new JobsDriver();
  for (const [job, line] of lines.entries()) {
    driver.startSession(job, { unreadBytes: 100 });
    driver.line(job, line);
  }
  driver.run(20);
  for (const job of lines.keys()) driver.send({ type: "kill", job });
  assert.equal(driver.run(), false);
  for (const job of lines.keys()) assert.deepEqual(driver.endOf(job), { kind: "quit" });
});

Deno.test("jobs: a line of a session has so much fuel, and the next has as much again", () => {
  const driver = new JobsDriver();
  driver.startSession(1, { fuelPerLine: 2_000_000 });
  driver.line(1, "eq $0 $0 a: inc $1 djmpe @a");
  driver.run();
  assert.match(driver.textOf(1), /trap 9: fuel limit/);
  assert.equal(driver.wantsOf(1), "ready");
  const used = driver.statusOf(1)!.instructions;
  assert.ok(used >= 2_000_000 && used < 2_000_100, String(used));
  driver.line(1, "!continue");
  driver.run();
  assert.ok(driver.statusOf(1)!.instructions >= 4_000_000);
});

Deno.test("jobs: sessions have a machine each, with limits of its own", () => {
  const driver = new JobsDriver();
  driver.startSession(1, { limits: { memoryBytes: 1_000, stackWords: 3 } });
  driver.startSession(2);
  driver.forget();
  driver.line(1, "load $0 #936 aloc $0");
  driver.line(2, "prti $0");
  driver.run();
  assert.deepEqual([driver.textOf(1), driver.textOf(2)], ["", "0\n"]);
  driver.line(1, "inc $1 aloc $1");
  driver.run();
  assert.match(driver.textOf(1), /^trap 8: memory limit/);
  driver.forget();
  driver.line(1, "push $0 push $0 push $0");
  driver.run();
  assert.equal(driver.textOf(1), "");
  driver.line(1, "push $0");
  driver.run();
  assert.match(driver.textOf(1), /^trap 3/);
});

Deno.test("jobs: no command of a session says more than the session can bear", () => {
  const driver = new JobsDriver();
  driver.startSession(1, { unreadBytes: 1_000_000 });
  for (
    const line of [
      "load $0 #60000 cloop #100 a: aloc $0 loop @a",
      "cloop #65535 b: push $2 loop @b cloop #65535 c: push $2 loop @c",
      "nop ".repeat(12_000),
    ]
  ) {
    driver.line(1, line);
    driver.run();
  }
  for (
    const [line, last] of [
      ["!heap 0 999999999", /heap of 606\d{4} bytes\n$/],
      ["!stack 999999999", /stack of 131072 words\n$/],
      ["!program", /… and \d+ more bytes\n$/],
      ["!disasm", /; !disasm 16448 goes on\n$/],
      ["!disasm 40068", /; the end\n$/],
    ] as const
  ) {
    driver.forget();
    driver.line(1, line);
    driver.run();
    assert.equal(driver.endOf(1), undefined, line);
    const text = driver.textOf(1);
    assert.match(text.slice(-100), last);
    assert.ok(text.split("\n").length <= 10_010, line);
    driver.send({ type: "taken", job: 1, bytes: text.length });
  }
});
