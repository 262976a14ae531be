/**
 * An image and its decoded form that code can be added to, in time that goes with what is added: behind
 * both there is room, which is doubled when it is used up.
 *
 * An engine may go on with a {@link Decoded} that it has until more is added to the same room.
 */

import { decode, type Decoded, decodedOf, decodeFrom, STRIDE } from "../decode.ts";
import { type Image, VERSION_AT } from "../image.ts";
import { INSTRUCTION_BYTES } from "../isa.ts";

export class GrowingCode {
  #image: Image;
  #decoded: Decoded;
  /** What the image's bytes are the beginning of. */
  #bytes: Uint8Array;

  /** The image is left as it is: there is no room behind it, so that the first addition copies it. */
  constructor(image: Image) {
    this.#image = image;
    this.#bytes = image.bytes;
    this.#decoded = decode(image);
  }

  get image(): Image {
    return this.#image;
  }

  get decoded(): Decoded {
    return this.#decoded;
  }

  /** The version is raised if the code needs that. */
  append(code: Uint8Array, neededVersion: number): void {
    const before = this.#image;
    const from = before.bytes.length;
    const to = from + Math.ceil(code.length / INSTRUCTION_BYTES) * INSTRUCTION_BYTES;
    this.#makeRoom(to);
    const version = Math.max(before.version, neededVersion);
    this.#bytes.set(code, from);
    this.#bytes[VERSION_AT] = version;
    this.#image = { ...before, version, bytes: this.#bytes.subarray(0, to) };
    // The same bytes may mean something else in another version.
    const first = version === before.version ? from - before.entry : 0;
    decodeFrom(this.#image, this.#decoded.code, first);
    this.#decoded = decodedOf(this.#image, this.#decoded.code);
  }

  #makeRoom(length: number): void {
    if (length <= this.#bytes.length) return;
    const bytes = new Uint8Array(2 * length);
    bytes.set(this.#image.bytes);
    this.#bytes = bytes;
    const { image, code } = this.#decoded;
    const longer = new Int32Array(bytes.length - image.entry + STRIDE);
    longer.set(code);
    this.#decoded = decodedOf(image, longer);
  }
}
