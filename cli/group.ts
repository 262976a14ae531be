/** Groups of this host, by name. */

import { messageOf, Problem } from "../cluster/errors.ts";

/** The number of a group, from /etc/group. Throws a {@link Problem} if there is none of that name. */
export async function groupIdOf(name: string): Promise<number> {
  let text: string;
  try {
    text = await Deno.readTextFile("/etc/group");
  } catch (error) {
    throw new Problem(`cannot read /etc/group: ${messageOf(error)}`, { cause: error });
  }
  for (const line of text.split("\n")) {
    const [group, , id] = line.split(":");
    if (group === name && id !== undefined && /^\d+$/.test(id)) return Number(id);
  }
  throw new Problem(`control.group: this host has no group ${JSON.stringify(name)}`, {
    hint: `groupadd ${name}, or name another one`,
  });
}
