/** Files that hold programs: reading them, and telling what is wrong with them. */

import type { CliContext } from "../../cli/context.ts";
import { Problem } from "../../cluster/errors.ts";
import { assemble, formatDiagnostics } from "../assembler/index.ts";
import { type Image, ImageError, loadImage, looksLikeImage } from "../image.ts";
import { VmExit } from "./exit_codes.ts";
import { IMAGE, notSource } from "../repl/load.ts";
import { readProgramFile } from "./program_files.ts";

/** Source as an image. Tells all errors and warnings; throws a {@link Problem} if it is wrong. */
export function assembleFile(
  context: CliContext,
  path: string,
  bytes: Uint8Array,
  debug: boolean,
): Uint8Array {
  refuseNoSource(path, bytes);
  const fileName = path.slice(path.lastIndexOf("/") + 1);
  const source = new TextDecoder().decode(bytes);
  const { image, diagnostics } = assemble(source, { fileName, debug });
  context.note(...formatDiagnostics(diagnostics, source, { fileName: path }));
  if (image !== undefined) return image;
  const count = diagnostics.filter(({ severity }) => severity === "error").length;
  throw new Problem(`${path} does not assemble: ${count === 1 ? "1 error" : `${count} errors`}`, {
    hint: "docs/assembler.md tells the language",
    exitCode: VmExit.data,
  });
}

/** What is no text would only give a hundred errors. */
function refuseNoSource(path: string, bytes: Uint8Array): void {
  const kind = notSource(bytes);
  if (kind === undefined) return;
  throw new Problem(`${path} is ${kind}`, {
    hint: kind === IMAGE ? "toolkit vm disasm shows it as source" : "name a file with source",
    exitCode: VmExit.data,
  });
}

/** Source or image, told apart by how it begins; source keeps names and lines. */
export async function loadProgram(context: CliContext, path: string): Promise<Image> {
  const bytes = await readProgramFile(path);
  const isImage = looksLikeImage(bytes);
  const image = loadImageFile(path, isImage ? bytes : assembleFile(context, path, bytes, true));
  if (isImage) context.note(...image.warnings.map((warning) => `${path}: warning: ${warning}`));
  return image;
}

export function loadImageFile(path: string, bytes: Uint8Array): Image {
  try {
    return loadImage(bytes);
  } catch (error) {
    if (!(error instanceof ImageError)) throw error;
    throw new Problem(`${path}: ${error.message}`, {
      hint: "toolkit vm asm makes images",
      exitCode: VmExit.data,
      cause: error,
    });
  }
}
