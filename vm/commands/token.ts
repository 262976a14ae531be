import type { CliContext } from "../../cli/context.ts";
import { writeKeyFile } from "../../cluster/keys.ts";
import type { TokenFlags } from "./session_commands.ts";

/** A token is a key as any other: 32 random bytes in a file that only its owner reads. */
export default async function token(this: CliContext, flags: TokenFlags): Promise<void> {
  await writeKeyFile(flags.out);
  const path = await Deno.realPath(flags.out);
  this.print(`wrote ${path}`);
  this.note(
    `on the host: vm.token_file = "${path}", or --token-file`,
    "copy it to every user (mode 600): toolkit vm attach HOST:PORT --token-file FILE",
  );
}
