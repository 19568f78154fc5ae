import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Schedule from "effect/Schedule"
import type { TopicMissing } from "../Admin.js"
import { connectWithin, type KafkaClientOptions } from "./client.js"
import { type KafkaError, unavailable } from "./errors.js"
import type { Nodes } from "./nodes.js"

/** Elections and coordinators that load pass in a moment; the caller waits longer if it wants to. */
export const retryPassing = {
  times: 3,
  schedule: Schedule.spaced("200 millis"),
  while: Predicate.isTagged("KafkaUnavailable")
} as const

/** For a question that answers or fails within five seconds; afterwards no connection is trusted to be alive. */
export const makeBounded =
  ({ brokers }: KafkaClientOptions, nodes: Nodes) =>
  <A, E extends TopicMissing | KafkaError>(effect: Effect.Effect<A, E>): Effect.Effect<A, E | KafkaError> =>
    effect.pipe(
      Effect.retry(retryPassing),
      Effect.timeoutTo({
        duration: connectWithin,
        onSuccess: Effect.succeed,
        onTimeout: () =>
          Effect.zipRight(nodes.reset, unavailable(brokers, new Error(`no answer within ${connectWithin}`)))
      }),
      Effect.flatten
    )
