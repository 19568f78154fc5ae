import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import type { ClientConfig } from "../domain/Config.js"
import { Admin, type TopicDescription } from "../layers/Admin.js"
import type { KafkaRefused } from "../layers/Consumer.js"
import { elapsedMillis } from "../layers/elapsed.js"
import { type Held, recreated, toHeld } from "./held.js"
import { type Backoff, throughOutage, unavailable } from "./outage.js"

/** Without an event: whether the topic is still the same one. */
const lookEvery = "30 seconds"

/** Waits until the topic is there: a consumer may well be started before its first producer. */
export const awaitTopic = (
  config: Pick<ClientConfig, "bootstrapServers">,
  topic: string,
  backoff: Backoff
): Effect.Effect<TopicDescription, KafkaRefused, Admin> =>
  Effect.gen(function*() {
    const admin = yield* Admin
    const cure = `create it: kafka-topics.sh --bootstrap-server ${
      config.bootstrapServers[0] ?? ""
    } --create --topic ${topic} --partitions 3`
    const described = admin.describeTopic(topic).pipe(
      Effect.tapErrorTag("TopicMissing", () => Effect.logDebug(`topic ${topic} is missing`))
    )
    return yield* throughOutage(`topic ${topic} (if missing, ${cure})`, backoff, described, unavailable)
  })

/** A broker takes longer to delete a topic, and somebody to create it again; a fetch meanwhile would notice. */
const lifeKnownMs = 250

/**
 * Fails when the topic has begun another life: asked after a fetch has brought something and before it is written. A
 * client that did not fetch while the topic was away, because it was paused or did not yet begin, reads on in the new
 * log where that is long enough. Shared by all partitions, so that it costs few requests; while no broker answers,
 * nothing is written. A topic that is away is no other one yet.
 */
export const makeSameLife = (topic: string, before: string, backoff: Backoff): Effect.Effect<void, Held, Admin> => {
  if (before === "") return Effect.void
  const turns = Effect.unsafeMakeSemaphore(1)
  let knownMs = Number.NEGATIVE_INFINITY
  const ask = Effect.gen(function*() {
    const admin = yield* Admin
    const askedMs = yield* elapsedMillis
    const { topicId } = yield* Effect.catchTag(
      admin.describeTopic(topic),
      "TopicMissing",
      () => Effect.succeed({ topicId: "" })
    )
    return { askedMs, topicId }
  })
  return Effect.gen(function*() {
    if ((yield* elapsedMillis) - knownMs < lifeKnownMs) return
    const { askedMs, topicId } = yield* throughOutage("Kafka", backoff, ask, ["KafkaUnavailable"]).pipe(
      Effect.mapError(toHeld)
    )
    if (topicId === "") return
    if (topicId !== before) return yield* recreated(topic, before, topicId)
    knownMs = askedMs
  }).pipe(turns.withPermits(1))
}

/**
 * Fails when the topic has begun another life. A fetch tells that too, but while all partitions are paused there is none,
 * and the new log may have grown beyond the position by then.
 */
export const watchTopicId = (topic: string, before: string): Effect.Effect<never, Held, Admin> =>
  Effect.gen(function*() {
    const admin = yield* Admin
    let missing = false
    while (true) {
      yield* Effect.sleep(lookEvery)
      const now = yield* Effect.either(admin.describeTopic(topic))
      if (Either.isLeft(now)) {
        // What else keeps the answer away is said by those who read.
        if (now.left._tag !== "TopicMissing" || missing) continue
        missing = true
        yield* Effect.logWarning(
          `topic ${topic} is gone: it was deleted. Its rows stay; its job waits until it is there again`
        )
        continue
      }
      missing = false
      const { topicId } = now.right
      if (topicId !== "" && before !== "" && topicId !== before) return yield* recreated(topic, before, topicId)
    }
  })
