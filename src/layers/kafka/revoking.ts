import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { KafkaConsumerOptions } from "./client.js"

/**
 * What is to be done before the member joins again, given up when the coordinator would give up the member: no heartbeat
 * is sent meanwhile, and the others wait. A listener that cannot be interrupted goes on by itself then; what it commits
 * is fenced.
 */
export const beforeJoining = (
  { heartbeatIntervalMs, sessionTimeoutMs }: Pick<KafkaConsumerOptions, "heartbeatIntervalMs" | "sessionTimeoutMs">,
  listener: Effect.Effect<void>
): Effect.Effect<void> =>
  listener.pipe(
    Effect.interruptible,
    Effect.disconnect,
    Effect.timeoutTo({
      // The rebalance may have begun a heartbeat earlier.
      duration: Duration.millis(sessionTimeoutMs - heartbeatIntervalMs),
      onSuccess: () => Effect.void,
      onTimeout: () =>
        Effect.logWarning("the work on revoked partitions has not ended within the session: the group goes on")
    }),
    Effect.flatten
  )
