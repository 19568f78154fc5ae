import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Predicate from "effect/Predicate"
import { mkdir } from "node:fs/promises"
import type { TopicDescription } from "../Admin.js"
import { KafkaRefused } from "../Consumer.js"
import { type NewTopic, type TopicLayout, Topics } from "../Topics.js"
import { makeReusableLock } from "./fileLock.js"
import {
  attempt,
  checkTopicName,
  growTopic,
  metadataLockFile,
  namesIn,
  readTopic,
  topicOfFile,
  writeTopic
} from "./logFolder.js"
import { whileLocked } from "./logLock.js"

/** `Topics` over the log in the folder `root`, which need not exist yet. A topic there has no configuration. */
export const layer = (root: string): Layer.Layer<Topics> => Layer.sync(Topics, () => make(root))

const make = (root: string) => {
  const locked = <A, E>(effect: Effect.Effect<A, E>) =>
    Effect.gen(function*() {
      yield* attempt(`cannot create ${root}`, () => mkdir(root, { recursive: true }))
      const lock = yield* makeReusableLock(metadataLockFile(root)).pipe(
        Effect.mapError((error) => new KafkaRefused({ what: error.message, cure: "make the folder writable" }))
      )
      return yield* whileLocked(lock, effect)
    }).pipe(Effect.scoped)
  const names = Effect.map(
    namesIn(root),
    (files) => files.map(topicOfFile).filter(Predicate.isNotUndefined).toSorted()
  )
  return Topics.of({
    list: Effect.flatMap(names, (topics) =>
      Effect.forEach(topics, (topic) => readTopic(root, topic)).pipe(
        Effect.map((found) => found.map(layoutOf)),
        Effect.catchTag("TopicMissing", (error) => new KafkaRefused({ what: error.message, cure: "look again" }))
      )),
    describe: (topic) => Effect.map(readTopic(root, topic), layoutOf),
    settings: (topic) => Effect.as(readTopic(root, topic), []),
    create: Effect.fn("FileLogTopics.create")(function*(topic) {
      yield* checkTopicName(topic.topic)
      yield* onlyPlain(topic)
      return yield* locked(writeTopic(root, topic.topic, topic.partitions))
    }),
    addPartitions: Effect.fn("FileLogTopics.addPartitions")(function*(topic, to) {
      yield* readTopic(root, topic)
      yield* locked(growTopic(root, topic, to))
    })
  })
}

const layoutOf = ({ partitions, topic, topicId }: TopicDescription): TopicLayout => ({
  topic,
  topicId,
  internal: false,
  partitions: partitions.map((partition) => ({ partition, leader: 0, replicas: [0], inSync: [0] }))
})

const onlyPlain = ({ replicationFactor = 1, settings }: NewTopic): Effect.Effect<void, KafkaRefused> =>
  replicationFactor === 1 && settings.length === 0
    ? Effect.void
    : new KafkaRefused({
      what: "a topic of the embedded log has one replica and no configuration",
      cure: "leave out --replication and --config, or name real brokers"
    })
