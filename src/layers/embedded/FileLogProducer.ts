import * as Arr from "effect/Array"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import { type BatchCodec, encodeBatch } from "../../domain/batchRecords.js"
import type { KafkaRecord } from "../../domain/KafkaRecord.js"
import { partitionOfKey } from "../../domain/murmur2.js"
import { KafkaRefused } from "../Consumer.js"
import { type Appended, type OutgoingRecord, Producer } from "../Producer.js"
import { makeReusableLock, type ReusableLock } from "./fileLock.js"
import { appendLockFile, readTopic, segmentFile } from "./logFolder.js"
import { whileLocked } from "./logLock.js"
import { append, type EncodedBatch, openSegment, type SegmentEnd, segmentStart } from "./segment.js"

/** Where a batch is cut, uncompressed: the default limit of a broker (`message.max.bytes`) and of one fetch. */
const batchBytesWanted = 1024 * 1024

export interface FileLogProducerOptions {
  readonly root: string
  /** Compresses every batch; none by default. */
  readonly codec?: BatchCodec
}

/**
 * `Producer` over the log in the folder `root`. Several may append beside each other, in one process or many: each
 * append holds the partition's lock. What `send` acknowledged is synced to disk.
 */
export const layer = (options: FileLogProducerOptions): Layer.Layer<Producer> => Layer.scoped(Producer, make(options))

interface Partition {
  readonly lock: ReusableLock
  /** End of the segment after our last append; other producers may have moved it since. */
  end: SegmentEnd
}

const make = Effect.fnUntraced(function*({ codec, root }: FileLogProducerOptions) {
  const scope = yield* Effect.scope
  const opened = new Map<string, Partition>()
  const opening = yield* Effect.makeSemaphore(1)
  /** Partition of the next record without a key, per topic. */
  const roundRobin = new Map<string, number>()

  // Keyed by the topic's life: deleted and made again, a topic is another one, whose files start at 0.
  const partitionOf = (topicId: string, topic: string, partition: number) =>
    opening.withPermits(1)(Effect.gen(function*() {
      const key = `${topicId}-${partition}`
      const known = opened.get(key)
      if (known !== undefined) return known
      const lock = yield* inScope(scope, makeReusableLock(appendLockFile(root, topic, partition)))
      const fresh: Partition = { lock, end: segmentStart }
      opened.set(key, fresh)
      return fresh
    }))

  const appendTo = Effect.fnUntraced(
    function*(topicId: string, topic: string, partition: number, records: ReadonlyArray<KafkaRecord>) {
      const file = segmentFile(root, topic, partition)
      const target = yield* partitionOf(topicId, topic, partition)
      const batches = encodeAll(records, codec)
      const handle = yield* openSegment(file, "r+")
      const { nextOffset } = yield* whileLocked(
        target.lock,
        append(file, handle, target.end, batches).pipe(
          Effect.tap((end) =>
            Effect.sync(() => {
              target.end = end
            })
          ),
          // Cut short, it would leave the very torn tail that the next append has to cut.
          Effect.uninterruptible
        )
      )
      return { partition, baseOffset: nextOffset - BigInt(records.length), count: records.length } satisfies Appended
    },
    Effect.scoped,
    Effect.catchTags({
      SegmentCorrupt: (error) =>
        new KafkaRefused({ what: error.message, cure: "restore the file, or start over in another folder" }),
      FileLockFailed: (error) => new KafkaRefused({ what: error.message, cure: "make the folder writable" })
    })
  )

  const send = Effect.fn("FileLogProducer.send")(function*(topic: string, records: ReadonlyArray<OutgoingRecord>) {
    const { partitions, topicId } = yield* readTopic(root, topic).pipe(
      Effect.catchTag(
        "TopicMissing",
        (error) => new KafkaRefused({ what: error.message, cure: `create it first, in ${root}` })
      )
    )
    // Whole milliseconds: a virtual clock may stand between two.
    const nowMs = Math.trunc(yield* Clock.currentTimeMillis)
    const byPartition = new Map<number, Array<KafkaRecord>>()
    for (const record of records) {
      const partition = choose(record, topic, partitions.length)
      if (!partitions.includes(partition)) {
        return yield* new KafkaRefused({
          what: `topic ${topic} has no partition ${partition}`,
          cure: `choose one below ${partitions.length}`
        })
      }
      const list = byPartition.get(partition) ?? []
      byPartition.set(partition, list)
      list.push({
        offset: BigInt(list.length),
        timestampMs: record.timestampMs ?? nowMs,
        key: record.key,
        value: record.value,
        headers: record.headers ?? []
      })
    }
    return yield* Effect.forEach(byPartition, ([partition, list]) => appendTo(topicId, topic, partition, list), {
      concurrency: "unbounded" // each on a lock of its own; bounded by the partitions
    })
  })

  const choose = (record: OutgoingRecord, topic: string, count: number): number => {
    if (record.partition !== undefined) return record.partition
    if (record.key !== null) return partitionOfKey(record.key, count)
    const next = roundRobin.get(topic) ?? 0
    roundRobin.set(topic, next + 1)
    return next % count
  }

  return Producer.of({ send })
})

const inScope = <A, E>(scope: Scope.Scope, effect: Effect.Effect<A, E, Scope.Scope>) => Scope.extend(effect, scope)

/** Cuts the records into batches of a bounded size. Each batch's offsets start anywhere: appending sets the base. */
const encodeAll = (records: ReadonlyArray<KafkaRecord>, codec: BatchCodec | undefined): Array<EncodedBatch> => {
  const batches: Array<EncodedBatch> = []
  let pending: Array<KafkaRecord> = []
  let pendingBytes = 0
  const flush = () => {
    if (Arr.isNonEmptyArray(pending)) {
      batches.push({ bytes: encodeBatch(pending, codec), records: pending.length })
    }
    pending = []
    pendingBytes = 0
  }
  for (const record of records) {
    pending.push(record)
    pendingBytes += (record.key?.length ?? 0) + (record.value?.length ?? 0)
    if (pendingBytes >= batchBytesWanted) flush()
  }
  flush()
  return batches
}
