/** The first of the two commands that everybody tries. */

import assert from "node:assert/strict";
import { TestProcess } from "../support/process.ts";

const DEMO = new URL("../../examples/demo/main.ts", import.meta.url).pathname;

function demo(...args: readonly string[]): TestProcess {
  const run = [Deno.execPath(), "run", "-A", "--no-prompt", "--unstable-net", "--cached-only"];
  return new TestProcess("demo", [...run, DEMO, ...args]);
}

Deno.test("the demo tells its story to the end, in less than 60 lines", async () => {
  await using process = demo();
  const { code, stdout, stderr } = await process.ended;
  assert.equal(code, 0, stdout + stderr);
  assert.equal(stderr, "");
  for (const step of ["three nodes", "is killed", "starts again", "everybody leaves"]) {
    assert.ok(stdout.includes(step), step);
  }
  assert.match(stdout, /crash known everywhere +\d/);
  assert.ok(stdout.split("\n").length < 60);
});

Deno.test("demo vm tells its story to the end, in less than 60 lines", async () => {
  await using process = demo("vm");
  const { code, stdout, stderr } = await process.ended;
  assert.equal(code, 0, stdout + stderr);
  assert.equal(stderr, "");
  for (const step of ["@@@@", ">>> load $0 #6", "36", "trap 9", "still here", "Crash, code 10"]) {
    assert.ok(stdout.includes(step), step);
  }
  assert.ok(stdout.split("\n").length < 60);
});

Deno.test("the demo refuses arguments that it does not know, and --keep without a terminal", async () => {
  for (const arg of ["--fast", "--keep"]) {
    await using process = demo(arg);
    const { code, stderr } = await process.ended;
    assert.equal(code, 2);
    assert.match(stderr, /^error: /);
  }
});
