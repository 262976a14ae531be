/** Several VMs as one cluster, from the REPL and as nodes without a terminal. */

import assert from "node:assert/strict";
import { parseHostPort } from "../../cluster/address.ts";
import type { TestProcess } from "../support/process.ts";
import { start, TempDir, TestNode } from "../support/toolkit.ts";

/** Enters a line and waits until what it tells is there; gives that. */
async function asks(repl: TestProcess, line: string, pattern: RegExp): Promise<string> {
  // Another line behind it marks the end of what it tells.
  const mark = String(repl.stdout.length);
  const before = repl.stdout.length;
  await repl.write(`${line}\nload $31 #${mark} prti $31\n`);
  await repl.says(new RegExp(`^${mark}$`, "m"));
  const told = repl.stdout.slice(before).replace(new RegExp(`${mark}\\n$`), "");
  assert.match(told, pattern, `${line}: ${told}${repl.stderr}`);
  return told;
}

function startRepl(dir: TempDir, alias: string): TestProcess {
  const args = ["--node-alias", alias, "--data-dir", dir.file(alias), "-P", "0", "--no-mdns"];
  return start(["vm", "repl", ...args]);
}

/** Alias, state and address of each member, as a table shows them. */
function membersIn(told: string): string[] {
  return told.split("\n").filter((line) => /alive/.test(line)).map((line) =>
    `${/\w+/.exec(line)![0]} ${/127\.0\.0\.1:\d+/.exec(line)![0]}`
  ).sort();
}

Deno.test("three REPLs: each joins from one address, again and again, and all see all (B35, B36, B37, B38)", async () => {
  await using dir = await TempDir.make();
  await using one = startRepl(dir, "one");
  await using two = startRepl(dir, "two");
  await using three = startRepl(dir, "three");
  const address = async (repl: TestProcess) => {
    const told = await asks(repl, "!start_cluster", /node \w+ \(\w+\) on 127\.0\.0\.1:\d+\n/);
    return /127\.0\.0\.1:(\d+)/.exec(told)!;
  };
  const [oneAt, onePort] = await address(one);
  await asks(one, "!start_cluster", /^already started: node one/m);
  await asks(two, "!cluster_members", /this REPL is on no cluster/);
  // Joining starts it, and a second and a third time is nothing (B35).
  const join = `!join_cluster 127.0.0.1 ${onePort}`;
  for (const repl of [two, two, two, three, three]) await asks(repl, join, /one .*alive/);
  await asks(two, `!join_cluster localhost ${onePort}`, /one .*alive/);
  await asks(one, join, /is this node itself/);
  await asks(one, `!join_cluster localhost ${onePort}`, /is this node itself/);
  const [twoAt, threeAt] = [(await address(two))[0], (await address(three))[0]];
  // Names and addresses of all are right, those of the ports that they listen on (B36, B37).
  const expected = [`one ${oneAt}`, `two ${twoAt}`, `three ${threeAt}`].sort();
  for (const repl of [one, two, three]) {
    for (;;) {
      const told = await asks(repl, "!cluster_members", /alive/);
      if (membersIn(told).length === 3) {
        assert.deepEqual(membersIn(told), expected);
        break;
      }
    }
  }
  // Nobody keeps others from being heard (B38): two goes, three may still join one, and one answers.
  await two.closeStdin();
  assert.equal((await two.ended).code, 0);
  await asks(three, join, /one .*alive/);
  await asks(one, "!cluster_members", /two .*left|three .*alive/);
  for (const repl of [one, three]) {
    await repl.write("!quit\n");
    assert.equal((await repl.ended).code, 0);
  }
});

Deno.test("!join_cluster where nobody is says so, and the REPL goes on (B47)", async () => {
  await using dir = await TempDir.make();
  await using repl = startRepl(dir, "lonely");
  const free = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = free.addr;
  free.close();
  await asks(repl, "!join_cluster", /^usage: !join_cluster HOST \[PORT\]$/m);
  await asks(repl, "!join_cluster 127.0.0.1 99999", /^usage: !join_cluster HOST \[PORT\]$/m);
  await asks(
    repl,
    `!join_cluster 127.0.0.1 ${port}`,
    new RegExp(`cannot join through 127\\.0\\.0\\.1:${port}: .*refused`),
  );
  await asks(repl, "!cluster_members", /lonely\* .*alive/);
  await repl.closeStdin();
  assert.equal((await repl.ended).code, 0);
});

Deno.test("three vm serve form a full mesh from one address", async () => {
  await using dir = await TempDir.make();
  await using stack = new AsyncDisposableStack();
  const nodes: TestNode[] = [];
  const aliases = ["hall", "kitchen", "attic"];
  for (const alias of aliases) {
    const node = await TestNode.start({
      alias,
      dataDir: dir.file(alias),
      command: ["vm", "serve"],
      args: nodes.length === 0 ? [] : ["--join", nodes[0]!.address],
    });
    stack.use(node);
    nodes.push(node);
  }
  for (const node of nodes) {
    await node.sees(aliases);
    const members = await node.members();
    for (const { alias, addresses, parts } of members) {
      const { address } = nodes.find((other) => other.alias === alias)!;
      assert.ok(addresses.includes(address), `${alias}: ${addresses}`);
      assert.deepEqual(parts, ["vm"]);
    }
  }
  const { port } = parseHostPort(nodes[1]!.address, 0);
  assert.ok(port > 0);
  assert.equal((await nodes[0]!.stop()).code, 0);
  await nodes[1]!.sees(["kitchen", "attic"]);
});
