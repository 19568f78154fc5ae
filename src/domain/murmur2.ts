/**
 * MurmurHash2, 32 bits, with the seed of the Java client, so that a key goes to the partition where every other Kafka
 * producer would put it.
 */
export const murmur2 = (bytes: Uint8Array): number => {
  const multiplier = 0x5bd1e995
  let hash = 0x9747b28c ^ bytes.length
  const wordsEnd = bytes.length & ~3
  for (let index = 0; index < wordsEnd; index += 4) {
    let word = byteAt(bytes, index) | (byteAt(bytes, index + 1) << 8) | (byteAt(bytes, index + 2) << 16) |
      (byteAt(bytes, index + 3) << 24)
    word = Math.imul(word, multiplier)
    word ^= word >>> 24
    hash = Math.imul(hash, multiplier) ^ Math.imul(word, multiplier)
  }
  const rest = bytes.length - wordsEnd
  if (rest === 3) hash ^= byteAt(bytes, wordsEnd + 2) << 16
  if (rest >= 2) hash ^= byteAt(bytes, wordsEnd + 1) << 8
  if (rest >= 1) hash = Math.imul(hash ^ byteAt(bytes, wordsEnd), multiplier)
  hash = Math.imul(hash ^ (hash >>> 13), multiplier)
  return hash ^ (hash >>> 15)
}

/** The partition of a key among `partitions`, as the Java client's default partitioner chooses it. */
export const partitionOfKey = (key: Uint8Array, partitions: number): number => (murmur2(key) & 0x7fffffff) % partitions

const byteAt = (bytes: Uint8Array, index: number): number => bytes[index] ?? 0
