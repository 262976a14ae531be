/** Durations as people write and read them. */

const UNIT_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  min: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** "90s", "5m", "1h30m", "2d" and "500ms" in milliseconds; undefined for anything else. */
export function parseDuration(text: string): number | undefined {
  const compact = text.replaceAll(" ", "").toLowerCase();
  if (!/^(\d+(\.\d+)?(ms|s|min|m|h|d))+$/.test(compact)) return undefined;
  let total = 0;
  for (const [, number, unit] of compact.matchAll(/(\d+(?:\.\d+)?)(ms|s|min|m|h|d)/g)) {
    total += Number(number) * UNIT_MS[unit!]!;
  }
  return Math.round(total);
}

/** In one unit, the largest that fits, for reading: "14 h", "3 min", "0.8 ms". */
export function formatDuration(milliseconds: number): string {
  const ms = Math.max(0, milliseconds);
  if (ms < 9.95) return `${(Math.round(ms * 10) / 10).toString()} ms`;
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 90_000) return `${Math.round(ms / 1_000)} s`;
  if (ms < 90 * 60_000) return `${Math.round(ms / 60_000)} min`;
  if (ms < 48 * 3_600_000) return `${Math.round(ms / 3_600_000)} h`;
  return `${Math.round(ms / 86_400_000)} d`;
}
