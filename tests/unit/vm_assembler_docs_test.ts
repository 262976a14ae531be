/** docs/assembler.md: its program assembles, and its examples of errors are errors of that code. */

import assert from "node:assert/strict";
import { assemble, formatDiagnostics } from "../../vm/assembler/index.ts";
import { loadImage } from "../../vm/image.ts";
import { runImage } from "../support/vm_machines.ts";

const PAGE = await Deno.readTextFile(new URL("../../docs/assembler.md", import.meta.url));

Deno.test("the programs in docs/assembler.md do what they say", () => {
  const programs = [...PAGE.matchAll(/```\n([^`]*\.code\n[^`]*)```/g)].map(([, source]) => source!);
  const outputs = programs.map((source) => {
    const { image, diagnostics } = assemble(source);
    assert.deepEqual(diagnostics, []);
    const { exit, host } = runImage(loadImage(image!), "interpreter");
    assert.deepEqual([exit.kind, "code" in exit && exit.code], ["stopped", 0]);
    return host.text;
  });
  assert.deepEqual(outputs, ["done\n", "7\n7\n7\n"]);
});

Deno.test("errors look as docs/assembler.md shows them", () => {
  const shown = /```\n(loop\.iasm:7:9[^`]*)\n```/.exec(PAGE)![1]!;
  const source = ".data\n.code\n  load $0 #3\nagain:\n  dec $0\n  neq $0 $1\n  djmpe @agian\n";
  const { diagnostics } = assemble(source);
  const lines = formatDiagnostics(diagnostics, source, { fileName: "loop.iasm" });
  assert.equal(lines.join("\n"), shown);
});

Deno.test("the examples of errors in docs/assembler.md have the codes that it says", () => {
  const rows = [...PAGE.matchAll(/^\| `(\w+)` +\| [^|]+ \| (.*?) +\|$/gm)];
  assert.ok(rows.length >= 19, `${rows.length} rows`);
  for (const [, code, examples] of rows) {
    for (const [, example] of examples!.matchAll(/`([^`]+)`/g)) {
      const source = example!.startsWith(".") || example!.includes(".data")
        ? example!.startsWith(".asciiz") ? `.data x: ${example}\n.code hlt` : example!
        : `.data .code ${example}`;
      const codes = assemble(source).diagnostics.map(({ code }) => code);
      assert.ok(codes.some((found) => found === code), `${example}: ${codes}`);
    }
  }
});
