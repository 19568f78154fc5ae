import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { mkdir } from "node:fs/promises"
import type { LogRange } from "../../domain/KafkaRecord.js"
import { Admin } from "../Admin.js"
import { KafkaRefused } from "../Consumer.js"
import { makeReusableLock } from "./fileLock.js"
import {
  attempt,
  checkTopicName,
  committedFile,
  decoded,
  metadataLockFile,
  readText,
  readTopic,
  segmentFile,
  writeTopic
} from "./logFolder.js"
import { whileLocked } from "./logLock.js"
import { findEnd, openSegment, type SegmentEnd, segmentStart } from "./segment.js"

/** `Admin` over the log in the folder `root`, which need not exist before the first topic is made. */
export const layer = (root: string): Layer.Layer<Admin> => Layer.sync(Admin, () => make(root))

const make = (root: string) => {
  // Where each segment was seen to end, so that asking again reads only what came since. Bounded by the partitions.
  const ends = new Map<string, SegmentEnd>()

  const endOf = Effect.fnUntraced(function*(topicId: string, file: string) {
    const handle = yield* openSegment(file, "r")
    const key = `${topicId} ${file}`
    const end = yield* findEnd(file, handle, ends.get(key) ?? segmentStart).pipe(
      Effect.catchTag(
        "SegmentCorrupt",
        (error) => new KafkaRefused({ what: error.message, cure: "restore the file, or start over in another folder" })
      )
    )
    ends.set(key, end)
    return end.nextOffset
  }, Effect.scoped)

  const logRanges = Effect.fn("FileLogAdmin.logRanges")(function*(topic: string) {
    const { partitions, topicId } = yield* readTopic(root, topic)
    return yield* Effect.forEach(partitions, (partition) =>
      Effect.map(
        endOf(topicId, segmentFile(root, topic, partition)),
        // Nothing is ever deleted, and there are no transactions.
        (end): LogRange => ({ partition, low: 0n, lastStable: end, end })
      ))
  })

  const committedOffsets = Effect.fn("FileLogAdmin.committedOffsets")(function*(group: string, topic: string) {
    yield* checkTopicName(topic)
    return yield* readCommitted(root, group, topic)
  })

  const createTopic = Effect.fn("FileLogAdmin.createTopic")(
    function*(options: { readonly topic: string; readonly partitions: number }) {
      yield* checkTopicName(options.topic)
      yield* attempt(`cannot create ${root}`, () => mkdir(root, { recursive: true }))
      const lock = yield* makeReusableLock(metadataLockFile(root)).pipe(
        Effect.mapError((error) => new KafkaRefused({ what: error.message, cure: "make the folder writable" }))
      )
      return yield* whileLocked(lock, writeTopic(root, options.topic, options.partitions))
    },
    Effect.scoped
  )

  return Admin.of({ describeTopic: (topic) => readTopic(root, topic), logRanges, committedOffsets, createTopic })
}

/** What a group committed for a topic: pairs of partition and offset. */
export const Committed = Schema.parseJson(Schema.Array(Schema.Tuple(Schema.Int, Schema.BigInt)))
const decodeCommitted = Schema.decodeUnknownEither(Committed)

export const readCommitted = Effect.fnUntraced(function*(root: string, group: string, topic: string) {
  const file = committedFile(root, group, topic)
  const text = yield* readText(file)
  return new Map(text === undefined ? [] : yield* decoded(file, decodeCommitted(text)))
})
