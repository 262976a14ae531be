/** docs/assembler.md: its program assembles, and its examples of errors are errors of that code. */

import assert from "node:assert/strict";
import { assemble } from "../../vm/assembler/index.ts";

const PAGE = await Deno.readTextFile(new URL("../../docs/assembler.md", import.meta.url));

Deno.test("the program in docs/assembler.md assembles", () => {
  const source = /```\n(; Counts[^`]*)```/.exec(PAGE)![1]!;
  assert.deepEqual(assemble(source).diagnostics, []);
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
