/**
 * What a program can ask of whoever runs it, and how each such instruction is carried out. The engines
 * stop at these instructions; nothing here depends on which engine it was.
 */

import type { Image } from "./image.ts";
import { INSTRUCTION_BYTES } from "./isa.ts";
import { fuelForBytes, type HostCall, type Machine, Trap, type TrapCode } from "./machine.ts";

/** The world of one program. */
export interface Host {
  /** Output, as it is; the bytes must not be kept. */
  write(bytes: Uint8Array): void;
  /** False while too much output waits to be read: whoever wants to write more waits too. */
  hasRoom(): boolean;
  /** A line of input without its newline, or that there is none yet, or that there will be none. */
  readLine(): Uint8Array | "wait" | "end";
  /** Milliseconds since 1970. */
  clockMs(): number;
  /** A whole number of 32 random bits. */
  random32(): number;
}

/** `done`: pc is at the next instruction; `wait`: nothing has changed, try again when the world has. */
export type HostOutcome = "done" | "wait" | TrapCode;

/** What the world has to have for a call that waits. */
export type WaitsFor = "input" | "output";

export function needOf(call: HostCall): WaitsFor {
  return call === "GETL" ? "input" : "output";
}

const WORD = 2 ** 32;
const ENCODER = new TextEncoder();

export class HostCalls {
  readonly #image: Image;
  readonly #host: Host;
  /** Of a line that was longer than a GETL took. */
  #restOfLine: Uint8Array | undefined;

  constructor(image: Image, host: Host) {
    this.#image = image;
    this.#host = host;
  }

  /** Carries out the instruction at the machine's pc. */
  perform(call: HostCall, machine: Machine): HostOutcome {
    const { pc } = machine;
    const [, a, b, c] = this.#image.bytes.subarray(pc, pc + INSTRUCTION_BYTES);
    const outcome = this.#outcome(call, machine, [a!, b!, c!]);
    if (outcome === "done") machine.pc = pc + INSTRUCTION_BYTES;
    return outcome;
  }

  /** Forgets what is left of a line. */
  reset(): void {
    this.#restOfLine = undefined;
  }

  #outcome(
    call: HostCall,
    machine: Machine,
    operands: readonly [number, number, number],
  ): HostOutcome {
    const { registers, floats } = machine;
    const [a, b] = operands;
    switch (call) {
      case "PRTS":
        return this.#printText(machine, operands);
      case "PRTI":
        return this.#print(machine, ENCODER.encode(String(registers[a])));
      case "PRTF":
        return this.#print(machine, ENCODER.encode(String(floats[a])));
      case "PRTB":
        return this.#print(machine, Uint8Array.of(registers[a]!));
      case "GETL":
        return this.#getLine(machine, operands);
      case "CLOCK": {
        const ms = Math.floor(this.#host.clockMs());
        registers[a] = ms % WORD;
        registers[b] = Math.floor(ms / WORD);
        return "done";
      }
      case "RAND":
        registers[a] = this.#host.random32();
        return "done";
    }
  }

  #print(machine: Machine, bytes: Uint8Array): HostOutcome {
    if (!this.#host.hasRoom()) return "wait";
    machine.charge(fuelForBytes(bytes.length));
    this.#host.write(bytes);
    return "done";
  }

  /** Text that is no UTF-8 goes out as the bytes it is. */
  #printText(machine: Machine, [a, b, c]: readonly [number, number, number]): HostOutcome {
    const { readOnly, version } = this.#image;
    const from = (version > 0 ? c << 16 : 0) | a << 8 | b;
    const to = readOnly.indexOf(0, from);
    if (from >= readOnly.length || to < 0) return Trap.readOnlyRange;
    return this.#print(machine, readOnly.subarray(from, to));
  }

  #getLine(machine: Machine, [a, b, c]: readonly [number, number, number]): HostOutcome {
    const { registers } = machine;
    const at = registers[a]! >>> 0;
    const room = registers[b]! >>> 0;
    const heap = machine.heap();
    if (at + room > heap.length) return Trap.heapRange;
    const line = this.#restOfLine ?? this.#host.readLine();
    if (line === "wait") return line;
    machine.flag = line !== "end";
    const taken = line === "end" ? new Uint8Array() : line.subarray(0, room);
    heap.set(taken, at);
    registers[c] = taken.length;
    this.#restOfLine = line !== "end" && line.length > room ? line.subarray(room) : undefined;
    return "done";
  }
}
