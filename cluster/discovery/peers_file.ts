/** The remembered peers on disk, rewritten soon after they change, never on the node's hot path. */

import type { DataDir } from "../data_dir.ts";
import { messageOf } from "../errors.ts";
import { readFileIfThere, replaceFile, setAside } from "../files.ts";
import { textOf, utf8 } from "../bytes.ts";
import type { Log } from "../log.ts";
import { decodeRemembered, encodeRemembered, type RememberedPeer } from "./remembered.ts";

const FILE_NAME = "peers.json";
/** Changes come in bursts when a node joins: they are written once. */
const SAVE_AFTER_MS = 1_000;

export class PeersFile {
  readonly #path: string;
  readonly #log: Log;
  #latest: string | undefined;
  #saved = "";
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(dataDir: DataDir, log: Log) {
    this.#path = dataDir.file(FILE_NAME);
    this.#log = log;
  }

  /** None, if there is no file; a damaged one is set aside and said to be. */
  async load(): Promise<RememberedPeer[]> {
    const bytes = await readFileIfThere(this.#path);
    if (bytes === undefined) return [];
    let peers: RememberedPeer[] | undefined;
    try {
      peers = decodeRemembered(textOf(bytes));
    } catch {
      // Not even text.
    }
    if (peers !== undefined) return peers;
    const aside = await setAside(this.#path);
    this.#log.warn(`${this.#path} is damaged; it is now ${aside}, and peers are found anew`);
    return [];
  }

  save(peers: readonly RememberedPeer[]): void {
    this.#latest = encodeRemembered(peers);
    this.#timer ??= setTimeout(() => void this.#write(), SAVE_AFTER_MS);
  }

  /** Writes what is waiting. */
  async close(): Promise<void> {
    clearTimeout(this.#timer);
    await this.#write();
  }

  async #write(): Promise<void> {
    this.#timer = undefined;
    const text = this.#latest;
    if (text === undefined || text === this.#saved) return;
    try {
      await replaceFile(this.#path, utf8(text));
      this.#saved = text;
    } catch (error) {
      this.#log.warn(`cannot remember the peers in ${this.#path}: ${messageOf(error)}`);
    }
  }
}
