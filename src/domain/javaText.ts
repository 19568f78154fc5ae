const decoder = new TextDecoder("utf-8", { ignoreBOM: true })
/** An encoded surrogate, byte for byte, also where the bytes end within it. */
const surrogate = /\xed[\xa0-\xbf][\x80-\xbf]?/g

/**
 * Bytes as Java's `new String(bytes, UTF_8)` shows them. It puts U+FFFD for the same pieces as the decoder of the web's
 * standard, with one exception: an encoded surrogate is one malformed character for Java, and three for the web. A byte
 * order mark is a character like any other.
 */
export const javaText = (bytes: Uint8Array): string => {
  if (!bytes.includes(0xed)) return decoder.decode(bytes)
  // 0xff stands for itself in no encoding: always one malformed character.
  const marked = Buffer.from(bytes).toString("latin1").replaceAll(surrogate, "\xff")
  return decoder.decode(Buffer.from(marked, "latin1"))
}
