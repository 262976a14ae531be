/** The VM's settings as its parts take them. */

import type { Config } from "../../cli/config/schema.ts";
import type { VmLimits } from "../limits.ts";

export function limitsOf({ vm: { limits } }: Config): VmLimits {
  return {
    machine: { memoryBytes: limits.memory, stackWords: limits.stack },
    fuel: limits.fuel ?? Infinity,
    remoteFuel: limits.remote_fuel,
    unreadBytes: limits.unread_output,
    sessions: limits.sessions,
    lineBytes: limits.line,
    idleMs: limits.idle,
    images: limits.images,
    backgroundPrograms: limits.background_programs,
  };
}

/** Workers: as configured, else one a core; a node with other parts leaves one core to these. */
export function threadsOf({ vm }: Config, isShared: boolean): number {
  const cores = navigator.hardwareConcurrency;
  return vm.threads ?? Math.max(1, isShared ? cores - 1 : cores);
}
