/** Text with colour codes in it. */

// deno-lint-ignore no-control-regex -- escape codes are what this is about
const COLOUR_CODE = /\x1b\[[0-9;]*m/g;

/** How many columns a text takes, colour codes not counted. */
export function visibleLength(text: string): number {
  return [...text.replaceAll(COLOUR_CODE, "")].length;
}

/** As much of a line as fits in `columns`, colours closed at the end; an ellipsis says that it is cut. */
export function cutToWidth(line: string, columns: number): string {
  if (visibleLength(line) <= columns) return line;
  let kept = "";
  let width = 0;
  // Odd pieces are colour codes, even ones text.
  for (const [index, piece] of line.split(new RegExp(`(${COLOUR_CODE.source})`)).entries()) {
    if (index % 2 === 1) {
      kept += piece;
      continue;
    }
    const characters = [...piece].slice(0, Math.max(0, columns - 1 - width));
    width += characters.length;
    kept += characters.join("");
  }
  return `${kept}…\x1b[0m`;
}
