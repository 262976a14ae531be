/** Colour, where it belongs: on terminals, and never with NO_COLOR (no-color.org). */

export interface Paint {
  bold(text: string): string;
  dim(text: string): string;
  red(text: string): string;
  yellow(text: string): string;
  green(text: string): string;
  /** Any colour, 0 to 255 each. */
  rgb(colour: readonly [number, number, number], text: string): string;
  readonly enabled: boolean;
}

export function paintFor(enabled: boolean): Paint {
  const code = (open: string, close: string) => (text: string) =>
    enabled ? `\x1b[${open}m${text}\x1b[${close}m` : text;
  return {
    bold: code("1", "22"),
    dim: code("2", "22"),
    red: code("31", "39"),
    yellow: code("33", "39"),
    green: code("32", "39"),
    rgb: ([r, g, b], text) => code(`38;2;${r};${g};${b}`, "39")(text),
    enabled,
  };
}

export function mayColour(isTerminal: boolean, env: Readonly<Record<string, string>>): boolean {
  return isTerminal && !env["NO_COLOR"] && env["TERM"] !== "dumb";
}
