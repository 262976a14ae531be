/** Other languages, where they are installed: the same program, timed by itself. */

import { isInstalled } from "../../tests/support/requirements.ts";
import type { BenchProgram } from "./programs.ts";

export interface Peer {
  readonly name: string;
  readonly isHere: boolean;
  /** Milliseconds, and the result. */
  run(
    program: BenchProgram,
    folder: string,
  ): Promise<{ readonly ms: number; readonly result: number }>;
}

export const PEERS: readonly Peer[] = [
  {
    name: "gcc -O2",
    isHere: isInstalled("gcc"),
    async run({ c }, folder) {
      const [source, program] = [`${folder}/bench.c`, `${folder}/bench`];
      await Deno.writeTextFile(source, frameC(c));
      await output("gcc", "-O2", "-o", program, source);
      return parse(await output(program));
    },
  },
  luaPeer("LuaJIT", "luajit", ({ lua, luajit }) => luajit ?? lua),
  luaPeer("Lua 5.4", "lua5.4", ({ lua }) => lua),
  {
    name: "Python 3",
    isHere: isInstalled("python3"),
    async run({ python }, folder) {
      const source = `${folder}/bench.py`;
      await Deno.writeTextFile(source, framePython(python));
      return parse(await output("python3", source));
    },
  },
];

function luaPeer(name: string, tool: string, textOf: (program: BenchProgram) => string): Peer {
  return {
    name,
    isHere: isInstalled(tool),
    async run(program, folder) {
      const source = `${folder}/bench.lua`;
      await Deno.writeTextFile(source, frameLua(textOf(program)));
      return parse(await output(tool, source));
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

function parse(text: string): { ms: number; result: number } {
  const [ms, result] = text.trim().split(/\s+/).map(Number);
  return { ms: ms!, result: result! };
}
