/** What goes between a session and whoever talks to it: a terminal, a pipe or a connection. */

import type { Label } from "./completion.ts";

/** The session waits for a line: for itself, for the path of a file, or for the program that runs. */
export interface Wants {
  readonly type: "wants";
  readonly kind: "ready" | "path" | "input";
  readonly prompt: string;
  /** The labels that can be completed; left out if they are as before. */
  readonly labels?: readonly Label[];
}

export type SessionInput =
  | { readonly type: "line"; readonly line: string }
  | { readonly type: "endOfInput" }
  /** Ctrl-C. */
  | { readonly type: "interrupt" };
