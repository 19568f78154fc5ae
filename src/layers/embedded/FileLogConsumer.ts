/**
 * `Consumer` over a log in a folder. The folder has one consuming process at a time, held by a lock, so that each
 * membership has one generation that lasts as long as its scope: nothing is ever lost, no heartbeat is needed.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Mailbox from "effect/Mailbox"
import * as RcRef from "effect/RcRef"
import * as Schema from "effect/Schema"
import { mkdir } from "node:fs/promises"
import { dirname } from "node:path"
import { pid } from "node:process"
import {
  CommitFailed,
  Consumer,
  type GroupEvent,
  GroupEvent as GroupEvents,
  type JoinOptions,
  KafkaRefused
} from "../Consumer.js"
import { Committed, readCommitted } from "./FileLogAdmin.js"
import { makePartitionReader } from "./FileLogPartition.js"
import { tryLock } from "./fileLock.js"
import {
  attempt,
  committedFile,
  consumerLockFile,
  consumerPidFile,
  readText,
  readTopic,
  replaceText
} from "./logFolder.js"

export interface FileLogConsumerOptions {
  readonly root: string
  /** Longest wait for new records at the end of a partition. */
  readonly pollIntervalMs: number
  /** Bytes read at once of one partition; a longer batch is still read as a whole. */
  readonly fetchMaxBytesPerPartition: number
}

export const layer = (options: FileLogConsumerOptions): Layer.Layer<Consumer> => Layer.scoped(Consumer, make(options))

const make = Effect.fnUntraced(function*(options: FileLogConsumerOptions) {
  const { root } = options
  // Counted: the memberships of one process, one per topic, share the folder's lock.
  const folder = yield* RcRef.make({ acquire: takeFolder(root) })
  const places = new Set<string>()

  const join = Effect.fn("FileLogConsumer.join")(function*({ group, onBatch, topic }: JoinOptions) {
    const { partitions } = yield* readTopic(root, topic).pipe(
      Effect.catchTag(
        "TopicMissing",
        (error) => new KafkaRefused({ what: error.message, cure: `produce to it first, or create it, in ${root}` })
      )
    )
    yield* RcRef.get(folder)
    yield* takePlace(places, group, topic)
    const generation = 1
    const events = yield* Mailbox.make<GroupEvent, KafkaRefused>()
    const readers = new Map(
      yield* Effect.forEach(partitions, (partition) =>
        Effect.map(
          makePartitionReader({
            ...options,
            topic,
            partition,
            generation,
            onBatch,
            onDefect: (cause) => events.failCause(cause)
          }),
          (reader) => [partition, reader] as const
        ))
    )
    yield* events.offer(GroupEvents.Assigned({ generation, partitions }))
    yield* Effect.addFinalizer(() => events.shutdown)
    const committed = yield* readCommitted(root, group, topic)
    const file = committedFile(root, group, topic)
    const oneAtATime = yield* Effect.makeSemaphore(1)
    return {
      events,
      seek: (partition: number, offset: bigint) => Effect.sync(() => readers.get(partition)?.seek(offset)),
      pause: (partition: number) => Effect.sync(() => readers.get(partition)?.pause()),
      resume: (partition: number) => Effect.sync(() => readers.get(partition)?.resume()),
      // The lock is the membership, and it is held for as long as this scope is open.
      confirmed: Effect.void,
      commit: (offsets: ReadonlyArray<{ readonly partition: number; readonly offset: bigint }>) =>
        oneAtATime.withPermits(1)(Effect.suspend(() => {
          const foreign = offsets.find(({ partition }) => !readers.has(partition))
          if (foreign !== undefined) {
            return new CommitFailed({ kind: "fenced", reason: `${topic} has no partition ${foreign.partition}` })
          }
          for (const { offset, partition } of offsets) committed.set(partition, offset)
          return Effect.mapError(
            saveCommitted(file, committed),
            ({ message }) => new CommitFailed({ kind: "unavailable", reason: message })
          )
        }))
    }
  })

  return Consumer.of({ join })
})

/** There is no coordinator that would divide the partitions: a second member of a group would read all of them, too. */
const takePlace = (places: Set<string>, group: string, topic: string) => {
  const place = JSON.stringify([group, topic])
  return Effect.acquireRelease(
    Effect.suspend(() =>
      places.has(place)
        ? new KafkaRefused({
          what: `group ${group} already reads ${topic}: in the embedded log a group has one member for each topic`,
          cure: "use one member, or a real broker"
        })
        : Effect.sync(() => void places.add(place))
    ),
    () => Effect.sync(() => void places.delete(place))
  )
}

const takeFolder = Effect.fnUntraced(function*(root: string) {
  yield* tryLock(consumerLockFile(root)).pipe(
    Effect.catchTags({
      FileLocked: () =>
        Effect.flatMap(readText(consumerPidFile(root)), (holder) =>
          new KafkaRefused({
            what: `another consumer (pid ${holder?.trim() || "unknown"}) reads the embedded log ${root}`,
            cure: "stop it first; producers may run beside it",
            kind: "locked"
          })),
      FileLockFailed: (error) =>
        new KafkaRefused({ what: error.message, cure: "make the folder readable and writable", cause: error })
    })
  )
  yield* replaceText(consumerPidFile(root), `${pid}\n`)
})

const encodeCommitted = Schema.encode(Committed)

const saveCommitted = Effect.fnUntraced(function*(file: string, committed: ReadonlyMap<number, bigint>) {
  yield* attempt(`cannot create ${file}`, () => mkdir(dirname(file), { recursive: true }))
  yield* replaceText(file, yield* encodeCommitted([...committed]))
})
