/**
 * A partitioned log in a folder, laid out as a broker's own log directory:
 *
 * ```
 * cluster.json                                  id of the "cluster", made with the first topic
 * <topic>.topic.json                            id of the topic's life, number of partitions
 * <topic>-<partition>/00000000000000000000.log  Kafka's segment format
 * <topic>-<partition>/append.lock               held by a producer while it appends
 * consumer.lock, consumer.pid                   held by the consuming process; who that is
 * ```
 */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import { randomUUID } from "node:crypto"
import { mkdir, readdir, readFile, rename, writeFile } from "node:fs/promises"
import { dirname, join } from "node:path"
import { type TopicDescription, TopicMissing } from "../Admin.js"
import { KafkaRefused, KafkaUnavailable } from "../Consumer.js"

export const segmentFile = (root: string, topic: string, partition: number): string =>
  join(partitionFolder(root, topic, partition), "00000000000000000000.log")
export const appendLockFile = (root: string, topic: string, partition: number): string =>
  join(partitionFolder(root, topic, partition), "append.lock")
/** Held while topics are made. */
export const metadataLockFile = (root: string): string => join(root, "metadata.lock")
export const consumerLockFile = (root: string): string => join(root, "consumer.lock")
export const consumerPidFile = (root: string): string => join(root, "consumer.pid")
export const groupsFolder = (root: string): string => join(root, "groups")
export const committedFile = (root: string, group: string, topic: string): string =>
  join(groupsFolder(root), `${encodeURIComponent(group)}.${topic}.json`)

/** A file operation. What a person must cure (rights, a read-only disk) is refused, the rest may pass. */
export const attempt = <A>(
  what: string,
  run: () => Promise<A>
): Effect.Effect<A, KafkaUnavailable | KafkaRefused> =>
  Effect.tryPromise({
    try: run,
    catch: (cause) => {
      const code = errorCode(cause)
      return code === "EACCES" || code === "EPERM" || code === "EROFS" || code === "ENOTDIR"
        ? new KafkaRefused({ what: `${what}: ${code}`, cure: "make the folder readable and writable", cause })
        : new KafkaUnavailable({ what: `${what}: ${code}`, cause })
    }
  })

/** The text of a file, undefined where there is none. */
export const readText = (file: string): Effect.Effect<string | undefined, KafkaUnavailable | KafkaRefused> =>
  attempt(`cannot read ${file}`, () => readFile(file, "utf8")).pipe(
    Effect.catchIf((error) => errorCode(error.cause) === "ENOENT", () => Effect.succeed(undefined))
  )

/** What the folder holds; nothing where there is none. */
export const namesIn = (folder: string): Effect.Effect<ReadonlyArray<string>, KafkaUnavailable | KafkaRefused> =>
  attempt(`cannot read ${folder}`, () => readdir(folder)).pipe(
    Effect.catchIf((error) => errorCode(error.cause) === "ENOENT", () => Effect.succeed([]))
  )

/** Replaces the file as a whole: a reader, and whoever comes after a kill, sees the old content or the new. */
export const replaceText = Effect.fnUntraced(function*(file: string, text: string) {
  const fresh = `${file}.${randomUUID()}`
  yield* attempt(`cannot write ${fresh}`, () => writeFile(fresh, text, { flush: true }))
  yield* attempt(`cannot write ${file}`, () => rename(fresh, file))
})

/** Kafka's own rule for names; it also keeps a topic from naming a file outside of the folder. */
export const checkTopicName = (topic: string): Effect.Effect<void, KafkaRefused> =>
  /^[a-zA-Z0-9._-]{1,249}$/.test(topic) && topic !== "." && topic !== ".."
    ? Effect.void
    : new KafkaRefused({
      what: `${JSON.stringify(topic)} is no topic name`,
      cure: "use at most 249 of a-z, A-Z, 0-9, dot, underscore and hyphen"
    })

export const readTopic = Effect.fn("logFolder.readTopic")(function*(root: string, topic: string) {
  yield* checkTopicName(topic)
  const text = yield* readText(topicFile(root, topic))
  if (text === undefined) return yield* new TopicMissing({ topic })
  const { partitions, topicId } = yield* decoded(topicFile(root, topic), decodeTopic(text))
  const cluster = yield* decoded(clusterFile(root), decodeCluster(yield* readText(clusterFile(root))))
  return {
    topic,
    topicId,
    clusterId: cluster.clusterId,
    partitions: Array.from({ length: partitions }, (_, partition) => partition)
  } satisfies TopicDescription
})

/** Only under the metadata lock. The topic's file comes last: where it stands, everything else does. */
export const writeTopic = Effect.fn("logFolder.writeTopic")(function*(root: string, topic: string, partitions: number) {
  const existing = yield* Effect.either(readTopic(root, topic))
  if (Either.isRight(existing)) return "exists" as const
  if (existing.left._tag !== "TopicMissing") return yield* existing.left
  if ((yield* readText(clusterFile(root))) === undefined) {
    yield* replaceText(clusterFile(root), JSON.stringify({ clusterId: randomUUID() }))
  }
  yield* makeSegments(root, topic, 0, partitions)
  yield* replaceText(topicFile(root, topic), JSON.stringify({ topicId: randomUUID(), partitions }))
  return "created" as const
})

/**
 * Only under the metadata lock. To `partitions`, more than there are. Who has the topic open goes on with those that it
 * knows.
 */
export const growTopic = Effect.fn("logFolder.growTopic")(function*(root: string, topic: string, partitions: number) {
  const known = yield* readTopic(root, topic)
  if (partitions <= known.partitions.length) {
    return yield* new KafkaRefused({
      what: `topic ${topic} has ${known.partitions.length} partitions already`,
      cure: "name a larger number: partitions are never taken away"
    })
  }
  yield* makeSegments(root, topic, known.partitions.length, partitions)
  yield* replaceText(topicFile(root, topic), JSON.stringify({ topicId: known.topicId, partitions }))
})

const makeSegments = Effect.fnUntraced(function*(root: string, topic: string, from: number, to: number) {
  for (let partition = from; partition < to; partition++) {
    const file = segmentFile(root, topic, partition)
    yield* attempt(`cannot create ${file}`, () => mkdir(dirname(file), { recursive: true }))
    // Emptied: left by a run that was killed before it wrote the topic's file, nobody was told of what it holds.
    yield* attempt(`cannot create ${file}`, () => writeFile(file, "", { flush: true }))
  }
})

const partitionFolder = (root: string, topic: string, partition: number) => join(root, `${topic}-${partition}`)
const topicSuffix = ".topic.json"
const topicFile = (root: string, topic: string) => join(root, topic + topicSuffix)
/** The topic that a file of this name in the folder describes, if any. */
export const topicOfFile = (name: string): string | undefined =>
  name.endsWith(topicSuffix) ? name.slice(0, -topicSuffix.length) : undefined
const clusterFile = (root: string) => join(root, "cluster.json")

const decodeTopic = Schema.decodeUnknownEither(
  Schema.parseJson(Schema.Struct({ topicId: Schema.String, partitions: Schema.Int.pipe(Schema.between(1, 10_000)) }))
)
const decodeCluster = Schema.decodeUnknownEither(Schema.parseJson(Schema.Struct({ clusterId: Schema.NonEmptyString })))

/** The content of one of our files; a damaged one needs a person. */
export const decoded = <A, E>(file: string, result: Either.Either<A, E>): Effect.Effect<A, KafkaRefused> =>
  Effect.mapError(
    result,
    (cause) =>
      new KafkaRefused({ what: `${file} is damaged`, cure: "restore it, or start over in another folder", cause })
  )

const decodeCode = Schema.decodeUnknownEither(Schema.Struct({ code: Schema.String }))
const errorCode = (cause: unknown): string =>
  Either.match(decodeCode(cause), { onLeft: () => String(cause), onRight: ({ code }) => code })
