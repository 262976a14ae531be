/** Waiting for conditions, not for time. */

const POLL_MS = 20;

/** Settled with the first truthy value of `condition`; rejected with what it waited for, if never. */
export async function waitFor<T>(
  what: string,
  condition: () => T | Promise<T>,
  limitMs = 10_000,
): Promise<NonNullable<T>> {
  const limit = performance.now() + limitMs;
  for (;;) {
    const value = await condition();
    if (value) return value as NonNullable<T>;
    if (performance.now() > limit) throw new Error(`not within ${limitMs} ms: ${what}`);
    await pause(POLL_MS);
  }
}

export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
