import assert from "node:assert/strict";
import { isaPage } from "../../vm/isa_docs.ts";

const PAGE = new URL("../../docs/isa.md", import.meta.url);

Deno.test("docs/isa.md is what vm/isa.ts says", async () => {
  if (Deno.env.get("UPDATE_DOCS") === "1") await Deno.writeTextFile(PAGE, isaPage());
  assert.equal(
    await Deno.readTextFile(PAGE),
    isaPage(),
    "after a change of vm/isa.ts: UPDATE_DOCS=1 deno test -A tests/unit/vm_isa_docs_test.ts",
  );
});
