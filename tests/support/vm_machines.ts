/** Runs programs on both engines and looks at everything that can be seen of them. */

import assert from "node:assert/strict";
import { engineFor } from "../../vm/engine.ts";
import { type Host, HostCalls } from "../../vm/host.ts";
import type { Image } from "../../vm/image.ts";
import {
  DEFAULT_LIMITS,
  type Engine,
  type Exit,
  type Machine,
  type MachineLimits,
  type TrapCode,
} from "../../vm/machine.ts";
import { createMachine } from "../../vm/state.ts";
import { imageOf, type SourceOptions } from "./vm_image.ts";

export const ENGINES: readonly Engine["name"][] = ["interpreter", "wasm"];

export class TestHost implements Host {
  readonly output: number[] = [];
  /** Lines of input; "wait" stands for a pause. */
  readonly input: (string | "wait")[] = [];
  ms = 0x123_4567_89ab;
  random = 1;
  /** Too much output waits. */
  full = false;

  hasRoom(): boolean {
    return !this.full;
  }

  write(bytes: Uint8Array): void {
    this.output.push(...bytes);
  }

  readLine(): Uint8Array | "wait" | "end" {
    const line = this.input.shift();
    if (line === undefined) return "end";
    return line === "wait" ? line : new TextEncoder().encode(line);
  }

  clockMs(): number {
    return this.ms++;
  }

  random32(): number {
    return this.random = Math.imul(this.random, 1_664_525) + 1_013_904_223 >>> 0;
  }

  get text(): string {
    return new TextDecoder().decode(Uint8Array.from(this.output));
  }
}

export interface Ran {
  readonly machine: Machine;
  readonly host: TestHost;
  /** How it ended; traps of host calls included. */
  readonly exit: Exit;
}

export interface RunOptions extends SourceOptions {
  readonly limits?: MachineLimits;
  readonly fuel?: number;
  readonly input?: readonly string[];
  /** Before it begins. */
  readonly prepare?: (machine: Machine) => void;
}

/** Enough for any test program that ends at all. */
const PLENTY = 10_000_000;

export function run(source: string, engine: Engine["name"], options: RunOptions = {}): Ran {
  return runImage(imageOf(source, options), engine, options);
}

export function runImage(image: Image, name: Engine["name"], options: RunOptions = {}): Ran {
  const machine = createMachine(image, options.limits ?? DEFAULT_LIMITS);
  options.prepare?.(machine);
  const engine = engineFor(name, image);
  assert.equal(engine.name, name, "the engine that was asked for");
  const host = new TestHost();
  host.input.push(...options.input ?? []);
  const calls = new HostCalls(image, host);
  for (;;) {
    const exit = engine.run(machine, (options.fuel ?? PLENTY) - machine.fuelUsed);
    if (exit.kind !== "host") return { machine, host, exit };
    const { pc } = machine;
    const outcome = calls.perform(exit.call, machine);
    if (typeof outcome === "number") {
      return { machine, host, exit: { kind: "trap", code: outcome, pc } };
    }
  }
}

/** A test of both engines. */
export function onBoth(name: string, test: (engine: Engine["name"]) => void): void {
  for (const engine of ENGINES) Deno.test(`${name} (${engine})`, () => test(engine));
}

export function assertTrap({ exit }: Ran, code: TrapCode, pc?: number): void {
  assert.deepEqual(exit, { kind: "trap", code, pc: pc ?? (exit.kind === "trap" ? exit.pc : NaN) });
}

export function assertStopped({ exit }: Ran, code: 0 | 1, pc?: number): void {
  const at = pc ?? (exit.kind === "stopped" ? exit.pc : NaN);
  assert.deepEqual(exit, { kind: "stopped", code, pc: at });
}
