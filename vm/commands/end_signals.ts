/** Signals that end a session: gently at first, since it may be a node that others should not miss. */

import { STOP_SIGNALS } from "../../cli/signals.ts";

/** Ctrl-C is for the program that runs. */
const SIGNALS = STOP_SIGNALS.filter(([signal]) => signal !== "SIGINT");

export class EndSignals {
  readonly #listeners: (readonly [Deno.Signal, () => void])[];
  readonly #first = Promise.withResolvers<number>();

  constructor() {
    let isEnding = false;
    this.#listeners = SIGNALS.map(([signal, exitCode]) => {
      const listener = () => {
        // A closed terminal sends more than one SIGHUP.
        if (isEnding && signal !== "SIGHUP") Deno.exit(exitCode);
        isEnding = true;
        this.#first.resolve(exitCode);
      };
      Deno.addSignalListener(signal, listener);
      return [signal, listener] as const;
    });
  }

  /** Settled at the first one, with the exit code. */
  get first(): Promise<number> {
    return this.#first.promise;
  }

  close(): void {
    for (const [signal, listener] of this.#listeners) Deno.removeSignalListener(signal, listener);
  }
}
