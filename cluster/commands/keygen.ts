import type { CliContext } from "../../cli/context.ts";
import type { KeygenFlags } from "../command.ts";
import { writeKeyFile } from "../keys.ts";

export default async function keygen(this: CliContext, flags: KeygenFlags): Promise<void> {
  await writeKeyFile(flags.out);
  const path = await Deno.realPath(flags.out);
  this.print(`wrote ${path}`);
  this.note(`copy it to every host (mode 600), and name it there: cluster.key_file = "${path}"`);
}
