/** What programs, sessions and remote users may have at most; `[vm.limits]` in the configuration. */

import type { MachineLimits } from "./machine.ts";

export interface VmLimits {
  readonly machine: MachineLimits;
  /** Units of fuel for a program, or for a line of a local session; Infinity for no end to them. */
  readonly fuel: number;
  /** Units of fuel for a line of a remote session. */
  readonly remoteFuel: number;
  /** Output that nobody has taken yet, of each program; beyond, it is parked. */
  readonly unreadBytes: number;
  /** Remote sessions at a time. */
  readonly sessions: number;
  /** A line of a remote user. */
  readonly lineBytes: number;
  /** A remote session in which nothing happens for so long is closed. */
  readonly idleMs: number;
  /** Different programs that run in the background at a time. */
  readonly images: number;
  /** Programs that run in the background at a time. */
  readonly backgroundPrograms: number;
}
