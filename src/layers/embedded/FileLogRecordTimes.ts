import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import { decodeRecords } from "../../domain/batchRecords.js"
import { RecordTimes } from "../RecordTimes.js"
import { gzipCodec } from "./gzipCodec.js"
import { segmentFile } from "./logFolder.js"
import { openSegment, readChunk } from "./segment.js"

const chunkBytes = 1024 * 1024
const codecs = new Map([[gzipCodec.code, gzipCodec]])

/** Reads the log in the folder `root`, which has no transactions, without taking its consumer's lock. */
export const layer = (root: string): Layer.Layer<RecordTimes> =>
  Layer.succeed(
    RecordTimes,
    RecordTimes.of({
      next: ({ offsets, topic }) =>
        Effect.map(
          Effect.forEach(offsets, ([partition, offset]) =>
            Effect.map(timeFrom(segmentFile(root, topic, partition), offset), (time) => [partition, time] as const)),
          (found) =>
            new Map(found.flatMap(([partition, time]) => time === "none" ? [] : [[partition, time] as const]))
        )
    })
  )

/** There is no index: what lies before is passed over by its batches' headers alone. */
const timeFrom = Effect.fnUntraced(function*(file: string, offset: bigint) {
  const handle = yield* openSegment(file, "r")
  for (let position = 0;;) {
    const chunk = yield* readChunk(handle, position, chunkBytes)
    if (chunk.batches.length === 0) return "none" as const
    for (const header of chunk.batches) {
      if (header.lastOffset < offset) continue
      const decoded = decodeRecords(chunk.bytes, header.position - chunk.origin, header, codecs)
      if (Either.isLeft(decoded)) return undefined
      const next = decoded.right.find((record) => record.offset >= offset)
      if (next !== undefined) return next.timestampMs
    }
    position = chunk.position
  }
}, Effect.scoped)
