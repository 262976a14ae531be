/** Which files a session may read. */

import { concat } from "../../cluster/bytes.ts";
import { messageOf, Problem } from "../../cluster/errors.ts";
import { VmExit } from "./exit_codes.ts";

/** Longer ones are no programs. */
const MAX_FILE_BYTES = 64 * 1024 * 1024;
/** A worker that assembles this much keeps its other programs waiting for a third of a second. */
const MAX_NODE_FILE_BYTES = 4 * 1024 * 1024;

/** Gives a file's bytes or throws a {@link Problem}. */
export type ReadFile = (path: string) => Promise<Uint8Array>;

/** Any file that this process may read, a pipe too. */
export async function readProgramFile(path: string): Promise<Uint8Array> {
  try {
    return await readUpTo(path, MAX_FILE_BYTES);
  } catch (error) {
    throw unreadable(path, error);
  }
}

/** For a node: no pipe or device, which would keep it waiting, and nothing that takes long to assemble. */
export async function readNodeFile(path: string): Promise<Uint8Array> {
  try {
    const { isFile } = await Deno.stat(path);
    if (!isFile) throw new Error("it is no file");
    return await readUpTo(path, MAX_NODE_FILE_BYTES);
  } catch (error) {
    throw unreadable(path, error);
  }
}

function unreadable(path: string, error: unknown): Problem {
  const isMissing = error instanceof Deno.errors.NotFound;
  const reason = isMissing ? "there is no such file" : messageOf(error);
  return new Problem(`cannot read ${path}: ${reason}`, {
    ...isMissing ? {} : { hint: "name a file with source or an image" },
    exitCode: VmExit.noInput,
    cause: error,
  });
}

/** Not all that there is: a device may have no end. */
async function readUpTo(path: string, limit: number): Promise<Uint8Array> {
  const file = await Deno.open(path);
  const pieces: Uint8Array[] = [];
  let length = 0;
  for await (const piece of file.readable) {
    length += piece.length;
    if (length > limit) throw new Error("it is longer than any program");
    pieces.push(piece);
  }
  return concat(...pieces);
}

/** Files below a folder only; what is elsewhere looks as if it were not there. */
export function readerBelow(root: string): ReadFile {
  return async (path) => {
    const missing = new Problem(`there is no program ${path}`, {
      hint: "paths begin at the folder vm.root of the host",
    });
    try {
      const base = await Deno.realPath(root);
      const real = await Deno.realPath(`${base}/${path}`);
      if (!real.startsWith(base === "/" ? base : `${base}/`)) throw missing;
      // A pipe or a device would keep us waiting.
      const { isFile, size } = await Deno.stat(real);
      if (!isFile || size > MAX_NODE_FILE_BYTES) throw missing;
      return await Deno.readFile(real);
    } catch {
      throw missing;
    }
  };
}

/** Of a host that has set no folder aside. */
export function readNoFile(): Promise<Uint8Array> {
  return Promise.reject(
    new Problem("files are off for remote users", {
      hint: "its owner may set a folder aside for them: vm.root",
    }),
  );
}
