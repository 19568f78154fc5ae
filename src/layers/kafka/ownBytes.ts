/**
 * The bytes, copied where they are a view on more than twice as much. Records are views too and may wait for long: one
 * record would keep the answer about all partitions (10 MiB), or the 16 KiB into which zlib writes whatever it expands.
 */
export const ownBytes = (bytes: Uint8Array): Uint8Array =>
  bytes.buffer.byteLength > 2 * bytes.byteLength ? Uint8Array.from(bytes) : bytes
