/** The token that remote users have: 32 random bytes in a file. */

import { type KeyKind, readKeyFile } from "../../cluster/keys.ts";

const TOKEN: KeyKind = { what: "VM token", maker: "toolkit vm token" };

export function readToken(path: string): Promise<Uint8Array> {
  return readKeyFile(path, TOKEN);
}
