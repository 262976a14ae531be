/** Text from outside that people will read on a terminal. */

/** Control characters, and those that turn the direction of what follows (Unicode, UAX 9). */
// deno-lint-ignore no-control-regex -- these are the ones to find
const UNPRINTABLE = /[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;

/** Whether a terminal shows it as it is. */
export function isPrintable(text: string): boolean {
  return text.search(UNPRINTABLE) < 0;
}

/** The same with every unprintable character replaced: it can forge no line and drive no terminal. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, "\ufffd");
}
