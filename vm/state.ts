/**
 * The state of one program, as a block in a WebAssembly memory: interpreter and translated code work on
 * the same bytes, so either can go on where the other left off.
 *
 * Stack and heap are areas of their own, which the block points to. Both begin small and are doubled
 * as needed, up to their limits; they are moved only between two instructions, by the interpreter,
 * never while translated code runs.
 */

import { assert } from "../cluster/errors.ts";
import { Arena } from "./arena.ts";
import type { Image } from "./image.ts";
import { REGISTER_COUNT } from "./isa.ts";
import { DEFAULT_LIMITS, type Machine, type MachineLimits } from "./machine.ts";

/** Where things stand in the block, in bytes from its base; unless said otherwise 32-bit words. */
export const Layout = {
  registers: 0,
  /** 32 doubles. */
  floats: 128,
  flag: 384,
  loopCounter: 388,
  remainder: 392,
  /** Words. */
  sp: 396,
  bp: 400,
  /** As an offset in the image. */
  pc: 404,
  /** Addresses in memory. */
  stackBase: 408,
  heapBase: 412,
  readOnlyBase: 416,
  /** Words for which there is room; more than sp never has. */
  stackRoom: 420,
  /** Bytes that the program may use; the area may be larger. */
  heapLength: 424,
  bytes: 512,
} as const;

const WORD_BYTES = 4;
const FIRST_STACK_WORDS = 64;
const FIRST_HEAP_BYTES = 64;

/** The index of a field in {@link Views.words}. */
export function wordOf(field: keyof typeof Layout): number {
  return Layout[field] / WORD_BYTES;
}

const FLAG = wordOf("flag");
const LOOP_COUNTER = wordOf("loopCounter");
const REMAINDER = wordOf("remainder");
const SP = wordOf("sp");
const BP = wordOf("bp");
const PC = wordOf("pc");
const STACK_BASE = wordOf("stackBase");
const STACK_ROOM = wordOf("stackRoom");
const HEAP_BASE = wordOf("heapBase");
const HEAP_LENGTH = wordOf("heapLength");
const READ_ONLY_BASE = wordOf("readOnlyBase");

/** What stands where right now. */
export interface Views {
  /** The whole block; the first 32 are the registers. */
  readonly words: Int32Array;
  readonly floats: Float64Array;
  /** All the room of the stack. */
  readonly stack: Int32Array;
  readonly heap: DataView;
  readonly readOnly: DataView;
}

export function createMachine(
  image: Image,
  limits: MachineLimits = DEFAULT_LIMITS,
  arena: Arena = new Arena(),
): Process {
  return new Process(image, limits, arena);
}

export class Process implements Machine {
  readonly arena: Arena;
  /** Address of the block. */
  readonly base: number;
  readonly #image: Image;
  readonly #limits: MachineLimits;
  #views: Views | undefined;
  /** What the views show: they are stale when it is not the memory's any more. */
  #buffer: ArrayBufferLike | undefined;
  #heapRoom = 0;
  #fuelUsed = 0;
  /** Of the run that is under way; below zero is what is owed. */
  #fuelLeft = 0;

  constructor(image: Image, limits: MachineLimits, arena: Arena) {
    assert(limits.memoryBytes >= FIRST_HEAP_BYTES, "a heap limit below its first size");
    this.#image = image;
    this.#limits = limits;
    this.arena = arena;
    this.base = this.#allocate(Layout.bytes);
    try {
      this.#makeAreas();
    } catch (error) {
      arena.release(this.base, Layout.bytes);
      throw error;
    }
  }

  // -- what programs have -------------------------------------------------------------------------

  get registers(): Int32Array {
    return this.views().words.subarray(0, REGISTER_COUNT);
  }

  get floats(): Float64Array {
    return this.views().floats;
  }

  get pc(): number {
    return this.views().words[PC]! >>> 0;
  }

  set pc(address: number) {
    this.views().words[PC] = address;
  }

  get sp(): number {
    return this.views().words[SP]!;
  }

  /** Signed as it is shown: RET takes it from the stack, where a program may have put anything. */
  get bp(): number {
    return this.views().words[BP]!;
  }

  get flag(): boolean {
    return this.views().words[FLAG] !== 0;
  }

  set flag(flag: boolean) {
    this.views().words[FLAG] = flag ? 1 : 0;
  }

  get loopCounter(): number {
    return this.views().words[LOOP_COUNTER]!;
  }

  get remainder(): number {
    return this.views().words[REMAINDER]!;
  }

  stack(): Int32Array {
    return this.views().stack.subarray(0, this.sp);
  }

  heap(): Uint8Array {
    const { heap } = this.views();
    return new Uint8Array(heap.buffer, heap.byteOffset, heap.byteLength);
  }

  reset(): void {
    this.#releaseAreas();
    this.views().words.fill(0);
    this.#makeAreas();
    this.#fuelLeft = 0;
  }

  /** Gives all its memory back; it must not be used any more. */
  release(): void {
    this.#releaseAreas();
    this.arena.release(this.base, Layout.bytes);
  }

  // -- fuel ---------------------------------------------------------------------------------------

  get fuelUsed(): number {
    return this.#fuelUsed;
  }

  get fuelOwed(): number {
    return Math.max(0, -this.#fuelLeft);
  }

  charge(fuel: number): void {
    this.#fuelLeft = -this.fuelOwed - fuel;
    this.#fuelUsed += fuel;
  }

  /** What is left of the run that is under way. */
  get fuelLeft(): number {
    return Math.max(0, this.#fuelLeft);
  }

  /** Begins a run: what is owed is paid first. */
  fuel(units: number): void {
    this.#fuelLeft = units - this.fuelOwed;
  }

  /** May be more than is left. */
  spend(units: number): void {
    this.#fuelLeft -= units;
    this.#fuelUsed += units;
  }

  // -- memory -------------------------------------------------------------------------------------

  /** Valid until the next call that may grow anything. */
  views(): Views {
    const { buffer } = this.arena.memory;
    if (this.#views === undefined || this.#buffer !== buffer) {
      const words = new Int32Array(buffer, this.base, Layout.bytes / WORD_BYTES);
      this.#buffer = buffer;
      this.#views = {
        words,
        floats: new Float64Array(buffer, this.base + Layout.floats, REGISTER_COUNT),
        stack: new Int32Array(buffer, words[STACK_BASE]! >>> 0, words[STACK_ROOM]),
        heap: new DataView(buffer, words[HEAP_BASE]! >>> 0, words[HEAP_LENGTH]),
        readOnly: new DataView(
          buffer,
          words[READ_ONLY_BASE]! >>> 0,
          this.#image.readOnly.length,
        ),
      };
    }
    return this.#views;
  }

  /** Makes room for so many words; false if that is beyond the limit. */
  growStack(words: number): boolean {
    const { stack } = this.views();
    if (words <= stack.length) return true;
    if (words > this.#limits.stackWords) return false;
    const room = Math.min(this.#limits.stackWords, Math.max(words, 2 * stack.length));
    const address = this.arena.allocate(room * WORD_BYTES);
    if (address === undefined) return false;
    const old = this.views();
    new Int32Array(old.words.buffer, address, room).set(old.stack);
    this.arena.release(old.stack.byteOffset, old.stack.byteLength);
    old.words[STACK_BASE] = address;
    old.words[STACK_ROOM] = room;
    this.#views = undefined;
    return true;
  }

  /** Makes the heap longer by so many bytes, which are zero; false if that is beyond the limit. */
  growHeap(bytes: number): boolean {
    const length = this.views().heap.byteLength + bytes;
    if (length > this.#limits.memoryBytes) return false;
    if (length > this.#heapRoom) {
      const room = Math.min(this.#limits.memoryBytes, Math.max(length, 2 * this.#heapRoom));
      const address = this.arena.allocate(room);
      if (address === undefined) return false;
      const heap = this.heap();
      new Uint8Array(heap.buffer, address, room).set(heap);
      this.arena.release(heap.byteOffset, this.#heapRoom);
      this.views().words[HEAP_BASE] = address;
      this.#heapRoom = room;
    }
    this.views().words[HEAP_LENGTH] = length;
    this.#views = undefined;
    return true;
  }

  /** A program that cannot even begin is the host's trouble, not a trap. */
  #allocate(bytes: number): number {
    const address = this.arena.allocate(bytes);
    if (address === undefined) throw new RangeError("out of memory for machines");
    return address;
  }

  /** All of them or none. */
  #allocateAll(sizes: readonly number[]): number[] {
    const addresses: number[] = [];
    try {
      for (const bytes of sizes) addresses.push(this.#allocate(bytes));
    } catch (error) {
      addresses.forEach((address, i) => this.arena.release(address, sizes[i]!));
      throw error;
    }
    return addresses;
  }

  #makeAreas(): void {
    const stackRoom = Math.min(FIRST_STACK_WORDS, this.#limits.stackWords);
    const [stackBase, heapBase, readOnlyBase] = this.#allocateAll([
      stackRoom * WORD_BYTES,
      FIRST_HEAP_BYTES,
      this.#image.readOnly.length,
    ]) as [number, number, number];
    this.#heapRoom = FIRST_HEAP_BYTES;
    const { buffer } = this.arena.memory;
    new Uint8Array(buffer, readOnlyBase).set(this.#image.readOnly);
    const words = new Int32Array(buffer, this.base, Layout.bytes / WORD_BYTES);
    words[PC] = this.#image.entry;
    words[STACK_BASE] = stackBase;
    words[STACK_ROOM] = stackRoom;
    words[HEAP_BASE] = heapBase;
    words[HEAP_LENGTH] = FIRST_HEAP_BYTES;
    words[READ_ONLY_BASE] = readOnlyBase;
    this.#views = undefined;
  }

  #releaseAreas(): void {
    const { stack, heap, readOnly } = this.views();
    this.arena.release(stack.byteOffset, stack.byteLength);
    this.arena.release(heap.byteOffset, this.#heapRoom);
    this.arena.release(readOnly.byteOffset, readOnly.byteLength);
    this.#views = undefined;
  }
}

/** Engines work on the block itself. */
export function processOf(machine: Machine): Process {
  assert(machine instanceof Process, "a machine that createMachine made");
  return machine;
}
