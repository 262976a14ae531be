/** Five hosts on one network, and what networks do. */

import assert from "node:assert/strict";
import { lacksNamespaces } from "../support/requirements.ts";
import { TempDir, TestNode, toolkit } from "../support/toolkit.ts";
import { pause, waitFor } from "../support/wait.ts";
import { House } from "./house.ts";
import { Lab } from "./lab.ts";

const ignore = lacksNamespaces();
/** How long faults last that must do no harm; the whole minute with TOOLKIT_TEST_ALL. */
const FAULT_MS = Deno.env.has("TOOLKIT_TEST_ALL") ? 60_000 : 6_000;

async function doneBy(node: TestNode): Promise<string | null> {
  const { reminders } = await node.json("reminder", "status") as {
    reminders: { done_by: string | null }[];
  };
  return reminders[0]!.done_by;
}

async function stateSeenBy(node: TestNode, alias: string): Promise<string | undefined> {
  return (await node.members()).find((member) => member.alias === alias)?.state;
}

Deno.test({
  name: "five hosts: a partition, presses on both sides, and one house again",
  ignore,
  async fn() {
    await using house = await House.make(5);
    const { lab, nodes } = house;
    await lab.partition([0, 1], [2, 3, 4]);
    await nodes[0]!.sees(["hall", "kitchen"]);
    await nodes[4]!.sees(["attic", "cellar", "garden"]);
    assert.equal((await nodes[1]!.run("reminder", "done", "cat-litter")).code, 0);
    assert.equal((await nodes[3]!.run("reminder", "done", "cat-litter")).code, 0);
    await waitFor(
      "each side knows its own",
      async () => await doneBy(nodes[0]!) === "kitchen" && await doneBy(nodes[4]!) === "cellar",
    );
    await lab.heal();
    await house.isWhole();
    for (const node of nodes) {
      await waitFor(
        `${node.alias} knows the later press`,
        async () => await doneBy(node) === "cellar",
      );
      const { stdout } = await node.run("reminder", "history");
      assert.match(stdout, /by cellar[\s\S]*by kitchen/, "presses of both sides");
    }
  },
});

Deno.test({
  name: "five hosts: a pair cut one way harms nobody",
  ignore,
  async fn() {
    await using house = await House.make(5);
    await house.lab.cutOneWay(0, 1);
    await pause(FAULT_MS);
    assert.deepEqual(house.verdicts, []);
    assert.equal(await stateSeenBy(house.nodes[0]!, "kitchen"), "alive");
    assert.equal(await stateSeenBy(house.nodes[1]!, "hall"), "alive");
  },
});

Deno.test({
  name: "five hosts: ten percent loss on all links harms nobody, and presses get through",
  ignore,
  async fn() {
    await using house = await House.make(5);
    await house.lab.lose(10);
    const until = performance.now() + FAULT_MS;
    for (let i = 0; performance.now() < until; i++) {
      const presser = house.nodes[i % 5]!;
      assert.equal((await presser.run("reminder", "done", "cat-litter")).code, 0);
      for (const node of house.nodes) {
        await waitFor(`${node.alias} knows`, async () => await doneBy(node) === presser.alias);
      }
    }
    assert.deepEqual(house.verdicts, []);
  },
});

Deno.test({
  name: "five hosts: a process that stands still for 0.4 s is no event",
  ignore,
  async fn() {
    await using house = await House.make(5);
    const until = performance.now() + FAULT_MS;
    for (let i = 0; performance.now() < until; i++) {
      const { process } = house.nodes[i % 5]!;
      process.signal("SIGSTOP");
      await pause(400);
      process.signal("SIGCONT");
      await pause(1_500);
    }
    assert.deepEqual(house.verdicts, []);
  },
});

Deno.test({
  name: "five hosts: a pulled cable is noticed on both sides, and plugged in it heals",
  ignore,
  async fn() {
    await using house = await House.make(3);
    await house.lab.cable(2, false);
    await house.nodes[0]!.sees(["hall", "kitchen"]);
    await house.nodes[2]!.sees(["attic"]);
    await house.lab.cable(2, true);
    await house.isWhole();
  },
});

Deno.test({
  name: "a host that gets another address stays a member, and is found at the new one",
  ignore,
  async fn() {
    await using house = await House.make(3);
    const { lab, nodes } = house;
    await lab.exec(2, "ip", "addr", "del", `${lab.address(2)}/24`, "dev", "eth0");
    await lab.exec(2, "ip", "addr", "add", "10.77.0.99/24", "dev", "eth0");
    await house.isWhole(40_000);
    await waitFor(
      "the others know the new address",
      async () =>
        (await nodes[0]!.members()).some(({ alias, addresses }) =>
          alias === "attic" && addresses.some((address) => address.startsWith("10.77.0.99:"))
        ),
      40_000,
    );
    await nodes[2]!.process.says(/this node's addresses are now 10\.77\.0\.99:2254/, 15_000);
  },
});

Deno.test({
  name: "a host without a network waits for one, and joins when it is there",
  ignore,
  async fn() {
    await using lab = await Lab.make(2);
    await using dir = await TempDir.make();
    await toolkit(["cluster", "keygen", "--out", dir.file("key")]);
    const start = (host: number, alias: string) =>
      TestNode.start({
        alias,
        dataDir: dir.file(alias),
        prefix: lab.on(host),
        args: [
          ...["-H", "0.0.0.0", "-P", "2254", "--key-file", dir.file("key"), "--no-mdns"],
          ...["--join", lab.address(0)],
        ],
      });
    await using hall = await start(0, "hall");
    await lab.exec(1, "ip", "link", "set", "eth0", "down");
    await lab.exec(1, "ip", "addr", "flush", "dev", "eth0");
    await lab.exec(1, "ip", "link", "set", "lo", "down");
    await using attic = await start(1, "attic");
    await attic.process.says(/no address yet that others can reach/);
    await attic.process.says(/no luck yet/);
    assert.equal((await attic.run("reminder", "done", "cat-litter")).code, 0);
    await lab.exec(1, "ip", "link", "set", "lo", "up");
    await lab.exec(1, "ip", "addr", "add", `${lab.address(1)}/24`, "dev", "eth0");
    await lab.exec(1, "ip", "link", "set", "eth0", "up");
    await hall.sees(["hall", "attic"], 60_000);
    await waitFor("the press has come", async () => await doneBy(hall) === "attic");
  },
});

Deno.test({
  name: "nodes meet over IPv6, by name of address and by dual-stack sockets",
  ignore,
  async fn() {
    await using lab = await Lab.make(2);
    await using dir = await TempDir.make();
    await toolkit(["cluster", "keygen", "--out", dir.file("key")]);
    const start = (host: number, alias: string, bind: string) =>
      TestNode.start({
        alias,
        dataDir: dir.file(alias),
        prefix: lab.on(host),
        args: [
          ...["-H", bind, "-P", "2254", "--key-file", dir.file("key"), "--no-mdns"],
          ...["--join", "[fd77::10]:2254"],
        ],
      });
    await using hall = await start(0, "hall", "::");
    await using attic = await start(1, "attic", "fd77::11");
    await hall.sees(["hall", "attic"]);
    const { stdout } = await attic.run("reminder", "done", "cat-litter");
    assert.match(stdout, /all 2 members have it/);
    await waitFor("it has come", async () => await doneBy(hall) === "attic");
    const seen = (await attic.members()).find(({ alias }) => alias === "hall")!;
    assert.equal(seen.address, "[fd77::10]:2254");
    assert.ok(
      seen.rtt_ms !== null ||
        await waitFor(
          "datagrams pass",
          async () => (await attic.members()).find(({ alias }) => alias === "hall")!.rtt_ms,
        ),
    );
  },
});
