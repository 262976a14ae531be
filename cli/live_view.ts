/** A view that goes on: redrawn in place on a terminal, ended by q or Ctrl-C, leaving it as it was. */

import type { CliContext } from "./context.ts";
import { END_KEYS, readKeys } from "./keys.ts";

const REDRAW_MS = 1_000;

export class LiveView {
  readonly interactive: boolean;
  readonly #context: CliContext;
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(context: CliContext) {
    this.#context = context;
    this.interactive = context.terminal.stdoutIsTerminal;
  }

  /** Shows what `draw` gives, now and every second from now on. */
  show(draw: () => readonly string[]): void {
    clearInterval(this.#timer);
    const redraw = () => this.#context.terminal.live(draw());
    this.#timer = setInterval(redraw, REDRAW_MS);
    redraw();
  }

  /** Settled when `work` is or when the person ends it; the last view stays on the screen. */
  async until(work: Promise<unknown>): Promise<void> {
    const { terminal } = this.#context;
    const ended = Promise.withResolvers<void>();
    const end = () => ended.resolve();
    Deno.addSignalListener("SIGINT", end);
    Deno.addSignalListener("SIGTERM", end);
    const stopKeys = this.interactive && terminal.stdinIsTerminal
      ? readKeys((key) => END_KEYS.includes(key) && end())
      : undefined;
    try {
      await Promise.race([work, ended.promise]);
    } finally {
      clearInterval(this.#timer);
      terminal.keepLive();
      stopKeys?.();
      Deno.removeSignalListener("SIGINT", end);
      Deno.removeSignalListener("SIGTERM", end);
    }
  }
}
