import type { CliContext } from "../../cli/context.ts";
import type { AsmFlags } from "../command.ts";
import { writeImage } from "./image_file.ts";
import { readProgramFile } from "./program_files.ts";
import { assembleFile } from "./source.ts";

export default async function asm(this: CliContext, flags: AsmFlags, path: string): Promise<void> {
  const image = assembleFile(this, path, await readProgramFile(path), flags.debug);
  await writeImage(flags.out, image);
  this.note(`${flags.out === "-" ? "standard output" : flags.out}: ${image.length} bytes`);
}
