/** Files with programs: what is read of them, and for whom. */

import assert from "node:assert/strict";
import { Problem } from "../../cluster/errors.ts";
import { readerBelow, readProgramFile } from "../../vm/commands/program_files.ts";
import { TempDir } from "../support/toolkit.ts";

const SANITIZED = { sanitizeOps: true, sanitizeResources: true } as const;

Deno.test("program files: a device without an end is not read to its end", SANITIZED, async () => {
  const isUnreadable = (expected: RegExp) => (error: unknown) => {
    assert.ok(error instanceof Problem && error.exitCode === 66);
    assert.match(error.message, expected);
    return true;
  };
  await assert.rejects(readProgramFile("/dev/zero"), isUnreadable(/longer than any program/));
  await assert.rejects(
    readProgramFile("/nonexistent"),
    isUnreadable(/cannot read \/nonexistent: /),
  );
  await assert.rejects(readProgramFile("/"), isUnreadable(/cannot read \/: /));
  assert.equal((await readProgramFile("/dev/null")).length, 0);
});

Deno.test("program files: a pipe is read to its end", SANITIZED, async () => {
  await using dir = await TempDir.make();
  const path = dir.file("pipe");
  assert.ok((await new Deno.Command("mkfifo", { args: [path] }).output()).success);
  const writing = Deno.writeTextFile(path, "nop\n".repeat(50_000));
  assert.equal((await readProgramFile(path)).length, 200_000);
  await writing;
});

Deno.test("program files: the root of all files can be the root", async () => {
  await using dir = await TempDir.make();
  await Deno.writeTextFile(dir.file("x"), "hlt");
  assert.equal((await readerBelow("/")(dir.file("x"))).length, 3);
});
