/**
 * Goal: no bytes that a broker may send crash or stop the reader, and none become a record that nobody wrote.
 * Method: real batches of every codec are changed at random. Where the checksum is left as it was, whatever it covers is
 * an error or untouched. Where it is written again, so that the parser is reached, the answer is records or a reason.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Either, FastCheck as fc } from "effect"
import { batchHeaderBytes } from "../../../src/domain/recordBatch.js"
import { compressor } from "../../../src/layers/kafka/codecs.js"
import { decodeFetchResponse, type DecodeLimits, decodeRecordSet } from "../../../src/layers/kafka/fetchResponse.js"
import { batch, marker, record, sealed } from "../../support/recordBatches.js"

// The same bytes each time: what a machine refuses, every machine does.
const fastCheck = { seed: 6, numRuns: 120 }
const limits: DecodeLimits = { batchBytesMax: 256 * 1024, heldBytesMax: 1024 * 1024 }
const codecs = [0, 1, 2, 3, ...(Either.isRight(compressor("zstd")) ? [4] : [])]

/** Six records in one batch. */
const six = (from: number, codec: number) => {
  const one = (index: number) =>
    record(BigInt(from + index), `value ${from + index} ${"ab".repeat(20)}`, Buffer.from(`key ${from + index}`))
  return batch([one(0), one(1), one(2), one(3), one(4), one(5)], { codec })
}

/** Three batches, each with its codec, and a marker between them: offsets 10 to 15, 16, 17 to 22, 23 to 28. */
const logOf = ([first = 0, second = 0, third = 0]: ReadonlyArray<number>): ReadonlyArray<Uint8Array> => {
  return [six(10, first), marker(16n, 1n, "commit"), six(17, second), six(23, third)]
}
const decode = (recordSet: Uint8Array) =>
  decodeRecordSet({ topic: "t", partition: 0, errorCode: 0, aborted: [], recordSet }, 10n, limits)

const change = fc.record({
  batch: fc.nat(3),
  /** Small places are lengths, counts, attributes and the first varints. */
  at: fc.oneof(fc.nat(batchHeaderBytes + 8), fc.nat(400)),
  bytes: fc.oneof(
    fc.uint8Array({ minLength: 1, maxLength: 4 }),
    fc.constantFrom([0xff, 0xff, 0xff, 0xff], [0x7f, 0xff, 0xff, 0xff], [0x80, 0, 0, 0], [0, 0, 0, 0])
  )
})
interface Change {
  readonly batch: number
  readonly at: number
  readonly bytes: ArrayLike<number>
}
const changes = fc.array(change, { minLength: 1, maxLength: 3 })
const chosen = fc.array(fc.constantFrom(...codecs), { minLength: 3, maxLength: 3 })

const changed = (log: ReadonlyArray<Uint8Array>, made: ReadonlyArray<Change>) => {
  const parts = log.map((part) => Uint8Array.from(part))
  for (const { at, batch: index, bytes } of made) {
    const part = parts[index]
    if (part !== undefined) part.set(Array.from(bytes).slice(0, part.length - at % part.length), at % part.length)
  }
  return parts
}
const offsetBytes = 8
const checkedFrom = 21

describe("changed bytes", () => {
  it.effect.prop(
    "with their old checksum are never a record that nobody wrote",
    [chosen, changes],
    ([names, made]) =>
      Effect.promise(async () => {
        const log = logOf(names)
        // The base offset is not covered (a broker writes it); neither is what only tells where a batch ends.
        const fetched = await decode(
          Buffer.concat(
            changed(log, made.filter(({ at, batch: index }) => at % (log[index]?.length ?? 1) >= offsetBytes))
          )
        )
        const written = (await decode(Buffer.concat(log)))?.records ?? []
        assert.deepStrictEqual(fetched?.records, written.slice(0, fetched?.records.length))
        // Less than was written: the reason is told, or the rest is asked for again.
        const missing = (fetched?.records.length ?? 0) < written.length
        assert.isTrue(!missing || fetched?.unreadable !== undefined || (fetched?.nextOffset ?? 0n) < 29n)
      }),
    { fastCheck }
  )

  it.effect.prop(
    "with a checksum that fits are records in ascending order, or a reason",
    [chosen, changes],
    ([names, made]) =>
      Effect.promise(async () => {
        const parts = changed(logOf(names), made.map((one) => ({ ...one, at: Math.max(checkedFrom, one.at) })))
        const fetched = await decode(Buffer.concat(parts.map(sealed)))
        assert.isDefined(fetched)
        let previous = 9n
        for (const { offset } of fetched.records) {
          assert.isTrue(offset > previous && offset < fetched.nextOffset)
          previous = offset
        }
        assert.isTrue(
          fetched.unreadable !== undefined || fetched.nextOffset > fetched.fetchedOffset,
          "it would be asked again"
        )
      }),
    { fastCheck }
  )

  it.effect.prop(
    "of any kind are never a hang or an exception",
    [fc.uint8Array({ maxLength: 300 }), fc.nat(2)],
    ([bytes, magic]) =>
      Effect.promise(async () => {
        const noise = Uint8Array.from(bytes)
        if (noise.length > 16) noise[16] = magic
        if (noise.length > batchHeaderBytes) new DataView(noise.buffer).setInt32(8, noise.length - 12)
        const fetched = await decode(noise.length > batchHeaderBytes ? sealed(noise) : noise)
        assert.isTrue(
          fetched === undefined ? noise.length === 0 : fetched.unreadable !== undefined || fetched.nextOffset > 10n
        )
      }),
    { fastCheck }
  )
})

it("a topic name of negative length does not lead the reader back to read it again, two thousand million times", () => {
  const payload = Buffer.alloc(22)
  payload.writeInt32BE(0x7fffffff, 10)
  payload.writeInt16BE(-6, 14)
  assert.throws(() => decodeFetchResponse(payload), RangeError)
})

it.prop(
  "a fetch answer of any bytes is an answer or an error, at once, however many entries it claims",
  [fc.uint8Array({ maxLength: 200 }), fc.nat(60), fc.constantFrom(0x7fffffff, -1, -2147483648, 1_000_000)],
  ([bytes, at, claim]) => {
    const payload = Buffer.from(bytes)
    if (payload.length >= at + 4) payload.writeInt32BE(claim, at)
    const read = Either.try({ try: () => decodeFetchResponse(payload), catch: (error) => error })
    if (Either.isLeft(read)) return assert.instanceOf(read.left, RangeError)
    for (const { recordSet } of read.right.partitions) assert.isAtMost(recordSet.length, payload.length)
  },
  { fastCheck }
)
