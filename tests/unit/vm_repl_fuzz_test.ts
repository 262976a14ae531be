/** Whatever is typed: the session answers, and can be used afterwards. */

import assert from "node:assert/strict";
import { below, chance, SeededRandom } from "../../cluster/random.ts";
import { assemble } from "../../vm/assembler/index.ts";
import { MNEMONICS } from "../../vm/isa.ts";
import { COMMANDS } from "../../vm/repl/commands.ts";
import type { Request } from "../../vm/repl/requests.ts";
import { Session } from "../../vm/repl/session.ts";

const WORDS = [
  ...["$0", "$1", "$31", "$32", "#0", "#1", "#68", "#72", "#100", "#-1", "#70000", "@a", "@b"],
  ...["a:", "b:", "a", "b", "76", "80", "1", "3", "999999999", "-1", "'x'", '"', ";", ".word"],
  ...[".data", "\t", "é", "\u{1f600}", "\ud800", "\0", "\x1b[2J", "%", "x.iasm"],
];
const FILES = [
  ".data\na: .asciiz 'text'\n.code\nb: prts @a\ncall @sub\nhlt\nsub: inc $0\nret",
  ".data\n.code\na: inc $0\neq $1 $1\ndjmpe @a",
  "a: getl $0 $1 $2\ndjmpe @a",
  "bogus",
];

function randomLine(random: SeededRandom): string {
  const words: string[] = [];
  if (chance(random, 250)) {
    const names = [...COMMANDS.keys()].filter((name) => name !== "!quit");
    words.push(names[below(random, names.length)]!);
  }
  for (let left = below(random, 8); left > 0; left--) {
    const table: readonly string[] = chance(random, 400) ? MNEMONICS : WORDS;
    words.push(table[below(random, table.length)]!);
  }
  return words.join(chance(random, 950) ? " " : "");
}

function randomFile(random: SeededRandom): Uint8Array {
  const source = FILES[below(random, FILES.length)]!;
  if (chance(random, 500)) return new TextEncoder().encode(source);
  const { image } = assemble(source, { debug: true });
  const bytes = image ?? new Uint8Array(80);
  if (chance(random, 500)) bytes[below(random, bytes.length)] = below(random, 256);
  return bytes;
}

/** What only a host can do is a file, or told. */
function answer(session: Session, request: Request, random: SeededRandom): void {
  if (request.type !== "file") session.answer({ type: "lines", lines: ["done"] });
  else {
    session.answer({ type: "file", path: request.path, bytes: randomFile(random) });
  }
}

Deno.test("repl: nothing that is typed ends a session or takes it out of step", () => {
  for (let seed = 1; seed <= 30; seed++) {
    const random = new SeededRandom(seed);
    const output = { bytes: 0 };
    const session = new Session({
      write: (bytes) => void (output.bytes += bytes.length),
      hasRoom: () => chance(random, 900),
      clockMs: () => 0,
      random32: () => random.u32(),
    });
    for (let line = 0; line < 150; line++) {
      session.enter(randomLine(random));
      for (let slices = 0; slices < 8; slices++) {
        const { state } = session;
        if (state.kind === "running" || state.kind === "parked") session.run(2_000);
        else if (state.kind === "asking") answer(session, state.request, random);
        else if (state.kind === "input" && chance(random, 500)) session.enter("some line");
        else if (state.kind === "path") session.enter(chance(random, 500) ? "x.iasm" : "");
        else break;
      }
      const { state } = session;
      if (state.kind === "asking") answer(session, state.request, random);
      if (session.state.kind !== "ready") session.interrupt();
      assert.equal(session.state.kind, "ready");
    }
    session.enter("!clear_program");
    session.enter("!reset");
    session.enter("load $7 #4321");
    session.run(1_000);
    assert.equal(session.program.machine.registers[7], 4_321, `seed ${seed}`);
    assert.equal(session.state.kind, "ready");
    assert.ok(output.bytes > 0);
  }
});
