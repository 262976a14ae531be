/** The real program and multicast DNS: nodes that nobody told of each other, as avahi sees them too. */

import assert from "node:assert/strict";
import { Avahi } from "../lab/avahi.ts";
import { Lab } from "../lab/lab.ts";
import { lacksNamespaces } from "../support/requirements.ts";
import { TempDir, TestNode, toolkit } from "../support/toolkit.ts";
import { waitFor } from "../support/wait.ts";

const ignore = lacksNamespaces("avahi-daemon", "avahi-browse", "dbus-daemon");
const SERVICE = "_toolkit._udp";

Deno.test({
  name: "nodes find one another by mDNS alone, strangers not, and avahi sees them come and go",
  ignore,
  async fn() {
    await using lab = await Lab.make(4);
    await using dir = await TempDir.make();
    await using avahi = await Avahi.start(lab, 3);
    const key = dir.file("key");
    await toolkit(["cluster", "keygen", "--out", key]);
    const start = (host: number, alias: string, ...args: readonly string[]) =>
      TestNode.start({
        alias,
        dataDir: dir.file(alias),
        prefix: lab.on(host),
        args: ["-H", "0.0.0.0", "-P", "2254", "--key-file", key, ...args],
      });
    await using hall = await start(0, "hall");
    await using attic = await start(1, "attic");
    await using stranger = await start(2, "stranger", "--cluster-name", "neighbours");
    await hall.sees(["hall", "attic"], 20_000);
    await attic.sees(["hall", "attic"], 20_000);
    const ways = [...await hall.members(), ...await attic.members()].map(({ found_by: way }) =>
      way
    );
    assert.ok(ways.includes("mdns"), `${ways}`);
    assert.deepEqual((await stranger.members()).map(({ alias }) => alias), ["stranger"]);
    assert.doesNotMatch(stranger.process.stderr, /no luck|turned away/);

    const id = (await hall.members())[0]!.id;
    const instance = `hall-${id.slice(0, 8)}`;
    const ofHall = async () =>
      (await avahi.browse(SERVICE)).filter((service) => service.instance === instance);
    const seen = await waitFor("avahi sees the node", async () => (await ofHall())[0], 15_000);
    assert.equal(seen.host, `toolkit-${id}.local`);
    assert.equal(seen.address, lab.address(0));
    assert.equal(seen.port, 2254);
    assert.ok(seen.texts.includes(`id=${id}`), `${seen.texts}`);

    await hall.stop();
    const isGone = async () => (await ofHall()).length === 0;
    await waitFor("avahi sees the goodbye", isGone, 15_000);
  },
});

Deno.test({
  name: "a node bound to loopback neither announces itself nor listens to announcements",
  ignore,
  async fn() {
    await using lab = await Lab.make(2);
    await using dir = await TempDir.make();
    await using avahi = await Avahi.start(lab, 1);
    await using node = await TestNode.start({
      alias: "hall",
      dataDir: dir.file("hall"),
      prefix: lab.on(0),
    });
    assert.doesNotMatch(node.process.stderr, /mDNS/);
    assert.deepEqual(await avahi.browse(SERVICE), []);
    await node.stop();
  },
});
