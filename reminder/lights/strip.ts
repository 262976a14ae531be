/** A strip of lamps, and how reminders share one. */

import { OFF, type Rgb } from "../urgency.ts";

export interface Strip {
  readonly lampCount: number;
  /** Shows one colour a lamp, from the first on. */
  show(lamps: readonly Rgb[]): void;
  /** Puts the lamps out and releases what they hang on. */
  close(): void;
}

/** As many as the seed's strip has. */
export const DEFAULT_LAMP_COUNT = 10;

/**
 * Divides a strip among reminders: neighbouring segments as equal as can be, the first ones longer by
 * one where it does not come out even. With more reminders than lamps the last ones are not shown.
 */
export function divideStrip(colours: readonly Rgb[], lampCount: number): Rgb[] {
  if (colours.length === 0) return Array.from({ length: lampCount }, () => OFF);
  const shown = colours.slice(0, lampCount);
  return Array.from({ length: lampCount }, (_, lamp) => {
    const segment = Math.floor(lamp * shown.length / lampCount);
    return shown[segment]!;
  });
}

/** A strip in memory that remembers what it shows. */
export class SimulatedStrip implements Strip {
  lamps: readonly Rgb[];

  constructor(
    readonly lampCount = DEFAULT_LAMP_COUNT,
    readonly shown: (lamps: readonly Rgb[]) => void = () => {},
  ) {
    this.lamps = divideStrip([], lampCount);
  }

  show(lamps: readonly Rgb[]): void {
    this.lamps = lamps;
    this.shown(lamps);
  }

  close(): void {
    this.show(divideStrip([], this.lampCount));
  }
}
