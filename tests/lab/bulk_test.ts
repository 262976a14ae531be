/** Big messages over a thin wire. */

import assert from "node:assert/strict";
import { lacksNamespaces } from "../support/requirements.ts";
import { startBareNode, TempDir } from "../support/toolkit.ts";
import { Lab } from "./lab.ts";

const COUNT = Deno.env.has("TOOLKIT_TEST_ALL") ? 3 : 1;
const BYTES = 16 * 1024 * 1024;
/** 16 MiB take 7 s at this rate. */
const RATE_KBIT = 20_000;

Deno.test({
  name: "messages of 16 MiB each way over 20 Mbit/s make nobody suspect",
  ignore: lacksNamespaces("tc"),
  async fn() {
    await using lab = await Lab.make(3);
    await using dir = await TempDir.make();
    await using stack = new AsyncDisposableStack();
    const start = (host: number, alias: string, hosts: readonly string[]) => {
      const bindHost = lab.address(host);
      const bulk = { count: host === 2 ? 0 : COUNT, bytes: BYTES };
      const options = { alias, dataDir: dir.file(alias), bindHost, hosts, bulk };
      return stack.use(startBareNode(options, lab.on(host)));
    };
    for (const host of [0, 1, 2]) assert.ok(await lab.slow(host, RATE_KBIT), "tc can shape");
    const hall = start(0, "hall", []);
    await hall.says(/listening on \S+/);
    const address = /listening on (\S+)/.exec(hall.stdout)![1]!;
    const kitchen = start(1, "kitchen", [address]);
    const attic = start(2, "attic", [address]);
    // Hall and kitchen send to each other and to the attic at the same time.
    const took = (from: string) => new RegExp(`(took ${BYTES} bytes from ${from}[^]*){${COUNT}}`);
    const limitMs = COUNT * 60_000;
    await kitchen.says(took("hall"), limitMs);
    await hall.says(took("kitchen"), limitMs);
    await attic.says(took("hall"), limitMs);
    await attic.says(took("kitchen"), limitMs);
    for (const { name, stdout } of [hall, kitchen, attic]) {
      assert.doesNotMatch(stdout, / is (suspect|failed)|not sent/, name);
    }
  },
});
