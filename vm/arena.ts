/**
 * Areas in one WebAssembly memory: what the machines that live in it keep their state, stacks and
 * heaps in. Sizes are powers of two, so that an area that was outgrown serves another one.
 */

const PAGE_BYTES = 65_536;
const MAX_PAGES = 65_536;
/** Smaller areas are not made; also keeps all areas aligned for doubles. */
const MIN_AREA_BYTES = 64;

export class Arena {
  readonly memory: WebAssembly.Memory = new WebAssembly.Memory({ initial: 1, maximum: MAX_PAGES });
  /** Addresses of areas given back, by their size. */
  readonly #free = new Map<number, number[]>();
  /** What no area has ever covered begins here, and is zero. */
  #end = 0;

  /** The address of an area of at least so many bytes, all zero; undefined if memory is used up. */
  allocate(bytes: number): number | undefined {
    const size = areaBytes(bytes);
    const reused = this.#free.get(size)?.pop();
    if (reused !== undefined) {
      new Uint8Array(this.memory.buffer, reused, size).fill(0);
      return reused;
    }
    const address = this.#end;
    if (!this.#reach(address + size)) return undefined;
    this.#end = address + size;
    return address;
  }

  /** Takes an area back; `bytes` is what it was asked for. */
  release(address: number, bytes: number): void {
    const size = areaBytes(bytes);
    const areas = this.#free.get(size);
    if (areas === undefined) this.#free.set(size, [address]);
    else areas.push(address);
  }

  #reach(end: number): boolean {
    const missing = end - this.memory.buffer.byteLength;
    if (missing <= 0) return true;
    try {
      this.memory.grow(Math.ceil(missing / PAGE_BYTES));
      return true;
    } catch {
      return false; // the machine that asked traps; nothing else is harmed
    }
  }
}

function areaBytes(bytes: number): number {
  let size = MIN_AREA_BYTES;
  while (size < bytes) size *= 2;
  return size;
}
