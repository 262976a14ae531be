/**
 * Datagram keys without cryptography: who issued which, and who seals with which. As the real ones, a
 * key is worth something only between the two runs that agreed on it.
 */

import { hexOf } from "../bytes.ts";
import type { NodeId } from "../ids.ts";

const KEY_ID_BYTES = 8;

/** Of all keys in all worlds, so that none is ever issued twice. */
let issuedCount = 0;

export class SimulatedKeys {
  readonly #issued = new Map<string, NodeId>();
  readonly #sealing = new Map<NodeId, string>();

  /** The ID of a fresh key for what `peer` will send. */
  issue(peer: NodeId): Uint8Array {
    const keyId = new Uint8Array(KEY_ID_BYTES);
    new DataView(keyId.buffer).setUint32(0, ++issuedCount);
    this.#issued.set(hexOf(keyId), peer);
    return keyId;
  }

  /** Takes over the key that `peer` issued for what is sent to it. */
  use(peer: NodeId, keyId: Uint8Array): void {
    this.#sealing.set(peer, hexOf(keyId));
  }

  sealing(peer: NodeId): string | undefined {
    return this.#sealing.get(peer);
  }

  opens(key: string): boolean {
    return this.#issued.has(key);
  }

  drop(peer: NodeId): void {
    this.#sealing.delete(peer);
    for (const [key, owner] of this.#issued) if (owner === peer) this.#issued.delete(key);
  }

  clear(): void {
    this.#issued.clear();
    this.#sealing.clear();
  }
}
