import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { decodeRecords } from "../../domain/batchRecords.js"
import { KafkaRefused } from "../Consumer.js"
import { type LogEntry, LogReader } from "../LogReader.js"
import { gzipCodec } from "./gzipCodec.js"
import { segmentFile } from "./logFolder.js"
import { openSegment, readChunk, type SegmentChunk } from "./segment.js"

const chunkBytes = 1024 * 1024
const codecs = new Map([[gzipCodec.code, gzipCodec]])

/** Reads the log in the folder `root` without taking its consumer's lock: a pipeline may run on it meanwhile. */
export const layer = (root: string): Layer.Layer<LogReader> =>
  Layer.succeed(
    LogReader,
    LogReader.of({
      entries: ({ from, partition, to, topic }) => {
        const file = segmentFile(root, topic, partition)
        return Stream.unwrapScoped(
          Effect.map(openSegment(file, "r"), (handle) =>
            // There is no index: what lies before the range is passed over by its batches' headers alone.
            Stream.paginateEffect(0, (position) =>
              Effect.gen(function*() {
                const chunk = yield* readChunk(handle, position, chunkBytes)
                const last = chunk.batches.at(-1)
                const ended = last === undefined || last.lastOffset + 1n >= to
                const next = ended ? Option.none<number>() : Option.some(chunk.position)
                return [yield* entriesOf(file, chunk, from, to), next]
              })))
        )
      }
    })
  )

const entriesOf = (
  file: string,
  chunk: SegmentChunk,
  from: bigint,
  to: bigint
): Effect.Effect<ReadonlyArray<LogEntry>, KafkaRefused> =>
  Effect.suspend(() => {
    const entries: Array<LogEntry> = []
    for (const header of chunk.batches) {
      if (header.lastOffset < from || header.baseOffset >= to) continue
      const decoded = decodeRecords(chunk.bytes, header.position - chunk.origin, header, codecs)
      if (Either.isLeft(decoded)) {
        const cure = "restore the file, or start over in another folder"
        return new KafkaRefused({ what: `${file} is damaged at byte ${header.position}`, cure })
      }
      for (const { offset, value } of decoded.right) {
        if (offset >= from && offset < to) entries.push({ offset, kind: value === null ? "tombstone" : "record" })
      }
    }
    return Effect.succeed(entries)
  })
