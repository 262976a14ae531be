/** Signals that ask a running node to stop. */

/** Each with the exit code of a command that it ends. */
export const STOP_SIGNALS = [
  ["SIGINT", 130],
  ["SIGTERM", 143],
  ["SIGQUIT", 131],
  ["SIGHUP", 129],
] as const;

/**
 * Calls `stop` at the first signal; a second one ends the process at once. But for SIGHUP: when a
 * terminal is closed, shell and kernel both send one.
 */
export function onStopSignal(stop: (signal: Deno.Signal) => void): () => void {
  let stopping = false;
  const listeners = STOP_SIGNALS.map(([signal, exitCode]) => {
    const listener = () => {
      if (stopping && signal !== "SIGHUP") Deno.exit(exitCode);
      if (stopping) return;
      stopping = true;
      stop(signal);
    };
    Deno.addSignalListener(signal, listener);
    return [signal, listener] as const;
  });
  return () => {
    for (const [signal, listener] of listeners) Deno.removeSignalListener(signal, listener);
  };
}
