import assert from "node:assert/strict";
import fc from "fast-check";
import { ByteReader, bytesOfHex, ByteWriter, concat, equalBytes } from "../../cluster/bytes.ts";
import { MalformedError } from "../../cluster/errors.ts";

Deno.test("ByteWriter and ByteReader agree on every integer, whatever stands around it", () => {
  fc.assert(fc.property(
    fc.nat(0xff),
    fc.nat(0xffff),
    fc.nat(0xffff_ffff),
    fc.nat(2 ** 48 - 1),
    fc.nat(0xffff_ffff),
    fc.uint8Array({ maxLength: 300 }),
    (a, b, c, d, e, raw) => {
      // A capacity of one byte makes every write grow the buffer.
      const writer = new ByteWriter(1).u8(a).u16(b).u32(c).u48(d).varint(e).raw(raw);
      const reader = new ByteReader(writer.bytes);
      assert.equal(reader.u8(), a);
      assert.equal(reader.u16(), b);
      assert.equal(reader.u32(), c);
      assert.equal(reader.u48(), d);
      assert.equal(reader.varint(), e);
      assert.deepEqual([...reader.raw(raw.length)], [...raw]);
      reader.end();
    },
  ));
});

Deno.test("ByteReader refuses to read past the end and to leave bytes over", () => {
  const reader = new ByteReader(new Uint8Array([1, 2]));
  assert.throws(() => reader.u32(), MalformedError);
  assert.equal(reader.u8(), 1);
  assert.throws(() => reader.end(), MalformedError);
});

Deno.test("ByteReader refuses a varint of more than 32 bits", () => {
  for (const hex of ["ffffffffff01", "8080808080", "ffffffff7f"]) {
    assert.throws(() => new ByteReader(bytesOfHex(hex)).varint(), MalformedError, hex);
  }
  assert.equal(new ByteReader(bytesOfHex("ffffffff0f")).varint(), 0xffff_ffff);
});

Deno.test("bytesOfHex() refuses what is not hexadecimal", () => {
  for (const text of ["0", "zz", "0x00"]) assert.throws(() => bytesOfHex(text), MalformedError);
});

Deno.test("equalBytes() and concat() do what they say", () => {
  const whole = concat(new Uint8Array([1]), new Uint8Array(), new Uint8Array([2, 3]));
  assert.deepEqual([...whole], [1, 2, 3]);
  assert.equal(equalBytes(whole, new Uint8Array([1, 2, 3])), true);
  assert.equal(equalBytes(whole, new Uint8Array([1, 2, 4])), false);
  assert.equal(equalBytes(whole, new Uint8Array([1, 2])), false);
});
