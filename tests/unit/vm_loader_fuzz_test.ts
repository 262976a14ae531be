/**
 * Whatever the bytes: an image or an ImageError, and what is an image can be looked at, taken apart and
 * run, on both engines alike.
 */

import assert from "node:assert/strict";
import { below, between, chance, SeededRandom } from "../../cluster/random.ts";
import { assemble } from "../../vm/assembler/index.ts";
import { debugInfoIn } from "../../vm/debug_info.ts";
import { decode } from "../../vm/decode.ts";
import { disassemble } from "../../vm/disassembler.ts";
import { type Image, ImageError, loadImage } from "../../vm/image.ts";
import type { Engine } from "../../vm/machine.ts";
import { GrowingProgram } from "../../vm/repl/growing_program.ts";
import { loadFile } from "../../vm/repl/load.ts";
import { textsAt } from "../../vm/repl/places.ts";
import { runImage, TestHost } from "../support/vm_machines.ts";

const EXAMPLES = new URL("../../examples/vm/", import.meta.url);
const LIMITS = { memoryBytes: 16 * 1024, stackWords: 512 };
const FUEL = 3_000;
/** Where the header has meaning. */
const FIELDS = [0, 4, 5, 6, 8, 9, 11, 12, 13, 15, 63, 64, 65, 66, 67];

async function goodImages(): Promise<Uint8Array[]> {
  const images: Uint8Array[] = [];
  for await (const { name } of Deno.readDir(EXAMPLES)) {
    const source = await Deno.readTextFile(new URL(name, EXAMPLES));
    for (const debug of [false, true]) images.push(assemble(source, { debug }).image!);
  }
  return images;
}

function mutated(bytes: Uint8Array, random: SeededRandom): Uint8Array {
  const result = bytes.slice();
  for (let changes = between(random, 1, 4); changes > 0; changes--) {
    const anywhere = between(random, Math.min(64, result.length - 1), result.length - 1);
    const at = chance(random, 60) ? FIELDS[below(random, FIELDS.length)]! : anywhere;
    const value = chance(random, 500) ? below(random, 256) : [0, 1, 4, 127, 255][below(random, 5)]!;
    result[at] = value;
  }
  switch (below(random, 4)) {
    case 0:
      return result.slice(0, below(random, result.length + 1));
    case 1: {
      const longer = new Uint8Array(result.length + below(random, 40));
      longer.set(result);
      return longer;
    }
    default:
      return result;
  }
}

function loaded(bytes: Uint8Array): Image | undefined {
  try {
    return loadImage(bytes);
  } catch (error) {
    assert.ok(error instanceof ImageError, String(error));
    // What is said goes to a terminal as it is.
    assert.match(error.message, /^[\x20-\x7e]+$/);
    return undefined;
  }
}

/** Everything that is ever done to an image. */
function use(image: Image): void {
  const { warnings, instructions } = decode(image);
  assert.ok(warnings.length <= 21);
  const info = debugInfoIn(image);
  for (const { name } of info?.symbols ?? []) assert.match(name, /^[\w.]+$/);
  const addresses = Array.from({ length: instructions + 3 }, (_, i) => image.entry - 4 + 4 * i);
  for (const address of addresses) info?.locate(address);
  assert.deepEqual(assemble(disassemble(image.bytes)).image, image.bytes);
  textsAt(image, info?.symbols ?? [], addresses);
  runBoth(image);
}

function runBoth(image: Image): void {
  const [one, other] = (["interpreter", "wasm"] as const).map((engine) => seen(image, engine));
  assert.deepEqual(other, one);
}

function seen(image: Image, engine: Engine["name"]): unknown {
  const { machine, exit, host } = runImage(image, engine, { fuel: FUEL, limits: LIMITS });
  const { pc, sp, bp, flag, loopCounter, remainder, fuelUsed, registers, floats } = machine;
  const specials = { pc, sp, bp, flag, loopCounter, remainder, fuelUsed };
  const long = [machine.stack().join(), machine.heap().join(), host.output.join()];
  return { exit, specials, registers, floats, long };
}

/** As the REPL does, with a line added. */
function converse(bytes: Uint8Array): void {
  const { image, symbols, messages } = loadFile("file", bytes);
  // deno-lint-ignore no-control-regex -- these must not reach a terminal
  for (const message of messages) assert.doesNotMatch(message, /[\x00-\x08\x0a-\x1f\x7f-\x9f]/);
  if (image === undefined) return;
  const program = new GrowingProgram(new TestHost());
  program.replace(image, symbols);
  program.run(100);
  program.placeText(program.machine.pc);
  assert.equal(program.append("x: inc $0 djmpe @x").added, 8);
  for (let address = image.entry - 8; address < program.end + 8; address += 4) {
    program.placeText(address);
  }
  program.run(100);
  program.clear();
  assert.equal(program.append("inc $0").added, 4);
  assert.equal(program.run(100).kind, "stopped");
}

Deno.test("loader: images that were changed here and there are images, or no images", async () => {
  const random = new SeededRandom(4);
  const good = await goodImages();
  for (const bytes of good) use(loadImage(bytes));
  let images = 0;
  for (let run = 0; run < 1_500; run++) {
    const bytes = mutated(good[run % good.length]!, random);
    const image = loaded(bytes);
    if (image === undefined) continue;
    images++;
    use(image);
    if (run % 5 === 0) converse(bytes);
  }
  assert.ok(images > 500 && images < 1_400, `${images} images`);
});

Deno.test("loader: images that end anywhere", async () => {
  for (const bytes of await goodImages()) {
    if (bytes.length > 400) continue;
    for (let length = 0; length < bytes.length; length++) {
      const cut = bytes.slice(0, length);
      const image = loaded(cut);
      assert.equal(image !== undefined, length >= loadImage(bytes).entry);
      if (image === undefined) continue;
      runBoth(image);
      converse(cut);
    }
  }
});

Deno.test("loader: any bytes, with and without the beginning of an image", () => {
  const random = new SeededRandom(5);
  const header = assemble(".data\n.code\nhlt").image!.slice(0, 68);
  for (let run = 0; run < 3_000; run++) {
    const noise = Uint8Array.from({ length: below(random, 200) }, () => below(random, 256));
    assert.equal(loaded(noise), undefined);
    const image = loaded(Uint8Array.of(...header, ...noise));
    if (run % 10 === 0) use(image!);
    loaded(Uint8Array.of(...header.subarray(0, 4), ...noise));
    converse(noise);
  }
});

Deno.test("loader: lengths that promise more than there is cost nothing", () => {
  const bytes = assemble(".data\nx: .asciiz 'text'\n.code\nagain: hlt", { debug: true }).image!;
  const view = new DataView(bytes.buffer);
  const started = performance.now();
  for (const at of [8, 12, 64]) {
    const before = view.getUint32(at, true);
    for (const value of [0xffff_ffff, 0x8000_0000, 0x7fff_ffff, 0x100_0000, 100_000]) {
      view.setUint32(at, value, true);
      assert.equal(loaded(bytes), undefined, `${value} at ${at}`);
    }
    view.setUint32(at, before, true);
  }
  // Counts inside of the debug information.
  const { debug } = loadImage(bytes);
  for (let at = 0; at < debug.length; at++) {
    const before = debug.slice();
    debug.fill(0xff, at);
    use(loadImage(bytes));
    debug.set(before);
  }
  assert.ok(performance.now() - started < 5_000);
});
