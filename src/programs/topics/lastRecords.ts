import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { LogRange } from "../../domain/KafkaRecord.js"
import { type LastRecord, makeLastRecords } from "../../domain/lastRecords.js"
import { storedBatches } from "../../domain/logDump/storedBatch.js"
import type { KafkaRefused, KafkaUnavailable } from "../../layers/Consumer.js"
import { batchCodecs } from "../../layers/kafka/codecs.js"
import { RawLog } from "../../layers/RawLog.js"

/** Offsets looked at first for each record that is wanted: markers and compaction leave some without one. */
const offsetsPerRecord = 4n
const offsetsMin = 64n
/** Beyond this many offsets what was found is enough: a log may end in a million aborted records. */
const offsetsMax = 65_536n
const growth = 8n

/** The last records of a partition, fewer than `count` where there are not as many near its end. */
export const lastRecords = (
  topic: string,
  { end, low, partition }: LogRange,
  count: number
): Effect.Effect<ReadonlyArray<LastRecord>, KafkaRefused | KafkaUnavailable, RawLog> =>
  Effect.gen(function*() {
    if (count === 0) return []
    const raw = yield* RawLog
    const wanted = BigInt(count) * offsetsPerRecord
    for (let offsets = wanted > offsetsMin ? wanted : offsetsMin;; offsets *= growth) {
      const from = end - offsets > low ? end - offsets : low
      const last = makeLastRecords(count)
      const shown = { from, to: end, batchesOnly: false, controlOnly: false }
      yield* Stream.runForEach(raw.pieces({ topic, partition, from, to: end }), (piece) =>
        Effect.sync(() => {
          for (const batch of storedBatches(piece.bytes, piece.position, batchCodecs, shown)) last.add(batch)
        }))
      const found = last.result()
      if (found.length === count || from === low || offsets >= offsetsMax) return found
    }
  })
