import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import type { ClientConfig } from "../domain/Config.js"
import { Admin, type TopicDescription } from "../layers/Admin.js"
import type { KafkaRefused } from "../layers/Consumer.js"
import { type Held, recreated } from "./held.js"
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
