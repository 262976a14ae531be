/** Programs whose output goes to a log: they must not have the node's thread to themselves. */

import assert from "node:assert/strict";
import { LogOwner } from "../../vm/log_owner.ts";

function logTo(lines: string[]) {
  const add = (line: string) => void lines.push(line);
  return { debug: add, info: add, warn: add, error: add };
}

const bytesOf = (text: string) => new TextEncoder().encode(text);

Deno.test("log owner: lines are logged as they are, and cannot forge others", async () => {
  const lines: string[] = [];
  const owner = new LogOwner(logTo(lines), 5);
  owner.started(1, "a.iasm");
  await owner.output(bytesOf("[1] one\n[1] t\x1b[2Jwo\n"));
  owner.ended({ pid: 1, program: "a.iasm", text: "GracefulStop, code 0", events: ["x"] });
  assert.deepEqual(lines, [
    "program 1 (a.iasm) started",
    "[1] one",
    "[1] t\ufffd[2Jwo",
    "program 1 (a.iasm): GracefulStop, code 0",
  ]);
  assert.equal(owner.fuel, 5);
});

Deno.test("log owner: a flood is held back, others get their turn, and its end is the end", async () => {
  const lines: string[] = [];
  const owner = new LogOwner(logTo(lines), Infinity);
  let taken = 0;
  const floods = [1, 2].map((pid) =>
    owner.output(bytesOf(`[${pid}] x\n`.repeat(50_000))).then(() => taken++)
  );
  // All that can go on without a pause has gone on when a timer comes.
  await new Promise((resolve) => setTimeout(resolve, 0));
  assert.ok(lines.length > 0 && lines.length <= 100, `${lines.length} lines at once`);
  assert.equal(taken, 0, "who prints is parked");
  const before = lines.length;
  while (lines.length === before) await new Promise((resolve) => setTimeout(resolve, 1));
  assert.ok(lines.some((line) => line.startsWith("[1]")));
  assert.ok(lines.some((line) => line.startsWith("[2]")));
  owner.close();
  const atEnd = lines.length;
  await Promise.all(floods);
  assert.equal(lines.length, atEnd);
});
