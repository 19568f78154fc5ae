/**
 * CRC-32C (Castagnoli), the checksum of Kafka's record batches. Not the CRC-32 of zlib, whose polynomial is another.
 *
 * Sixteen tables of 256 entries would be faster still; one table gives about 400 MB/s, and the log that it protects is
 * read once per record.
 */
const table = new Uint32Array(256)
for (let byte = 0; byte < 256; byte++) {
  let remainder = byte
  for (let bit = 0; bit < 8; bit++) {
    // 0x82f63b78 is the polynomial with its bits reversed, because the register shifts to the right.
    remainder = (remainder & 1) === 1 ? (remainder >>> 1) ^ 0x82f63b78 : remainder >>> 1
  }
  table[byte] = remainder
}

/** The checksum of `bytes[start, end)` as an unsigned 32-bit number. */
export const crc32c = (bytes: Uint8Array, start = 0, end = bytes.length): number => {
  let crc = 0xffffffff
  for (let index = start; index < end; index++) {
    crc = (crc >>> 8) ^ (table[(crc ^ (bytes[index] ?? 0)) & 0xff] ?? 0)
  }
  return (crc ^ 0xffffffff) >>> 0
}
