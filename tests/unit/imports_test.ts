/** The arrows of the house: main → parts → cluster, and never upstairs. */

import assert from "node:assert/strict";

const ROOT = new URL("../..", import.meta.url).pathname;
const ROOMS = ["cli", "cluster", "reminder", "kv", "vm"];

async function* sources(folder: string): AsyncGenerator<string> {
  for await (const entry of Deno.readDir(`${ROOT}${folder}`)) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory) yield* sources(path);
    else if (entry.name.endsWith(".ts")) yield path;
  }
}

/** The project's files that a file imports, as paths from the root. */
async function importsOf(path: string): Promise<string[]> {
  const text = await Deno.readTextFile(`${ROOT}${path}`);
  const found: string[] = [];
  for (const [, specifier] of text.matchAll(/(?:from|import)\s*\(?\s*"(\.[^"]+)"/g)) {
    const { pathname } = new URL(specifier!, `file:///${path}`);
    found.push(pathname.slice(1));
  }
  return found;
}

function roomOf(path: string): string {
  return path.split("/")[0]!;
}

/** Files that are commands, which may use cli/. */
function isCommand(path: string): boolean {
  return /(^|\/)(command\.ts$|commands\/)/.test(path);
}

async function allImports(): Promise<{ from: string; to: string }[]> {
  const all: { from: string; to: string }[] = [];
  for (const room of ROOMS) {
    try {
      for await (const from of sources(room)) {
        for (const to of await importsOf(from)) all.push({ from, to });
      }
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  return all;
}

Deno.test("no import runs upstairs, and parts do not import one another", async () => {
  const all = await allImports();
  assert.ok(all.length > 100, "the imports were found");
  const faults = all.filter(({ from, to }) => {
    const [room, other] = [roomOf(from), roomOf(to)];
    if (other === "main.ts" || other === "tests" || other === "bench") return true;
    if (room === other) return !isCommand(from) && isCommand(to);
    if (room === "cli") return other !== "cluster" || isCommand(to);
    if (other === "cli") return !isCommand(from);
    return room === "cluster" || other !== "cluster";
  });
  assert.deepEqual(faults, []);
});

Deno.test("cores know no clock, timer, socket, file or dice of their own", async () => {
  const cores = [
    "cluster/membership",
    "cluster/mesh",
    "cluster/simulation",
    "cluster/clock.ts",
    "cluster/node_core.ts",
    "cluster/consensus/lww.ts",
    "cluster/consensus/replica.ts",
    "cluster/consensus/stamp.ts",
    "cluster/transport/mux.ts",
    "reminder/core.ts",
    "reminder/urgency.ts",
    "vm/arena.ts",
    "vm/assembler",
    "vm/debug_info.ts",
    "vm/decode.ts",
    "vm/disassembler",
    "vm/disassembler.ts",
    "vm/engine.ts",
    "vm/host.ts",
    "vm/image.ts",
    "vm/interpreter.ts",
    "vm/isa.ts",
    "vm/machine.ts",
    "vm/program.ts",
    "vm/repl",
    "vm/state.ts",
    "vm/views.ts",
    "vm/wasm",
  ];
  const forbidden =
    /\b(Date\.now|new Date\(|performance\.now|setTimeout|setInterval|Math\.random|Math\.log|Math\.pow|Deno\.|crypto\.getRandomValues)/;
  for (const core of cores) {
    const files = core.endsWith(".ts") ? [core] : await Array.fromAsync(sources(core));
    assert.ok(files.length > 0, core);
    for (const file of files) {
      const text = await Deno.readTextFile(`${ROOT}${file}`);
      const code = text.replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, "");
      assert.equal(forbidden.exec(code)?.[0], undefined, file);
    }
  }
});
