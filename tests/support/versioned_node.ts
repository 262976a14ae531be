/**
 * A bare node that speaks other protocol versions than this build, for tests of upgrades. Arguments:
 * alias, data dir, lowest and highest version, and addresses to look for. Prints its address and what
 * happens; ends when its standard input does.
 */

import { DataDir, IDENTITY_FILE } from "../../cluster/data_dir.ts";
import { loadIdentity } from "../../cluster/identity.ts";
import { keyringOf } from "../../cluster/keys.ts";
import { LAN } from "../../cluster/membership/config.ts";
import { Node } from "../../cluster/node.ts";
import { systemRandom } from "../../cluster/random.ts";

const [alias, path, lowest, highest, ...hosts] = Deno.args;
const dataDir = await DataDir.open(path!, { pid: Deno.pid, parts: ["test"] });
const print = (line: string) => Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));

const node = await Node.start({
  identity: await loadIdentity(dataDir.file(IDENTITY_FILE)),
  alias: alias!,
  keyring: keyringOf("toolkit", undefined),
  versions: { lowest: Number(lowest), highest: Number(highest) },
  membership: LAN,
  bindHost: "127.0.0.1",
  bindPort: 0,
  advertise: [],
  hosts,
  mdns: false,
  remember: true,
  maxSkewMs: 300_000,
  dataDir,
  services: [],
  random: systemRandom,
  log: { debug() {}, info: print, warn: print, error: print },
});
print(`listening on ${node.addresses[0]}`);
node.listen((event) => {
  if (event.type === "member") {
    print(`${node.core.mesh.peer(event.id)?.info?.alias} is ${event.state}`);
  }
});
for await (const _ of Deno.stdin.readable) { /* until it ends */ }
await node.stop();
dataDir.close();
Deno.exit(0);
