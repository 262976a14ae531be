/**
 * Runs the project's checks and tests in parts, each within a stated budget, and says what they took.
 *
 *     deno task ok | test | test:all
 *
 * Tools from Debian that are missing make tests ignored, which is said; with `all` nothing may be.
 */

import { report, reportTable } from "../bench/support.ts";

interface Part {
  readonly name: string;
  readonly command: readonly string[];
  /** Seconds on two cores; more is a failure, so that slow tests are noticed while they are new. */
  readonly budgetS: number;
}

const DENO = Deno.execPath();
const SOURCES = ["main.ts", "cli", "cluster", "reminder", "vm", "tests", "bench", "examples"];
const test = (...folders: readonly string[]) => [DENO, "test", "-A", "--unstable-net", ...folders];

const OK: readonly Part[] = [
  { name: "format", command: [DENO, "fmt", "--check"], budgetS: 10 },
  { name: "lint", command: [DENO, "lint"], budgetS: 10 },
  { name: "types", command: [DENO, "check", ...SOURCES], budgetS: 40 },
  { name: "unit", command: test("tests/unit"), budgetS: 80 },
];
const TEST: readonly Part[] = [
  ...OK,
  { name: "simulation", command: test("tests/simulation"), budgetS: 60 },
  { name: "system", command: test("tests/system"), budgetS: 180 },
];
const ALL: readonly Part[] = [
  ...OK,
  { name: "simulation", command: test("tests/simulation"), budgetS: 300 },
  { name: "system", command: test("tests/system"), budgetS: 240 },
  { name: "lab", command: test("tests/lab"), budgetS: 600 },
  { name: "peers", command: test("tests/peers"), budgetS: 180 },
];
const SUITES: Readonly<Record<string, readonly Part[]>> = { ok: OK, test: TEST, all: ALL };

interface Outcome {
  readonly part: Part;
  readonly seconds: number;
  readonly ignored: number;
  readonly failure: string | undefined;
}

async function run(part: Part, everything: boolean): Promise<Outcome> {
  report(`— ${part.name}`);
  const [program, ...args] = part.command;
  const started = performance.now();
  const child = new Deno.Command(program!, {
    args,
    env: everything ? { TOOLKIT_TEST_ALL: "1" } : {},
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  let output = "";
  const shown = child.stdout.pipeThrough(new TextDecoderStream() as TransformStream);
  for await (const text of shown as ReadableStream<string>) {
    output += text;
    Deno.stdout.writeSync(new TextEncoder().encode(text));
  }
  const { code } = await child.status;
  const seconds = (performance.now() - started) / 1000;
  const ignored = Number(/\| (\d+) ignored/.exec(output)?.[1] ?? 0);
  const failure = code !== 0
    ? `ended with ${code}`
    : seconds > part.budgetS
    ? `took longer than its ${part.budgetS} s`
    : everything && ignored > 0
    ? `${ignored} tests were ignored`
    : undefined;
  return { part, seconds, ignored, failure };
}

const [name = "test"] = Deno.args;
const parts = SUITES[name];
if (parts === undefined) {
  report(`no suite ${name}; there are ${Object.keys(SUITES).join(", ")}`);
  Deno.exit(2);
}
const outcomes: Outcome[] = [];
for (const part of parts) outcomes.push(await run(part, name === "all"));
report("");
reportTable([
  ["PART", "RESULT", "TOOK", "BUDGET", "IGNORED"],
  ...outcomes.map(({ part, seconds, ignored, failure }) => [
    part.name,
    failure ?? "ok",
    `${Math.round(seconds)} s`,
    `${part.budgetS} s`,
    ignored === 0 ? "" : String(ignored),
  ]),
]);
if (outcomes.some(({ failure }) => failure !== undefined)) Deno.exit(1);
