/** Where `vm asm` puts an image. */

import { messageOf, Problem } from "../../cluster/errors.ts";
import { replaceFile, writeAll } from "../../cluster/files.ts";
import { looksLikeImage } from "../image.ts";

const MAGIC_BYTES = 4;
const PERMISSIONS = 0o777;

/**
 * Writes an image to `path`; "-" is standard output. A device or a pipe is written to, a link is
 * followed. A file that is no image is left alone: it may be the source.
 */
export async function writeImage(path: string, image: Uint8Array): Promise<void> {
  try {
    if (path === "-") return await writeAll(Deno.stdout, image);
    const info = await Deno.stat(path).catch(ifMissing);
    if (info !== undefined && !info.isFile) return await writeInto(path, image);
    if (info !== undefined) await refuseOtherFile(path, info.size);
    // As a compiler does: what others may read is the umask's business, or that of the file before.
    const mode = info?.mode == null ? 0o666 : info.mode & PERMISSIONS;
    const target = info === undefined ? path : await Deno.realPath(path);
    await replaceFile(target, image, { mode, isShared: true });
  } catch (error) {
    if (error instanceof Problem) throw error;
    throw new Problem(`cannot write ${path}: ${messageOf(error)}`, { cause: error });
  }
}

async function writeInto(path: string, image: Uint8Array): Promise<void> {
  const file = await Deno.open(path, { write: true });
  try {
    await writeAll(file, image);
  } finally {
    file.close();
  }
}

async function refuseOtherFile(path: string, size: number): Promise<void> {
  if (size === 0) return;
  const file = await Deno.open(path);
  try {
    const start = new Uint8Array(MAGIC_BYTES);
    const count = await file.read(start) ?? 0;
    if (looksLikeImage(start.subarray(0, count))) return;
  } finally {
    file.close();
  }
  throw new Problem(`${path} exists and is no image: it is left as it is`, {
    hint: "name another file for the image, such as program.ir",
  });
}

function ifMissing(error: unknown): undefined {
  if (error instanceof Deno.errors.NotFound) return undefined;
  throw error;
}
