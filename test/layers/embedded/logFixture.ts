import { type Context, Effect, Mailbox, Option, TestClock } from "effect"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { encodeBatch } from "../../../src/domain/batchRecords.js"
import type { FetchedBatch } from "../../../src/domain/KafkaRecord.js"
import { Admin } from "../../../src/layers/Admin.js"
import { Consumer } from "../../../src/layers/Consumer.js"
import * as FileLogAdmin from "../../../src/layers/embedded/FileLogAdmin.js"
import * as FileLogConsumer from "../../../src/layers/embedded/FileLogConsumer.js"
import * as FileLogProducer from "../../../src/layers/embedded/FileLogProducer.js"
import { type OutgoingRecord, Producer } from "../../../src/layers/Producer.js"
import { serviceOf } from "./serviceOf.js"
import { temporaryFolder } from "./temporaryFolder.js"

export const topic = "dataset1"
export const utf8 = (text: string) => new TextEncoder().encode(text)
export const text = (bytes: Uint8Array | null) => bytes === null ? null : new TextDecoder().decode(bytes)
export const record = (value: string, partition = 0): OutgoingRecord => ({ partition, key: null, value: utf8(value) })
export const segment = (root: string, partition = 0) => join(root, `${topic}-${partition}`, "00000000000000000000.log")
/** One batch per value: what a producer makes of as many sends, without waiting for the disk each time. */
export const writeSegment = (root: string, all: ReadonlyArray<string>, partition = 0) =>
  writeFileSync(
    segment(root, partition),
    Buffer.concat(all.map((value, index) =>
      encodeBatch([{ offset: BigInt(index), timestampMs: 0, key: null, value: utf8(value), headers: [] }])
    ))
  )
export const numbered = (count: number, prefix = "v") =>
  Array.from({ length: count }, (_, index) => `${prefix}${index}`)

/** A log with one topic in a folder of its own. */
export const makeLog = (partitions = 1) =>
  Effect.gen(function*() {
    const root = yield* temporaryFolder
    const admin = yield* serviceOf(Admin, FileLogAdmin.layer(root))
    const producer = yield* serviceOf(Producer, FileLogProducer.layer({ root }))
    const consumer = yield* consumerOf(root)
    yield* admin.createTopic({ topic, partitions })
    return { root, admin, producer, consumer }
  })

export const consumerOf = (root: string, fetchMaxBytesPerPartition = 1_048_576) =>
  serviceOf(Consumer, FileLogConsumer.layer({ root, pollIntervalMs: 100, fetchMaxBytesPerPartition }))

/** Joins and collects what is delivered; `answer` decides for each batch. */
export const joinAll = (
  consumer: Context.Tag.Service<typeof Consumer>,
  answer: (batch: FetchedBatch) => "fetch" | "pause" = () => "fetch"
) =>
  Effect.gen(function*() {
    const batches = yield* Mailbox.make<FetchedBatch>()
    const membership = yield* consumer.join({
      topic,
      group: "group-dataset1",
      onBatch: (batch) => {
        batches.unsafeOffer(batch)
        return answer(batch)
      }
    })
    const begin = (partition: number, offset: bigint) =>
      Effect.zipRight(membership.seek(partition, offset), membership.resume(partition))
    return { membership, batches, begin }
  })

export const values = (batch: FetchedBatch) => batch.records.map(({ value }) => text(value))
/** Takes batches until so many records have come. */
export const takeValues = (batches: Mailbox.Mailbox<FetchedBatch>, count: number) =>
  Effect.gen(function*() {
    const all: Array<string | null> = []
    while (all.length < count) all.push(...values(yield* batches.take))
    return all
  })
export const waiting = (batches: Mailbox.Mailbox<FetchedBatch>) =>
  Effect.map(batches.size, (size) => Option.getOrElse(size, () => -1))

/** Lets real file operations that are under way go on, and time pass for the fiber that waits at the log's end. */
export const settle = Effect.forEach(
  numbered(10),
  () => Effect.zipRight(TestClock.adjust("100 millis"), Effect.promise(() => new Promise(setImmediate))),
  { discard: true }
)

/** Time passes until it has come: a file operation may take longer than any number of turns. */
export const inTime = <A, E, R>(coming: Effect.Effect<A, E, R>) => Effect.raceFirst(coming, Effect.forever(settle))
