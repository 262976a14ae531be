import type { CliContext } from "../../cli/context.ts";
import { replaceFile } from "../../cluster/files.ts";
import { messageOf, Problem } from "../../cluster/errors.ts";
import type { AsmFlags } from "../command.ts";
import { readProgramFile } from "./program_files.ts";
import { assembleFile } from "./source.ts";

export default async function asm(this: CliContext, flags: AsmFlags, path: string): Promise<void> {
  const image = assembleFile(this, path, await readProgramFile(path), flags.debug);
  try {
    await replaceFile(flags.out, image);
  } catch (error) {
    throw new Problem(`cannot write ${flags.out}: ${messageOf(error)}`, { cause: error });
  }
  this.note(`${flags.out}: ${image.length} bytes`);
}
