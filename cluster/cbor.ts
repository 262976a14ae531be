/** CBOR (RFC 8949) for messages whose shape may grow; every decoded value is validated by its user. */

import { Decoder, Encoder, setSizeLimits } from "cbor-x";
import { MalformedError, messageOf } from "./errors.ts";

/** No message here comes near; a forged length must not allocate more than a little. */
const MAX_ITEMS = 8_192;
setSizeLimits({ maxArraySize: MAX_ITEMS, maxMapSize: MAX_ITEMS, maxObjectSize: MAX_ITEMS });

const OPTIONS = { useRecords: false, variableMapSize: true, tagUint8Array: false } as const;
const encoder = new Encoder(OPTIONS);
const decoder = new Decoder(OPTIONS);

export function encodeCbor(value: unknown): Uint8Array {
  return new Uint8Array(encoder.encode(value));
}

/** Throws {@link MalformedError} for anything but one whole CBOR item. */
export function decodeCbor(bytes: Uint8Array): unknown {
  try {
    return decoder.decode(bytes);
  } catch (error) {
    throw new MalformedError(`not CBOR: ${messageOf(error)}`, { cause: error });
  }
}
