/** Numbers of bytes as people write them. */

const UNITS: Readonly<Record<string, number>> = { "": 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30 };

/** "65536", "64K", "16M" and "1G" in bytes; undefined for anything else. */
export function parseSize(text: string): number | undefined {
  const match = /^(\d{1,10})([kmg]?)$/i.exec(text);
  if (match === null) return undefined;
  return Number(match[1]) * UNITS[match[2]!.toLowerCase()]!;
}
