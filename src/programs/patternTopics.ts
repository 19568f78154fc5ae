import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import { type ClientConfig, matches, type TopicPattern } from "../domain/Config.js"
import type { KafkaRefused, KafkaUnavailable } from "../layers/Consumer.js"
import { Topics } from "../layers/Topics.js"
import { throughOutage } from "./outage.js"

/** Topics that the pattern matches now, by name. Never Kafka's own. */
const matching = (
  pattern: TopicPattern
): Effect.Effect<ReadonlyArray<string>, KafkaUnavailable | KafkaRefused, Topics> =>
  Effect.gen(function*() {
    const topics = yield* Topics
    const all = yield* topics.list
    return all.filter(({ internal, topic }) => !internal && matches(pattern, topic)).map(({ topic }) => topic)
  })

/** With the topics that there are now named, where a pattern says which: for whoever looks once. */
export const withPresentTopics = <C extends Pick<ClientConfig, "topics" | "topicPattern">>(
  config: C
): Effect.Effect<C, KafkaUnavailable | KafkaRefused, Topics> =>
  config.topicPattern === undefined
    ? Effect.succeed(config)
    : Effect.map(matching(config.topicPattern), (topics) => ({ ...config, topics }))

type Watching = Pick<ClientConfig, "metadataMaxAgeMs" | "retryBackoffMs" | "retryBackoffMaxMs">

/** Topics beyond `known` that the pattern matches, each once, as soon as it is seen. */
export const comingTopics = (
  config: Watching,
  pattern: TopicPattern,
  known: ReadonlyArray<string>
): Stream.Stream<string, never, Topics> => {
  const seen = new Set(known)
  const backoff = { baseMs: config.retryBackoffMs, maxMs: config.retryBackoffMaxMs }
  // A refusal, too, may be lifted while the topics that are known go on.
  const present = throughOutage("list of topics", backoff, matching(pattern), ["KafkaUnavailable", "KafkaRefused"])
  return Stream.repeatEffectWithSchedule(present, Schedule.spaced(config.metadataMaxAgeMs)).pipe(
    Stream.mapConcat((topics) => {
      const coming = topics.filter((topic) => !seen.has(topic))
      for (const topic of coming) seen.add(topic)
      return coming
    })
  )
}
