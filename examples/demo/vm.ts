/** The VM: its line in the core story, and a story of its own. */

import type { CliContext } from "../../cli/context.ts";
import { Problem } from "../../cluster/errors.ts";
import { writeAll } from "../../cluster/files.ts";
import type { House } from "./house.ts";
import { type DemoNode, environment, PROGRAM } from "./node.ts";
import type { Story } from "./story.ts";

const EXAMPLES = new URL("../vm/", import.meta.url).pathname;

export const VM_CONFIG = `[discovery]
mdns = false
[up]
parts = ["vm"]
[vm]
remote_access = true
client_port = 0
root = "${EXAMPLES}"
[vm.limits]
remote_fuel = 20_000_000
`;

const PATIENT = `.data
text: .asciiz "still here\\n"
.code
again: prts @text
  load $0 #0
wait: inc $0
  load $1 #2000000
  neq $0 $1
  djmpe @wait
  eq $0 $0
  djmpe @again
`;

export async function vmLine(story: Story): Promise<void> {
  story.step("a program runs on the register machine: toolkit vm run examples/vm/sieve.iasm");
  const started = performance.now();
  const primes = (await runProgram("sieve.iasm")).trim().split(/\s+/);
  story.saw(
    `it prints ${primes.length} primes, the last is ${primes.at(-1)}`,
    "assembling and running a program",
    performance.now() - started,
  );
}

export async function vmStory(context: CliContext, story: Story, house: House): Promise<void> {
  story.step("a program draws: toolkit vm run examples/vm/mandelbrot.iasm");
  const drawn = performance.now();
  const picture = await runProgram("mandelbrot.iasm");
  for (const line of picture.split("\n").slice(2, 23)) story.note(line.slice(0, 72));
  story.saw("in 63 lines of assembler", "assembling and drawing", performance.now() - drawn);

  await house.startAll(story);
  const [hall, kitchen] = house.nodes as [DemoNode, DemoNode, DemoNode];

  const port = /port (\d+)/.exec((await hall.says(/remote users are welcome/)).line)![1]!;
  story.step(`somebody comes over the network and types: nc 127.0.0.1 ${port}`);
  using remote = await Remote.open(Number(port));
  await remote.hears(">>> ");
  await tellTyped(story, remote, "load $0 #6 mul $0 $0 $0 prti $0", "36");
  await tellTyped(story, remote, "!load_file hello.iasm", "Hello, world!");

  story.step("and a program that never ends; a line of a remote user has so much fuel");
  const begun = performance.now();
  await tellTyped(story, remote, "eq $0 $0 forever: djmpe @forever", "trap 9: fuel limit");
  story.saw(
    "his session goes on",
    "20 million instructions, then stopped",
    performance.now() - begun,
  );

  story.step("the kitchen runs a program in the background: toolkit vm spawn patient.iasm");
  const file = `${house.folder}/patient.iasm`;
  await Deno.writeTextFile(file, PATIENT);
  const spawned = performance.now();
  const { pid } = await house.ask(context, kitchen, "vm.spawn", { path: file }) as { pid: number };
  const said = await kitchen.says(/still here/);
  story.note(said.line.replace(/^\S+ /, ""));
  story.saw(`PID ${pid}; its output is in the log`, "spawn to its first output", said.at - spawned);

  story.step(`and ends it: toolkit vm kill ${pid}`);
  const killed = performance.now();
  await house.ask(context, kitchen, "vm.kill", { pid });
  const ended = await kitchen.says(/Crash, code 10/);
  story.note(ended.line.replace(/^\S+ /, ""));
  story.saw("killed in the middle of a loop", "kill to its end", ended.at - killed);
}

async function runProgram(name: string): Promise<string> {
  const { code, stdout } = await new Deno.Command(Deno.execPath(), {
    args: [...PROGRAM, "vm", "run", `${EXAMPLES}${name}`],
    env: environment(),
    clearEnv: true,
    stderr: "inherit",
  }).output();
  if (code !== 0) throw new Problem(`vm run ended with ${code}`);
  return new TextDecoder().decode(stdout);
}

/** Types a line and shows it with the first line of the answer. */
async function tellTyped(
  story: Story,
  remote: Remote,
  line: string,
  answer: string,
): Promise<void> {
  await remote.type(line);
  const heard = await remote.hears(answer);
  await remote.hears(">>> ");
  story.note(`>>> ${line}`);
  story.note(heard.split("\n").find((text) => text.includes(answer)) ?? "");
}

/** A remote user with nothing but a TCP connection. */
class Remote {
  readonly #connection: Deno.TcpConn;
  #heard = "";

  private constructor(connection: Deno.TcpConn) {
    this.#connection = connection;
  }

  static async open(port: number): Promise<Remote> {
    return new Remote(await Deno.connect({ port }));
  }

  async type(line: string): Promise<void> {
    await writeAll(this.#connection, new TextEncoder().encode(`${line}\n`));
  }

  /** All up to and with a text. */
  async hears(text: string): Promise<string> {
    const buffer = new Uint8Array(4096);
    while (!this.#heard.includes(text)) {
      const count = await this.#connection.read(buffer);
      if (count === null) throw new Problem("the node hung up");
      this.#heard += new TextDecoder().decode(buffer.subarray(0, count));
    }
    const end = this.#heard.indexOf(text) + text.length;
    const heard = this.#heard.slice(0, end);
    this.#heard = this.#heard.slice(end);
    return heard;
  }

  [Symbol.dispose](): void {
    this.#connection.close();
  }
}
