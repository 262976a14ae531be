/** The VM's line in the story: a program of the examples, run as a user would. */

import { Problem } from "../../cluster/errors.ts";
import type { Story } from "./story.ts";

const MAIN = new URL("../../main.ts", import.meta.url).pathname;
const PROGRAM = new URL("../vm/sieve.iasm", import.meta.url).pathname;

export async function vmLine(story: Story): Promise<void> {
  story.step("a program runs on the register machine: toolkit vm run examples/vm/sieve.iasm");
  const started = performance.now();
  const { code, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-prompt", "--unstable-net", MAIN, "vm", "run", PROGRAM],
    stderr: "inherit",
  }).output();
  if (code !== 0) throw new Problem(`vm run ended with ${code}`);
  const primes = new TextDecoder().decode(stdout).trim().split(/\s+/);
  story.saw(
    `it prints ${primes.length} primes, the last is ${primes.at(-1)}`,
    "assembling and running a program",
    performance.now() - started,
  );
}
