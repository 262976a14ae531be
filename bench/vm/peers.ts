/** Other languages, where they are installed: the same program, timed by itself. */

import { isInstalled } from "../../tests/support/requirements.ts";
import type { BenchProgram } from "./programs.ts";

export interface Timed {
  readonly ms: number;
  readonly result: number;
}

/** Runs a program once. */
export type Runner = () => Promise<Timed> | Timed;

export interface Peer {
  readonly name: string;
  readonly isHere: boolean;
  /** Makes ready what does not count: files in the folder, and for C the compiler. */
  prepare(program: BenchProgram, folder: string): Promise<Runner>;
}

export const GCC = "gcc -O2";
export const LUAJIT = "LuaJIT";
export const LUAJIT_OFF = "LuaJIT -joff";
export const LUA = "Lua 5.4";
export const PYTHON = "Python 3";

export const PEERS: readonly Peer[] = [
  {
    name: GCC,
    isHere: isInstalled("gcc"),
    async prepare({ c }, folder) {
      const [source, program] = [`${folder}/bench.c`, `${folder}/bench`];
      await Deno.writeTextFile(source, frameC(c));
      await output("gcc", "-O2", "-o", program, source);
      return async () => parse(await output(program));
    },
  },
  scriptPeer(LUAJIT, ["luajit"], ({ lua, luajit }) => frameLua(luajit ?? lua)),
  scriptPeer(LUAJIT_OFF, ["luajit", "-joff"], ({ lua, luajit }) => frameLua(luajit ?? lua)),
  scriptPeer(LUA, ["lua5.4"], ({ lua }) => frameLua(lua)),
  scriptPeer(PYTHON, ["python3"], ({ python }) => framePython(python)),
];

function scriptPeer(
  name: string,
  [tool, ...flags]: readonly [string, ...string[]],
  textOf: (program: BenchProgram) => string,
): Peer {
  return {
    name,
    isHere: isInstalled(tool),
    async prepare(program, folder) {
      const source = `${folder}/bench-${tool}`;
      await Deno.writeTextFile(source, textOf(program));
      return async () => parse(await output(tool, ...flags, source));
    },
  };
}

function frameC(body: string): string {
  return `#include <stdio.h>
#include <time.h>
static int fib(int n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }
int main(void) {
  struct timespec a, b; volatile int kept; int result;
  (void) fib;
  clock_gettime(CLOCK_MONOTONIC, &a);
  ${body}
  kept = result;
  clock_gettime(CLOCK_MONOTONIC, &b);
  printf("%f %d\\n", (b.tv_sec - a.tv_sec) * 1e3 + (b.tv_nsec - a.tv_nsec) / 1e6, kept);
}
`;
}

function frameLua(body: string): string {
  return `local started, result = os.clock()
do ${body} end
print((os.clock() - started) * 1000, result)
`;
}

function framePython(body: string): string {
  return `import time
def main():
    started = time.perf_counter()
${body}
    print((time.perf_counter() - started) * 1000, result)
main()
`;
}

async function output(...[program, ...args]: readonly string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(program!, { args }).output();
  if (!success) throw new Error(`${program}: ${new TextDecoder().decode(stderr)}`);
  return new TextDecoder().decode(stdout);
}

function parse(text: string): Timed {
  const [ms, result] = text.trim().split(/\s+/).map(Number);
  return { ms: ms!, result: result! };
}
