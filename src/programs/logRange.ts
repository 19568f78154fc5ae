import * as Effect from "effect/Effect"
import type { LogRange } from "../domain/KafkaRecord.js"
import { Admin } from "../layers/Admin.js"
import { Held, toHeld } from "./held.js"
import { type Backoff, throughOutage, unavailable } from "./outage.js"

/** What the partition's log holds now; waits while the brokers are away. */
export const logRange = (
  { partition, topic }: { readonly topic: string; readonly partition: number },
  backoff: Backoff
): Effect.Effect<LogRange, Held, Admin> =>
  Effect.gen(function*() {
    const admin = yield* Admin
    const ranges = yield* throughOutage("Kafka", backoff, admin.logRanges(topic), unavailable).pipe(
      Effect.mapError(toHeld)
    )
    const range = ranges.find((each) => each.partition === partition)
    if (range !== undefined) return range
    return yield* new Held({
      what: `the topic has no partition ${partition} any more`,
      cure: "a topic that was deleted and created again needs its stored offsets reset"
    })
  })
