/** Files that survive power cuts: written whole beside the old one, synced, renamed. */

import { messageOf, Problem } from "./errors.ts";

export interface AtomicWriteOptions {
  /** Permissions of the new file; 0600 unless told. */
  readonly mode?: number;
  /** In a folder of others the new file has a name that nobody else has made, or expects. */
  readonly isShared?: boolean;
}

/**
 * Replaces `path` with `bytes`: afterwards, and after a crash at any moment, the file is either the
 * old one or the new one, whole. Returns when the new one is on the disk.
 */
export async function replaceFile(
  path: string,
  bytes: Uint8Array,
  options: AtomicWriteOptions = {},
): Promise<void> {
  const { isShared = false } = options;
  const temporary = isShared ? `${path}.${crypto.randomUUID()}` : `${path}.new`;
  try {
    const file = await Deno.open(temporary, {
      write: true,
      ...isShared ? { createNew: true } : { create: true, truncate: true },
      mode: options.mode ?? 0o600,
    });
    try {
      await writeAll(file, bytes);
      await file.sync();
    } finally {
      file.close();
    }
    await Deno.rename(temporary, path);
  } catch (error) {
    await Deno.remove(temporary).catch(() => {});
    throw error;
  }
  await syncFolder(folderOf(path));
}

/** Writes all of `bytes`; a single `write` may take only part of them. */
export async function writeAll(
  target: { write(bytes: Uint8Array): Promise<number> },
  bytes: Uint8Array,
): Promise<void> {
  let written = 0;
  while (written < bytes.length) written += await target.write(bytes.subarray(written));
}

/** Makes renames and new names in a folder durable. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await Deno.open(path, { read: true });
  try {
    await folder.sync();
  } finally {
    folder.close();
  }
}

/** Moves a damaged file out of the way, keeping it for whoever wants to look; gives its new name. */
export async function setAside(path: string): Promise<string> {
  const aside = `${path}.damaged`;
  try {
    await Deno.rename(path, aside);
  } catch (error) {
    throw new Problem(`${path} is damaged and cannot be moved to ${aside}: ${messageOf(error)}`, {
      hint: "move both away",
      cause: error,
    });
  }
  return aside;
}

/** The file's bytes, or undefined where there is none. */
export async function readFileIfThere(path: string): Promise<Uint8Array | undefined> {
  try {
    return await Deno.readFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw new Problem(`cannot read ${path}: ${messageOf(error)}`, {
      hint: "mend its permissions, or move it away",
      cause: error,
    });
  }
}

export function folderOf(path: string): string {
  const slash = path.lastIndexOf("/");
  return slash < 0 ? "." : path.slice(0, slash) || "/";
}

export function joinPath(folder: string, name: string): string {
  return folder.endsWith("/") ? folder + name : `${folder}/${name}`;
}
