import assert from "node:assert/strict";
import { PeersFile } from "../../cluster/discovery/peers_file.ts";
import {
  decodeRemembered,
  encodeRemembered,
  MAX_REMEMBERED,
} from "../../cluster/discovery/remembered.ts";
import { controlSocketPath, DataDir } from "../../cluster/data_dir.ts";
import { MalformedError, Problem } from "../../cluster/errors.ts";
import { readFileIfThere, replaceFile, setAside } from "../../cluster/files.ts";
import { generateKeyPair, keyPairOf, loadIdentity, nodeIdOf } from "../../cluster/identity.ts";
import { isNodeId, nodeIdOfBytes } from "../../cluster/ids.ts";
import {
  formatClusterKey,
  keyringOf,
  newClusterKey,
  parseClusterKey,
  readClusterKey,
  writeKeyFile,
} from "../../cluster/keys.ts";
import { NO_LOG } from "../../cluster/log.ts";
import { TempDir } from "../support/toolkit.ts";

const BYTES = new TextEncoder().encode("new");

async function modeOf(path: string): Promise<number> {
  return ((await Deno.stat(path)).mode ?? 0) & 0o777;
}

Deno.test("replaceFile() replaces a file whole, readable by its owner only, and leaves nothing behind", async () => {
  await using dir = await TempDir.make();
  const path = dir.file("state");
  await replaceFile(path, new TextEncoder().encode("old"));
  await replaceFile(path, BYTES);
  assert.equal(await Deno.readTextFile(path), "new");
  assert.equal(await modeOf(path), 0o600);
  assert.deepEqual((await Array.fromAsync(Deno.readDir(dir.path))).map(({ name }) => name), [
    "state",
  ]);
});

Deno.test("replaceFile() keeps the old file and cleans up when it fails", async () => {
  await using dir = await TempDir.make();
  // A folder cannot be replaced by a file.
  await Deno.mkdir(dir.file("state"));
  await assert.rejects(replaceFile(dir.file("state"), BYTES));
  const names = (await Array.fromAsync(Deno.readDir(dir.path))).map(({ name }) => name);
  assert.deepEqual(names, ["state"]);
});

Deno.test("setAside() and readFileIfThere() deal with files that are damaged or missing", async () => {
  await using dir = await TempDir.make();
  const path = dir.file("state");
  assert.equal(await readFileIfThere(path), undefined);
  await replaceFile(path, BYTES);
  const aside = await setAside(path);
  assert.equal(await readFileIfThere(path), undefined);
  assert.deepEqual(await readFileIfThere(aside), BYTES);
  await assert.rejects(readFileIfThere(dir.path));
});

Deno.test("DataDir is made for its owner only, and runs one node at a time", async () => {
  await using dir = await TempDir.make();
  const path = dir.file("deep/data");
  const first = await DataDir.open(path, { pid: Deno.pid, parts: ["reminder", "kv"] });
  assert.equal(await modeOf(path), 0o700);
  // flock belongs to the open file: even this very process cannot take it twice.
  await assert.rejects(
    DataDir.open(path, { pid: 1, parts: [] }),
    (error) =>
      error instanceof Problem && error.message.includes(`process ${Deno.pid} (reminder, kv)`) &&
      error.hint?.includes("toolkit up") === true,
  );
  first.close();
  (await DataDir.open(path, { pid: Deno.pid, parts: [] })).close();
});

Deno.test("DataDir says what is wrong with a path that cannot be one", async () => {
  await using dir = await TempDir.make();
  await Deno.writeTextFile(dir.file("file"), "");
  const holder = { pid: 1, parts: [] };
  await assert.rejects(DataDir.open(dir.file("file"), holder), Problem);
  await assert.rejects(DataDir.open(dir.file("file/below"), holder), Problem);
});

Deno.test("controlSocketPath() moves a socket whose path is too long for one", async () => {
  assert.equal(await controlSocketPath("/data", undefined), "/data/control.sock");
  const long = `/${"x".repeat(120)}`;
  const moved = await controlSocketPath(long, "/run/user/1000");
  assert.match(moved, /^\/run\/user\/1000\/toolkit-[0-9a-f]{16}\.sock$/);
  assert.equal(await controlSocketPath(long, "/run/user/1000"), moved);
  assert.notEqual(await controlSocketPath(`${long}y`, "/run/user/1000"), moved);
  await assert.rejects(controlSocketPath(long, undefined), /too long for a socket/);
});

Deno.test("loadIdentity() makes a key pair once and gives the same node ID ever after", async () => {
  await using dir = await TempDir.make();
  const first = await loadIdentity(dir.file("key"));
  const second = await loadIdentity(dir.file("key"));
  assert.equal(first.id, second.id);
  assert.deepEqual(first.publicKey, second.publicKey);
  assert.equal(await modeOf(dir.file("key")), 0o600);
});

Deno.test("loadIdentity() does not take a damaged key for a new node", async () => {
  await using dir = await TempDir.make();
  for (const text of ["", "abc", "zz".repeat(32), "00".repeat(31)]) {
    await Deno.writeTextFile(dir.file("key"), text);
    await assert.rejects(loadIdentity(dir.file("key")), Problem);
    assert.equal(await Deno.readTextFile(dir.file("key")), text, "it is left as it was");
  }
});

Deno.test("a node ID is a UUID of version 8 that follows from the public key", () => {
  const pair = generateKeyPair();
  const id = nodeIdOf(pair.publicKey);
  assert.ok(isNodeId(id), id);
  assert.equal(id[14], "8");
  assert.equal(nodeIdOf(pair.publicKey), id);
  assert.notEqual(nodeIdOf(generateKeyPair().publicKey), id);
  assert.throws(() => nodeIdOfBytes(new Uint8Array(15)), MalformedError);
  assert.throws(() => keyPairOf(new Uint8Array(31)), MalformedError);
});

Deno.test("writeKeyFile() writes a key for its owner only and never overwrites one", async () => {
  await using dir = await TempDir.make();
  const path = dir.file("cluster.key");
  await writeKeyFile(path);
  assert.equal(await modeOf(path), 0o600);
  const key = await readClusterKey(path);
  await assert.rejects(
    writeKeyFile(path),
    (error) => error instanceof Problem && /not overwritten/.test(error.message),
  );
  assert.deepEqual(await readClusterKey(path), key);
  await writeKeyFile(dir.file("new/folder/key"));
  await assert.rejects(writeKeyFile(`${path}/below-a-file`), Problem);
  await assert.rejects(readClusterKey("/dev/zero"), /no key file/);
});

Deno.test("readClusterKey() refuses a key that others can read, and says what to run", async () => {
  await using dir = await TempDir.make();
  const path = dir.file("cluster.key");
  await writeKeyFile(path);
  for (const mode of [0o640, 0o604, 0o644, 0o660]) {
    await Deno.chmod(path, mode);
    await assert.rejects(
      readClusterKey(path),
      (error) => error instanceof Problem && error.hint === `chmod 600 ${path}`,
    );
  }
  await Deno.chmod(path, 0o400);
  await readClusterKey(path);
  await assert.rejects(
    readClusterKey(dir.file("missing")),
    (error) => error instanceof Problem && /keygen/.test(error.hint ?? ""),
  );
});

Deno.test("parseClusterKey() reads what formatClusterKey() writes and shows no secret in errors", () => {
  const key = newClusterKey();
  assert.deepEqual(parseClusterKey(` ${formatClusterKey(key)}\n`, "x"), key);
  for (const text of ["", "short", formatClusterKey(key).slice(1), "!".repeat(43)]) {
    assert.throws(
      () => parseClusterKey(text, "the file"),
      (error) =>
        error instanceof Problem && error.message.startsWith("the file holds no cluster key") &&
        (text.length < 6 || !error.message.includes(text)),
    );
  }
});

Deno.test("keyringOf() derives other subkeys for another key and for another name", () => {
  const key = new Uint8Array(32).fill(1);
  const ids = [
    keyringOf("home", key),
    keyringOf("away", key),
    keyringOf("home", new Uint8Array(32).fill(2)),
    keyringOf("home", undefined),
  ].flatMap(({ primary }) => [primary.keyId, primary.psk, primary.macKey])
    .map((bytes) => bytes.toHex());
  assert.equal(new Set(ids).size, ids.length);
  assert.equal(keyringOf("home", undefined).secret, false);
});

Deno.test("decodeRemembered() reads what encodeRemembered() writes, and skips what is no peer", () => {
  const peer = { id: nodeIdOf(generateKeyPair().publicKey), addresses: ["a:1", "b:2"] };
  assert.deepEqual(decodeRemembered(encodeRemembered([peer])), [peer]);
  for (const text of ["", "[]", "null", "{}", '{"peers":3}']) {
    assert.equal(decodeRemembered(text), undefined);
  }
  const mixed = { peers: [3, null, { id: "x" }, { id: peer.id, addresses: [4, "a:1"] }] };
  assert.deepEqual(decodeRemembered(JSON.stringify(mixed)), [{ id: peer.id, addresses: ["a:1"] }]);
  const many = Array.from({ length: MAX_REMEMBERED + 10 }, () => peer);
  assert.equal(decodeRemembered(encodeRemembered(many))!.length, MAX_REMEMBERED);
});

Deno.test("PeersFile remembers peers, and sets a damaged file aside", async () => {
  await using dir = await TempDir.make();
  const dataDir = await DataDir.open(dir.path, { pid: Deno.pid, parts: [] });
  const peer = { id: nodeIdOf(generateKeyPair().publicKey), addresses: ["a:1"] };
  const file = new PeersFile(dataDir, NO_LOG);
  assert.deepEqual(await file.load(), []);
  file.save([peer]);
  await file.close();
  assert.deepEqual(await new PeersFile(dataDir, NO_LOG).load(), [peer]);
  await Deno.writeFile(dataDir.file("peers.json"), new Uint8Array([255, 254, 0]));
  assert.deepEqual(await new PeersFile(dataDir, NO_LOG).load(), []);
  assert.ok(await readFileIfThere(dataDir.file("peers.json.damaged")));
  dataDir.close();
});
