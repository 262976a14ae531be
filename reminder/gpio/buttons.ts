/** Where presses come from: real lines, or, for now, whatever simulates them. */

/** What somebody did to a button that belongs to a reminder. */
export interface ButtonPress {
  readonly reminder: string;
  readonly action: "done" | "snooze";
}

/** A set of buttons, each bound to a reminder. */
export interface Buttons {
  /** Tells every press until it is closed. */
  listen(pressed: (press: ButtonPress) => void): void;
  /** Releases the lines. */
  close(): void;
}

/** Buttons in memory, pressed by a test or by a key. */
export class SimulatedButtons implements Buttons {
  #pressed: (press: ButtonPress) => void = () => {};

  listen(pressed: (press: ButtonPress) => void): void {
    this.#pressed = pressed;
  }

  press(press: ButtonPress): void {
    this.#pressed(press);
  }

  close(): void {
    this.#pressed = () => {};
  }
}
