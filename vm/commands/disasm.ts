import type { CliContext } from "../../cli/context.ts";
import { disassemble } from "../disassembler.ts";
import type { DisasmFlags } from "../command.ts";
import { readProgramFile } from "./program_files.ts";
import { loadImageFile } from "./source.ts";

export default async function disasm(
  this: CliContext,
  flags: DisasmFlags,
  path: string,
): Promise<void> {
  const bytes = await readProgramFile(path);
  loadImageFile(path, bytes);
  this.terminal.out(disassemble(bytes, { addresses: flags.addresses }));
}
