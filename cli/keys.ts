/**
 * Single keys from a terminal. Keys that would be signals come as keys too: Ctrl-C ends what reads
 * them, and Ctrl-Z does nothing, for a node that stands still is called failed by the others.
 */

/** q, Ctrl-C and Ctrl-D. */
export const END_KEYS: readonly string[] = ["q", "\x03", "\x04"];

/** Calls `press` with each key until the returned function is called, which puts all back. */
export function readKeys(press: (key: string) => void): () => void {
  let reading = true;
  Deno.stdin.setRaw(true);
  const read = async () => {
    const buffer = new Uint8Array(64);
    while (reading) {
      const count = await Deno.stdin.read(buffer).catch(() => null);
      if (count === null) return;
      for (const key of new TextDecoder().decode(buffer.subarray(0, count))) {
        if (reading) press(key);
      }
    }
  };
  void read();
  return () => {
    reading = false;
    try {
      Deno.stdin.setRaw(false);
    } catch {
      // The terminal is gone.
    }
  };
}
