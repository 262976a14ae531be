/** The REPL's session: lines in, text out. */

import assert from "node:assert/strict";
import { COMMANDS } from "../../vm/repl/commands.ts";
import { Session } from "../../vm/repl/session.ts";

/** A session that is driven as by a pipe. */
class Talk {
  readonly session: Session;
  readonly files: Record<string, string | Uint8Array> = {};
  #out = "";

  constructor() {
    const decoder = new TextDecoder();
    this.session = new Session({
      write: (bytes) => (this.#out += decoder.decode(bytes, { stream: true })),
      hasRoom: () => true,
      clockMs: () => 0,
      random32: () => 4,
    });
  }

  /** Enters lines, each as soon as one is wanted; gives all that was said. */
  say(...lines: readonly string[]): string {
    for (const line of lines) {
      this.session.enter(line);
      this.settle();
    }
    return this.heard();
  }

  settle(slices = 1_000): void {
    for (let left = slices; left > 0; left--) {
      const { state } = this.session;
      if (state.kind === "running") this.session.run(1_000);
      else if (state.kind === "asking" && state.request.type === "file") {
        this.#load(state.request.path);
      } else return;
    }
  }

  heard(): string {
    const text = this.#out;
    this.#out = "";
    return text;
  }

  get machine() {
    return this.session.program.machine;
  }

  register(index: number): number {
    return this.machine.registers[index]!;
  }

  #load(path: string): void {
    const file = this.files[path];
    if (file === undefined) {
      this.session.answer({ type: "lines", lines: [`cannot read ${path}`] });
    } else {
      const bytes = typeof file === "string" ? new TextEncoder().encode(file) : file;
      this.session.answer({ type: "file", path, bytes });
    }
  }
}

const COUNTING = ".data\ntext: .asciiz 'hi'\n.code\nload $0 #3\nagain: dec $0\nneq $0 $1\n" +
  "djmpe @again\nprts @text\nhlt\n";

Deno.test("repl: instructions that succeed are silent, and are done at once", () => {
  const talk = new Talk();
  assert.equal(talk.say("load $0 #5", "inc $0", "", "  ; a comment", "hlt", "inc $0"), "");
  assert.equal(talk.register(0), 7);
});

Deno.test("repl: all instructions of a line run, whatever their width was (B20)", () => {
  const talk = new Talk();
  assert.equal(talk.say("load $0 #5 push $0 pop $1 nop inc $1", "load $2 #-70000"), "");
  assert.deepEqual([talk.register(1), talk.register(2), talk.machine.sp], [6, -70_000, 0]);
});

Deno.test("repl: labels of a line and of earlier lines can be used, and declared again", () => {
  const talk = new Talk();
  assert.equal(talk.say("load $1 #10", "again: inc $0", "neq $0 $1", "djmpe @again"), "");
  assert.equal(talk.register(0), 10);
  assert.equal(talk.say("again: inc $2 load $3 #3 neq $2 $3 djmpe @again"), "");
  assert.equal(talk.register(2), 3);
  assert.match(talk.say("djmpe @agian"), /no label "agian"[^]*did you mean "again"/);
  assert.match(talk.say("!symbols"), / 84 {2}code {2}again\n/);
});

Deno.test("repl: what does not assemble changes nothing", () => {
  const talk = new Talk();
  talk.say("load $0 #5");
  assert.match(talk.say("inc $0 bogus"), /input:1:8: error\[UnknownMnemonic\]/);
  assert.match(talk.say("x: inc $0 djmpe @nowhere"), /UndefinedSymbol/);
  assert.match(talk.say(".data"), /sections belong in a file/);
  assert.match(talk.say("quit"), /Did you mean "!quit"\?/);
  assert.match(talk.say("djmpe @x"), /UndefinedSymbol/);
  assert.deepEqual([talk.register(0), talk.session.program.end], [5, 72]);
});

Deno.test("repl: traps are told with code, text and place, and the session goes on", () => {
  const talk = new Talk();
  assert.equal(
    talk.say("here: nop pop $1"),
    "trap 3: stack empty, at 72 (here + 4): pop $1\n",
  );
  assert.match(talk.say("div $0 $0 $0"), /^trap 2: division by zero, at 76/);
  assert.match(talk.say("igl"), /^stopped with code 1 at 80 \(here \+ 12\): igl\n$/);
  assert.equal(talk.say("inc $0"), "");
  assert.equal(talk.register(0), 1);
});

Deno.test("repl: extensions can be typed; output is not glued to what we say", () => {
  const talk = new Talk();
  assert.equal(talk.say("load $0 #7 prti $0"), "7");
  assert.equal(talk.say("pop $0").slice(0, 7), "\ntrap 3");
  assert.equal(talk.say("rand $1 prti $1"), "4");
});

Deno.test("repl: lines go to a program that reads, whatever they look like", () => {
  const talk = new Talk();
  assert.equal(talk.say("load $1 #64 getl $0 $1 $2"), "");
  assert.equal(talk.session.state.kind, "input");
  assert.equal(talk.say("!quit"), "");
  assert.equal(talk.session.state.kind, "ready");
  assert.deepEqual([talk.register(2), talk.machine.flag], [5, true]);
  assert.equal(new TextDecoder().decode(talk.machine.heap().subarray(0, 5)), "!quit");
  assert.ok(!talk.session.history.includes("!quit"));
});

Deno.test("repl: the end of input reaches a program that reads, and only it (B46)", () => {
  const talk = new Talk();
  talk.say("load $1 #64 getl $0 $1 $2");
  talk.session.endInput();
  talk.settle();
  assert.deepEqual([talk.session.state.kind, talk.machine.flag], ["ready", false]);
});

Deno.test("repl: an empty line is nothing (B46)", () => {
  const talk = new Talk();
  assert.equal(talk.say("", "   ", "\t"), "");
  assert.deepEqual(talk.session.history, []);
});

Deno.test("repl: Ctrl-C stops a program, not the session; !continue goes on", () => {
  const talk = new Talk();
  talk.session.enter("eq $0 $0 again: inc $1 djmpe @again");
  talk.settle(10);
  assert.equal(talk.session.state.kind, "running");
  talk.session.interrupt();
  assert.match(talk.heard(), /^interrupted at 7[26] \(again/);
  const before = talk.register(1);
  assert.ok(before > 1_000);
  talk.session.enter("!continue");
  talk.settle(10);
  assert.ok(talk.register(1) > before);
  talk.session.interrupt();
  talk.session.enter("load $2 #9 getl $0 $2 $3");
  talk.settle();
  talk.session.interrupt();
  assert.equal(talk.session.state.kind, "ready");
  assert.match(talk.heard(), /getl/);
});

Deno.test("repl: !clear_program empties the program and resets pc (B21)", () => {
  const talk = new Talk();
  talk.say("load $0 #5", "there: inc $0", "!break 68", "!clear_program");
  assert.deepEqual([talk.session.program.end, talk.machine.pc, talk.register(0)], [68, 68, 6]);
  assert.equal(talk.heard(), "");
  assert.equal(talk.say("inc $0"), "");
  assert.equal(talk.register(0), 7);
  assert.equal(talk.say("!symbols", "!break"), "none\nnone\n");
  assert.match(talk.say("djmpe @there"), /UndefinedSymbol/);
});

Deno.test("repl: !load_file replaces the program, also a second time (B19, B45)", () => {
  const talk = new Talk();
  talk.files["count.iasm"] = COUNTING;
  talk.say("load $5 #1", "inc $5");
  const told = "hi\nstopped with code 0 at 92 (again + 16): hlt\n";
  assert.equal(talk.say("!load_file count.iasm"), told);
  assert.equal(talk.register(5), 0);
  assert.equal(talk.say("!load_file count.iasm"), told);
  assert.equal(talk.say("prts @text"), "hi");
  assert.match(talk.say("!symbols"), / 0 {2}data {2}text\n +76 {2}code {2}again\n/);
});

Deno.test("repl: !load_file asks for a path; a file that is none changes nothing", () => {
  const talk = new Talk();
  talk.files["a b.iasm"] = COUNTING;
  talk.files["bad.iasm"] = ".data\n.code\nbogus\n";
  talk.files["bad.ir"] = "EPIE and no more";
  talk.say("load $0 #5");
  talk.session.enter("!load_file");
  assert.equal(talk.session.state.kind, "path");
  assert.equal(talk.say(""), "");
  assert.equal(talk.say("!load_file nowhere"), "cannot read nowhere\n");
  assert.match(talk.say("!load_file bad.iasm"), /bad\.iasm:3:1: error\[UnknownMnemonic\]/);
  assert.match(talk.say("!load_file bad.ir"), /^bad\.ir: truncated/);
  assert.equal(talk.register(0), 5);
  assert.match(talk.say("!load_file", " a b.iasm "), /^hi\nstopped with code 0/);
});

Deno.test("repl: breakpoints, steps and !continue after !reset", () => {
  const talk = new Talk();
  talk.files["count.iasm"] = COUNTING;
  talk.say("!load_file count.iasm");
  assert.equal(talk.say("!break again"), "breakpoint at 76 (again): dec $0\n");
  assert.equal(talk.say("!break"), "76 (again): dec $0\n");
  assert.equal(talk.say("!reset", "!continue"), "break at 76 (again): dec $0\n");
  assert.equal(talk.say("!step"), "80 (again + 4): neq $0 $1\n");
  assert.equal(talk.say("!continue"), "break at 76 (again): dec $0\n");
  assert.match(talk.say("!step 2"), /^80.*\n84 \(again \+ 8\): djmpe @again\n$/);
  assert.match(talk.say("!disasm again"), /^again:\n\* {5}76 {2}dec \$0\n[^]*\n> {5}84/);
  assert.equal(talk.say("!break @again"), "no breakpoint any more at 76 (again): dec $0\n");
  assert.match(talk.say("!continue"), /^hi\nstopped with code 0/);
  assert.match(talk.say("!break nowhere"), /^no instruction at nowhere/);
  assert.match(talk.say("!break 77"), /^no instruction at 77/);
  assert.match(talk.say("!step 2x"), /^usage: !step/);
});

Deno.test("repl: at the end there is nothing to continue", () => {
  const talk = new Talk();
  assert.match(talk.say("!continue"), /^the program is at its end; !reset/);
  talk.say("inc $0");
  assert.match(talk.say("!step"), /^the program is at its end/);
  assert.equal(talk.say("!reset", "!step"), "stopped with code 1 at 72, the end\n");
  assert.equal(talk.register(0), 1);
});

Deno.test("repl: registers, heap, stack and program are shown, and cleared by name", () => {
  const talk = new Talk();
  talk.say("load $3 #77 loadf64 $2 #3 push $3 setm $0 $3");
  assert.match(talk.say("!registers"), / \$3 {10}77\n[^]*\npc 84 {2}sp 1 /);
  assert.match(talk.say("!float_registers"), / f2 +3\n? /);
  assert.match(talk.say("!heap"), /^ {7}0 {2}4d 00 [^]* M\.+\n[^]*heap of 64 bytes\n$/);
  assert.match(talk.say("!heap 16 16"), /^ {6}16 .*\nheap of/);
  assert.match(talk.say("!heap x"), /^usage/);
  assert.equal(talk.say("!stack"), "       0  77\nstack of 1 word\n");
  assert.match(talk.say("!stack -1"), /^usage/);
  assert.match(talk.say("!program"), /^ {6}68 {4}0 {3}3 {3}0 {2}77\n/);
  talk.say("!clear_registers");
  assert.deepEqual([talk.register(3), talk.machine.floats[2], talk.machine.sp], [0, 3, 1]);
  talk.say("!reset");
  assert.deepEqual([talk.machine.floats[2], talk.machine.sp, talk.machine.pc], [0, 0, 68]);
});

Deno.test("repl: !history tells the lines, !help every command, !quit ends", () => {
  const talk = new Talk();
  assert.equal(talk.say("nop", "!history"), "nop\n!history\n");
  const help = talk.say("!help");
  for (const name of COMMANDS.keys()) assert.ok(help.includes(`  ${name} `), name);
  assert.equal(talk.say("!quit"), "Farewell! Have a great day!\n");
  assert.equal(talk.session.state.kind, "ended");
  assert.equal(talk.say("nop"), "");
});

Deno.test("repl: unknown commands are told with a near one", () => {
  const talk = new Talk();
  assert.equal(talk.say("!regsters"), 'Invalid command! Did you mean "!registers"?\n');
  assert.equal(talk.say("!sym"), 'Invalid command! Did you mean "!symbols"?\n');
  assert.equal(talk.say("!HELP"), 'Invalid command! Did you mean "!help"?\n');
  assert.equal(talk.say("!"), "Invalid command! !help lists the commands.\n");
});

Deno.test("repl: no command minds missing or odd arguments (B47)", () => {
  for (const name of COMMANDS.keys()) {
    for (const argument of ["", " a b c", " 999999999 7", " @ #", " -1", " \u{1f600}"]) {
      const talk = new Talk();
      talk.say("x: nop", name + argument);
      if (talk.session.state.kind === "path") talk.session.interrupt();
      if (talk.session.state.kind === "asking") talk.session.answer({ type: "lines", lines: [] });
      if (name !== "!quit") assert.equal(talk.session.state.kind, "ready", name + argument);
    }
  }
});

Deno.test("docs/repl.md lists every command as !help does, and its first lines are true", async () => {
  const page = await Deno.readTextFile(new URL("../../docs/repl.md", import.meta.url));
  for (const [name, { usage = "", brief }] of COMMANDS) {
    const row = `| \`${`${name} ${usage}`.trim().replaceAll("|", "\\|")}\``;
    const found = page.split("\n").find((line) => line.startsWith(row));
    assert.ok(found?.includes(`| ${brief}`), name);
  }
  const talk = new Talk();
  talk.say("load $0 #6 mul $0 $0 $0", "prti $0", "load $1 #40");
  const told = talk.say("again: inc $0 neq $0 $1 djmpe @again", "pop $2").trim();
  assert.ok(page.includes(told), told);
});

Deno.test("repl: what a program writes without a newline is its prompt", () => {
  const talk = new Talk();
  talk.files["ask.iasm"] = '.data\na: .asciiz "one\\n\\x1b[1mtwo\\t? "\n.code\n' +
    "prts @a\nload $1 #9\ngetl $0 $1 $2\nhlt\n";
  talk.say("!load_file ask.iasm");
  assert.equal(talk.session.transcript.unfinishedLine, "two? ");
  talk.session.transcript.lineTyped();
  assert.equal(talk.session.transcript.unfinishedLine, "");
});

Deno.test("repl: one command shows a bounded part of what is large, and how to go on", () => {
  const talk = new Talk();
  talk.say("load $0 #0 lui $0 #0", "load $0 #3 lui $0 #0", "aloc $0", "load $1 #1");
  const heap = talk.say("!heap 0 1000000");
  assert.match(heap, /^… and 131136 more bytes; !heap 65536 goes on\nheap of 196672 bytes$/m);
  assert.ok(heap.split("\n").length < 4_200);
  assert.match(talk.say("!heap 196608"), /^heap of 196672 bytes$/m);

  talk.say("load $2 #10000 push $1 dec $2 neq $2 $3 load $4 #96 jmpe $4");
  assert.match(talk.say("!stack 100000"), /^… and \d+ more words\nstack of \d+ words$/m);

  for (let n = 0; n < 50; n++) talk.say("nop ".repeat(100));
  const all = talk.say("!disasm");
  const next = /^… and \d+ more bytes; !disasm (\d+) goes on$/m.exec(all)![1]!;
  assert.ok(all.split("\n").length < 4_200);
  assert.match(talk.say(`!disasm ${next}`), new RegExp(`^ +${next}  nop$`, "m"));
  assert.match(talk.say("!program"), /^… and \d+ more bytes$/m);
});

Deno.test("repl: a program that only grows is full some time, and can be emptied", () => {
  const talk = new Talk();
  const line = "nop ".repeat(8_192);
  for (let n = 0; n < 32; n++) assert.equal(talk.say(line), "");
  assert.equal(talk.say("nop"), "the program is full; !clear_program empties it\n");
  assert.equal(talk.say("!clear_program", "nop"), "");
  const labels = (from: number) =>
    Array.from({ length: 1_024 }, (_, i) => `l${from + i}:`).join(" ");
  for (let n = 0; n < 64; n++) talk.say(`${labels(n * 1_024)} nop`);
  assert.equal(talk.say("nop"), "the program is full; !clear_program empties it\n");
});

Deno.test("repl: a breakpoint at the first instruction stops there after !reset, and lets go once", () => {
  const talk = new Talk();
  talk.say("load $0 #1", "inc $0", "!break 68", "!reset");
  assert.equal(talk.say("!continue"), "break at 68: load $0 #1\n");
  assert.match(talk.say("!continue"), /^stopped with code 1 at 76, the end$/m);
  assert.equal(talk.register(0), 2);
});

Deno.test("repl: an interrupt that comes when nothing runs is no event", () => {
  const talk = new Talk();
  assert.equal(talk.session.interrupt(), false);
  assert.equal(talk.say("load $0 #5", "prti $0"), "5");
  talk.say("eq $0 $0 x: djmpe @x");
  assert.equal(talk.session.interrupt(), true);
  assert.equal(talk.session.interrupt(), false);
  assert.match(talk.heard(), /^\n?interrupted at /);
});

Deno.test("repl: who looks for the way in or out is told it", () => {
  const talk = new Talk();
  for (const word of ["help", "?"]) assert.equal(talk.say(word), 'Did you mean "!help"?\n');
  for (const word of ["quit", "EXIT"]) assert.equal(talk.say(word), 'Did you mean "!quit"?\n');
});

Deno.test("repl: !clear forgets all", () => {
  const talk = new Talk();
  talk.say("x: load $0 #5 push $0", "!clear");
  assert.deepEqual([talk.register(0), talk.machine.sp], [0, 0]);
  assert.equal(talk.say("!symbols"), "none\n");
  assert.equal(talk.say("!program"), "none\n");
  assert.equal(talk.say("load $0 #6 prti $0"), "6");
});
