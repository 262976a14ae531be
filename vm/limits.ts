/** What programs, sessions and remote users may have at most; `[vm.limits]` in the configuration. */

import { DEFAULT_LIMITS, type MachineLimits } from "./machine.ts";

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

export const DEFAULT_VM_LIMITS: VmLimits = {
  machine: DEFAULT_LIMITS,
  fuel: Infinity,
  remoteFuel: 1_000_000_000,
  unreadBytes: 256 * 1024,
  sessions: 32,
  lineBytes: 64 * 1024,
  idleMs: 30 * 60_000,
  images: 256,
  backgroundPrograms: 1_000,
};
