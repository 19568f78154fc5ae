import * as Either from "effect/Either"

/** Why a value is not in Confluent's wire format. A tombstone is a value that is not there at all. */
export interface WireProblem {
  readonly kind: "tombstone" | "too-short" | "magic"
  readonly reason: string
}

export interface Frame {
  readonly schemaId: number
  /** Where the Avro data begins. */
  readonly start: number
}

const magic = 0
const prefixBytes = 5

const tombstone: Either.Either<never, WireProblem> = Either.left({
  kind: "tombstone",
  reason: "the value is null (a tombstone)"
})

const looksLike = (what: string): string => `; it looks like ${what}, not like Avro from a registry's serializer`

const hintOf = (first: number): string => {
  if (first === 0x7b || first === 0x5b) return looksLike("JSON")
  if (first === 0x4f) return looksLike("an Avro file")
  return first >= 0x20 && first < 0x7f ? looksLike("text") : ""
}

/**
 * Reads the prefix of Confluent's wire format: a zero byte, then the schema id as four bytes, big-endian. Ids are signed
 * in Java, but registries give none below zero.
 */
export const readFrame = (value: Uint8Array | null): Either.Either<Frame, WireProblem> => {
  if (value === null) return tombstone
  const [first, a, b, c, d] = value
  if (first !== undefined && first !== magic) {
    const hex = first.toString(16).padStart(2, "0")
    return Either.left({ kind: "magic", reason: `it starts with 0x${hex} instead of the magic byte 0${hintOf(first)}` })
  }
  if (a === undefined || b === undefined || c === undefined || d === undefined) {
    return Either.left({
      kind: "too-short",
      reason: `${value.length} bytes are too short for the magic byte and a schema id (${prefixBytes} bytes)`
    })
  }
  return Either.right({ schemaId: ((a << 24) | (b << 16) | (c << 8) | d) >>> 0, start: prefixBytes })
}

/** The inverse of `readFrame`. */
export const writeFrame = (schemaId: number, payload: Uint8Array): Uint8Array => {
  const framed = Buffer.allocUnsafe(prefixBytes + payload.length)
  framed.writeUInt8(magic, 0)
  framed.writeUInt32BE(schemaId, 1)
  framed.set(payload, prefixBytes)
  return framed
}
