/** The folder in which a node keeps what must outlive it. One folder runs one node. */

import { messageOf, Problem } from "./errors.ts";
import { joinPath, writeAll } from "./files.ts";

const LOCK_FILE = "lock";
const SOCKET_FILE = "control.sock";
export const IDENTITY_FILE = "identity.key";

/** The longest path that a Unix socket can have: sun_path in <sys/un.h>, less its final zero. */
const MAX_SOCKET_PATH_BYTES = 107;

/** Who holds a data dir, for the message to whoever wants it too. */
export interface Holder {
  readonly pid: number;
  readonly parts: readonly string[];
}

export class DataDir {
  readonly path: string;
  readonly #lock: Deno.FsFile;

  private constructor(path: string, lock: Deno.FsFile) {
    this.path = path;
    this.#lock = lock;
  }

  /** Makes the folder if need be (mode 0700) and locks it. Throws a {@link Problem}. */
  static async open(path: string, holder: Holder): Promise<DataDir> {
    try {
      await Deno.mkdir(path, { recursive: true, mode: 0o700 });
    } catch (error) {
      throw new Problem(`cannot make the data dir ${path}: ${messageOf(error)}`, {
        hint: "name another one with --data-dir, or mend the permissions",
        cause: error,
      });
    }
    let lock: Deno.FsFile;
    try {
      const name = joinPath(path, LOCK_FILE);
      lock = await Deno.open(name, { read: true, write: true, create: true, mode: 0o600 });
    } catch (error) {
      throw new Problem(`cannot use the data dir ${path}: ${messageOf(error)}`, {
        hint: "run as the user who owns it, or name another one with --data-dir",
        cause: error,
      });
    }
    // flock: freed by the kernel however the process ends, so a killed node leaves no stale lock.
    if (!await lock.tryLock(true)) {
      lock.close();
      throw inUse(path, await readHolder(path));
    }
    try {
      await lock.truncate(0);
      await writeAll(lock, new TextEncoder().encode(`${JSON.stringify(holder)}\n`));
    } catch (error) {
      lock.close();
      throw new Problem(`cannot write to the data dir ${path}: ${messageOf(error)}`, {
        hint: "make room, or name another one with --data-dir",
        cause: error,
      });
    }
    return new DataDir(path, lock);
  }

  file(name: string): string {
    return joinPath(this.path, name);
  }

  /** Lets a group reach the socket in it, and nothing else. */
  async shareWith(groupId: number): Promise<void> {
    await Deno.chown(this.path, null, groupId);
    await Deno.chmod(this.path, 0o710);
  }

  /** Gives the folder free. The lock file stays: removing it would race with the next start. */
  close(): void {
    this.#lock.close();
  }
}

function inUse(path: string, holder: Holder | undefined): Problem {
  const who = holder === undefined
    ? "another process"
    : `process ${holder.pid} (${holder.parts.join(", ")})`;
  return new Problem(`the data dir ${path} is in use by ${who}`, {
    hint: 'one node runs several parts with "toolkit up"; a second node needs another --data-dir',
  });
}

async function readHolder(path: string): Promise<Holder | undefined> {
  try {
    const holder = JSON.parse(await Deno.readTextFile(joinPath(path, LOCK_FILE)));
    if (typeof holder.pid !== "number" || !Array.isArray(holder.parts)) return undefined;
    return { pid: holder.pid, parts: holder.parts.map(String) };
  } catch {
    return undefined;
  }
}

/**
 * Where the running node of a data dir is asked. A path that is too long for a socket moves to the
 * runtime folder, which is its user's alone, under a name that both sides derive from the data dir.
 * Throws a {@link Problem} where there is no such folder.
 */
export async function controlSocketPath(
  dataDir: string,
  runtimeDir: string | undefined,
): Promise<string> {
  const path = joinPath(dataDir, SOCKET_FILE);
  const bytes = new TextEncoder().encode(path);
  if (bytes.length <= MAX_SOCKET_PATH_BYTES) return path;
  if (runtimeDir === undefined) {
    throw new Problem(`the path of the data dir ${dataDir} is too long for a socket in it`, {
      hint: `name one of at most ${MAX_SOCKET_PATH_BYTES - SOCKET_FILE.length - 1} bytes, or set ` +
        "XDG_RUNTIME_DIR",
    });
  }
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return joinPath(runtimeDir, `toolkit-${digest.subarray(0, 8).toHex()}.sock`);
}
