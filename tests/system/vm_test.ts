/** Programs on the command line. */

import assert from "node:assert/strict";
import { encodeDebugInfo } from "../../vm/debug_info.ts";
import { makeImage } from "../../vm/image.ts";
import { start, TempDir, toolkit } from "../support/toolkit.ts";

const EXAMPLES = new URL("../../examples/vm/", import.meta.url).pathname;
const FOREVER = ".data\nx: .asciiz 'again '\n.code\neq $0 $0\nagain: djmpe @again\n";
const CHATTY = ".data\nx: .asciiz 'again '\n.code\neq $0 $0\nagain: prts @x\ndjmpe @again\n";

async function fileWith(dir: TempDir, text: string): Promise<string> {
  const path = dir.file("program.iasm");
  await Deno.writeTextFile(path, text);
  return path;
}

Deno.test("vm run prints what the program prints, and ends with its code", async () => {
  const { code, stdout, stderr } = await toolkit(["vm", "run", `${EXAMPLES}hello.iasm`]);
  assert.deepEqual([code, stdout, stderr], [0, "Hello, world!\n", ""]);
  await using dir = await TempDir.make();
  const noEnd = await fileWith(dir, ".data\n.code\nnop\n");
  assert.equal((await toolkit(["vm", "run", noEnd])).code, 1);
});

Deno.test("vm asm and vm disasm are each other's reverse, and vm run takes both", async () => {
  await using dir = await TempDir.make();
  const [image, source, again] = [dir.file("a.ir"), dir.file("b.iasm"), dir.file("c.ir")];
  assert.equal((await toolkit(["vm", "asm", `${EXAMPLES}sieve.iasm`, "-o", image, "-g"])).code, 0);
  await Deno.writeTextFile(source, (await toolkit(["vm", "disasm", image])).stdout);
  assert.equal((await toolkit(["vm", "asm", source, "-o", again])).code, 0);
  assert.deepEqual(await Deno.readFile(again), await Deno.readFile(image));
  const outputs = await Promise.all(
    [`${EXAMPLES}sieve.iasm`, image].map(async (path) =>
      (await toolkit(["vm", "run", path])).stdout
    ),
  );
  assert.equal(outputs[0], outputs[1]);
  assert.ok(outputs[0]!.length > 0);
});

Deno.test("vm run tells errors of the source with their place, and ends with 65", async () => {
  await using dir = await TempDir.make();
  const path = await fileWith(dir, ".data\n.code\nagain: djmpe @agian\nhlt\n");
  const { code, stderr } = await toolkit(["vm", "run", path]);
  assert.equal(code, 65);
  assert.match(stderr, /program\.iasm:3:14: error\[UndefinedSymbol\]: no label "agian"/);
  assert.match(stderr, /did you mean "again"\?/);
});

Deno.test("vm run ends with 64, 65 and 66 for what is wrong before the program begins", async () => {
  await using dir = await TempDir.make();
  const broken = dir.file("broken.ir");
  await Deno.writeFile(broken, new TextEncoder().encode("EPIE and no more"));
  assert.equal((await toolkit(["vm", "run"])).code, 64);
  assert.equal((await toolkit(["vm", "run", broken])).code, 65);
  assert.equal((await toolkit(["vm", "run", dir.file("none")])).code, 66);
});

Deno.test("a trap ends with its code, and names the line and the label", async () => {
  await using dir = await TempDir.make();
  const path = await fileWith(dir, ".data\n.code\nload $0 #1\nagain: div $0 $1 $2\nhlt\n");
  const { code, stderr } = await toolkit(["vm", "run", path]);
  assert.equal(code, 2);
  assert.match(stderr, /trap 2: division by zero, at \S+program\.iasm:4 \(again/);
});

Deno.test("a trap in an image whose debug information is broken, or hostile, is told as well", async () => {
  await using dir = await TempDir.make();
  const path = dir.file("trap.ir");
  const symbols = [{ name: "\x1b[2J", section: "code", value: 0 }] as const;
  const cases: readonly (readonly [Uint8Array, RegExp])[] = [
    [Uint8Array.of(9, 9, 9), /^trap 3: .*, at address 72\n$/],
    [encodeDebugInfo({ fileName: "", symbols, lines: [5] }), /^trap 3: .*, at \S*trap\.ir:5\n$/],
  ];
  for (const [debug, told] of cases) {
    const parts = { version: 0, readOnly: new Uint8Array(), code: Uint8Array.of(45, 0, 0, 0) };
    await Deno.writeFile(path, makeImage({ ...parts, debug }));
    const { code, stderr } = await toolkit(["vm", "run", path]);
    assert.equal(code, 3);
    assert.match(stderr, told);
  }
});

Deno.test("both engines report the same, to the last instruction", async () => {
  const reportOf = async (engine: string) => {
    const args = ["vm", "run", "--json", "--engine", engine, "--fuel", "12345", "--seed", "1"];
    const { code, stdout } = await toolkit([...args, `${EXAMPLES}sieve.iasm`]);
    const { time_ms: _time, engine: name, ...rest } = JSON.parse(stdout);
    assert.equal(name, engine);
    return [code, rest];
  };
  assert.deepEqual(await reportOf("wasm"), await reportOf("interpreter"));
});

Deno.test("a program that runs for ever is ended by a signal, and by its fuel", async () => {
  await using dir = await TempDir.make();
  const path = await fileWith(dir, FOREVER);
  assert.equal((await toolkit(["vm", "run", "--fuel", "1000000", path])).code, 9);
  for (const [signal, code] of [["SIGINT", 130], ["SIGTERM", 143]] as const) {
    const chatty = await fileWith(dir, CHATTY);
    await using process = start(["vm", "run", chatty]);
    await process.says(/again/);
    process.signal(signal);
    assert.equal((await process.ended).code, code);
  }
});

Deno.test("output that nobody reads any more ends a program, silently", async () => {
  await using dir = await TempDir.make();
  const path = await fileWith(dir, CHATTY);
  const { stdout, stderr } = await toolkit(["vm", "run", path], {
    prefix: ["bash", "-c", '"$@" | head -c 5; echo " ${PIPESTATUS[0]}"', "bash"],
  });
  assert.equal(stdout, "again 141\n");
  assert.equal(stderr, "");
});

Deno.test("a program reads lines from standard input until its end", async () => {
  await using process = start(["vm", "run", "--seed", "3", `${EXAMPLES}guess.iasm`]);
  await process.says(/Your guess: $/);
  await process.write("50\n");
  await process.says(/Too (low|high)\.\nYour guess: $/);
  await process.closeStdin();
  const { code, stdout } = await process.ended;
  assert.equal(code, 0);
  assert.match(stdout, /Bye\.\n$/);
});

Deno.test("vm run --trace tells every instruction and what it changed, between the output", async () => {
  await using dir = await TempDir.make();
  const text = ".data\nhi: .asciiz 'hi '\n.code\ncloop #1\nagain: prts @hi\nloop @again\nhlt\n";
  const path = await fileWith(dir, text);
  const { code, stdout, stderr } = await toolkit(["vm", "run", "--trace", path]);
  assert.deepEqual([code, stdout], [0, "hi hi "]);
  assert.equal(
    stderr,
    [
      "ADDRESS  LINE  LABEL         INSTRUCTION           CHANGES",
      "    104     4                cloop #1              loop = 1",
      '    108     5  again         prts @hi              prints "hi "',
      "    112     6  again + 4     loop @again           loop = 0  → again",
      '    108     5  again         prts @hi              prints "hi "',
      "    112     6  again + 4     loop @again",
      "    116     7  again + 8     hlt",
      "",
    ].join("\n"),
  );
});

Deno.test("vm run --trace without end is ended by a signal, and by a reader that leaves", async () => {
  await using dir = await TempDir.make();
  const path = await fileWith(dir, FOREVER);
  await using process = start(["vm", "run", "--trace", path]);
  await process.says(/djmpe @again\s+→ again/);
  process.signal("SIGINT");
  assert.equal((await process.ended).code, 130);
  const { stdout } = await toolkit(["vm", "run", "--trace", path], {
    prefix: ["bash", "-c", '"$@" 2>&1 | head -n 2 | wc -l; echo "${PIPESTATUS[0]}"', "bash"],
  });
  assert.equal(stdout.trim(), "2\n141");
});

Deno.test("vm run --profile says which labels were busy, also as JSON, and when it is ended", async () => {
  const path = `${EXAMPLES}sieve.iasm`;
  const { code, stderr } = await toolkit(["vm", "run", "--profile", path]);
  assert.equal(code, 0);
  assert.match(stderr, /^LABEL +ADDRESS +LINE +INSTRUCTIONS +SHARE +CALLS\nmark +176 +23 +5 636 /);
  assert.match(stderr, /\nHOTTEST .*\nmark +176 +23 +1 409 +11\.3 % +setb \$4 \$1\n/);
  const { stdout } = await toolkit(["vm", "run", "--profile", "--json", path]);
  const { profile, engine } = JSON.parse(stdout);
  assert.equal(engine, "interpreter");
  const { symbol, address, line, instructions } = profile[0];
  assert.deepEqual([symbol, address, line, instructions], ["mark", 176, 23, 5636]);
  await using dir = await TempDir.make();
  await using process = start(["vm", "run", "--profile", await fileWith(dir, CHATTY)]);
  await process.says(/again/);
  process.signal("SIGINT");
  const ended = await process.ended;
  assert.equal(ended.code, 130);
  assert.match(ended.stderr, /\nagain +\d+ +5 [^]*\nHOTTEST/);
});

Deno.test("vm run refuses to trace translated code", async () => {
  for (const flag of ["--trace", "--profile"]) {
    const args = ["vm", "run", flag, "--engine", "wasm", `${EXAMPLES}hello.iasm`];
    const { code, stdout, stderr } = await toolkit(args);
    assert.deepEqual([code, stdout], [64, ""]);
    assert.match(stderr, /^error: --\w+ goes with the interpreter.*\n {2}try: .*\n$/);
  }
});

Deno.test("B40: an image can be written, and runs as its source does", async () => {
  await using dir = await TempDir.make();
  const image = dir.file("fibonacci.ir");
  const { code, stderr } = await toolkit(["vm", "asm", `${EXAMPLES}fibonacci.iasm`, "-o", image]);
  assert.deepEqual([code, stderr], [0, `${image}: ${(await Deno.stat(image)).size} bytes\n`]);
  assert.equal(new TextDecoder().decode((await Deno.readFile(image)).subarray(0, 4)), "EPIE");
  const [fromImage, fromSource] = [
    await toolkit(["vm", "run", image]),
    await toolkit(["vm", "run", `${EXAMPLES}fibonacci.iasm`]),
  ];
  assert.match(fromImage.stdout, /^0\n1\n1\n2\n[^]*514229\n$/);
  assert.deepEqual(
    [fromImage.code, fromImage.stdout, fromImage.stderr],
    [fromSource.code, fromSource.stdout, fromSource.stderr],
  );
});

Deno.test("B41: errors go to standard error, codes are told, registers only if asked", async () => {
  await using dir = await TempDir.make();
  const wrong = await toolkit(["vm", "run", await fileWith(dir, ".data\n.code\nlod $0 #1\n")]);
  assert.deepEqual([wrong.code, wrong.stdout], [65, ""]);
  assert.match(wrong.stderr, /error\[UnknownMnemonic\]/);
  for (const [source, code] of [["load $7 #1234 hlt", 0], ["igl", 1], ["pop $0", 3]] as const) {
    const path = await fileWith(dir, `.data\n.code\n${source}\n`);
    const plain = await toolkit(["vm", "run", path]);
    assert.deepEqual([plain.code, plain.stdout], [code, ""]);
    const told = [/^$/, /^stopped with code 1, at /, , /^trap 3: stack empty, at /][code];
    assert.match(plain.stderr, told!);
  }
  const asked = await toolkit(["vm", "run", "--registers", `${EXAMPLES}loop.iasm`]);
  assert.deepEqual([asked.code, asked.stdout], [0, ""]);
  assert.match(asked.stderr, /\$1 +31\b/);
});

Deno.test("B48: running a program and the REPL leave no files, and -h is help", async () => {
  await using dir = await TempDir.make();
  const { path } = dir;
  const options = { cwd: path, env: { XDG_DATA_HOME: path, XDG_STATE_HOME: path } };
  for (const args of [["run", `${EXAMPLES}hello.iasm`], ["repl"], ["run", "-h"]]) {
    const { code, stdout } = await toolkit(["vm", ...args], options);
    assert.equal(code, 0, args.join(" "));
    if (args.includes("-h")) assert.match(stdout, /USAGE[^]*vm run/);
  }
  const left = await Array.fromAsync(Deno.readDir(path), ({ name }) => name);
  assert.deepEqual(left, []);
  assert.equal((await toolkit(["vm", "run", "--daemon-mode", "true"])).code, 64);
});

const BANNER = "Welcome to Iridium! Let's be productive!\n";

Deno.test("vm repl on a pipe: lines in, output out, no prompt, and its end is the end (B46)", async () => {
  await using process = start(["vm", "repl"]);
  await process.write("load $0 #6 mul $0 $0 $0\nprti $0\nbogus\n!nope\n\n");
  await process.write(`!load_file\n${EXAMPLES}hello.iasm\npop $0`);
  await process.closeStdin();
  const { code, stdout, stderr } = await process.ended;
  assert.deepEqual([code, stderr], [0, ""]);
  assert.ok(stdout.startsWith(`${BANNER}36\ninput:1:1: error[UnknownMnemonic]`), stdout);
  assert.match(
    stdout,
    /Invalid command![^]*\nHello, world!\nstopped with code 0[^]*\ntrap 3: .*\n$/,
  );
});

Deno.test("vm repl: lines and their end reach a program that reads; !quit ends", async () => {
  await using process = start(["vm", "repl"]);
  await process.write(`!load_file ${EXAMPLES}guess.iasm\n`);
  await process.says(/Your guess: $/);
  await process.write("50\n");
  await process.says(/Too (low|high)\.|Right|right/);
  await process.closeStdin();
  assert.equal((await process.ended).code, 0);
  await using other = start(["vm", "repl"]);
  await other.write("!quit\nprti $0\n");
  const { code, stdout } = await other.ended;
  assert.deepEqual([code, stdout], [0, `${BANNER}Farewell! Have a great day!\n`]);
});

Deno.test("vm repl: Ctrl-C stops the program that runs, and without one the REPL", async () => {
  await using process = start(["vm", "repl"]);
  await process.write("load $0 #33 prti $0 eq $0 $0 again: djmpe @again\n");
  await process.says(/33/);
  process.signal("SIGINT");
  await process.says(/interrupted at 80 \(again\): djmpe @again/);
  await process.write("load $0 #44 prti $0\n");
  await process.says(/44/);
  process.signal("SIGINT");
  assert.equal((await process.ended).code, 130);
});

Deno.test("vm asm leaves alone what is no image, follows links, writes to pipes, and minds the mode", async () => {
  await using dir = await TempDir.make();
  const source = await fileWith(dir, ".data\n.code\nhlt\n");
  const own = await toolkit(["vm", "asm", source, "-o", source]);
  assert.equal(own.code, 1);
  assert.match(own.stderr, /exists and is no image: it is left as it is/);
  const image = dir.file("x.ir");
  const link = dir.file("link.ir");
  assert.equal((await toolkit(["vm", "asm", source, "-o", image])).code, 0);
  await Deno.chmod(image, 0o640);
  await Deno.symlink(image, link);
  assert.equal((await toolkit(["vm", "asm", source, "-o", link])).code, 0);
  assert.ok((await Deno.lstat(link)).isSymlink);
  assert.equal((await Deno.stat(image)).mode! & 0o777, 0o640);
  const piped = await toolkit(["vm", "asm", source, "-o", "-"]);
  assert.deepEqual([piped.code, piped.stdout.slice(0, 4)], [0, "EPIE"]);
  const again = await toolkit(["vm", "asm", image, "-o", dir.file("y.ir")]);
  assert.equal(again.code, 65);
  assert.match(again.stderr, /is an image already[^]*vm disasm/);
});

Deno.test("vm run says how a program ended that did not say it itself; a full disk is no fault", async () => {
  await using dir = await TempDir.make();
  const cases = [
    ["load $0 #1\n", 1, "ended behind its last instruction: code 1 (hlt ends with 0)\n"],
    ["load $0 #1000\njmp $0\n", 1, "jumped to 1000, behind its end: code 1\n"],
    ["hlt\n", 0, ""],
  ] as const;
  for (const [code, expected, told] of cases) {
    const path = await fileWith(dir, `.data\n.code\n${code}`);
    const ended = await toolkit(["vm", "run", path]);
    assert.deepEqual([ended.code, ended.stderr], [expected, told]);
  }
  const { stdout } = await toolkit(["vm", "run", await fileWith(dir, CHATTY)], {
    prefix: ["bash", "-c", '"$@" >/dev/full; echo $?', "bash"],
  });
  assert.equal(stdout.trim(), "74");
  for (const [flag, value] of [["--memory", "16"], ["--stack", "0"], ["--memory", "3G"]] as const) {
    const wrong = await toolkit(["vm", "run", flag, value, `${EXAMPLES}hello.iasm`]);
    assert.equal(wrong.code, 64, wrong.stderr);
  }
});

Deno.test("vm run --json holds a bounded part of endless output", async () => {
  await using dir = await TempDir.make();
  const args = ["vm", "run", "--json", "--fuel", "2000000", await fileWith(dir, CHATTY)];
  const { code, stdout } = await toolkit(args);
  const { output, output_cut } = JSON.parse(stdout);
  assert.deepEqual([code, output.length, output_cut], [9, 1024 * 1024, true]);
});
