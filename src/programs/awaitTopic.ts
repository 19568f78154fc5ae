import * as Effect from "effect/Effect"
import type { ClientConfig } from "../domain/Config.js"
import { Admin, type TopicDescription } from "../layers/Admin.js"
import type { KafkaRefused } from "../layers/Consumer.js"
import { type Backoff, throughOutage, unavailable } from "./outage.js"

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
