import type * as Effect from "effect/Effect"
import type { Config } from "../domain/Config.js"
import type { Admin } from "../layers/Admin.js"
import type { Membership } from "../layers/Consumer.js"
import type { TopicEncoders } from "./encoders.js"
import type { Held } from "./held.js"
import type { PartitionMetrics } from "./metrics.js"
import type { Backoff } from "./outage.js"
import type { PartitionQueue } from "./PartitionQueue.js"

/** What the writer of one partition is given. */
export interface PartitionEnv {
  readonly config: Config
  readonly topic: string
  readonly partition: number
  readonly group: string
  readonly sourceId: number
  /** Where the partition begins when it has no stored offset yet. */
  readonly initial: bigint
  readonly membership: Membership
  /** Fails when the topic is another one by now than that of the source. */
  readonly sameLife: Effect.Effect<void, Held, Admin>
  readonly queue: PartitionQueue
  readonly encoders: TopicEncoders
  readonly metrics: PartitionMetrics
  /** Called inside the region that cannot be interrupted, as soon as a commit is known. */
  readonly onCommitted: (position: bigint, records: number) => void
  /** Called when the partition cannot go on without a person. */
  readonly onStopped: (held: Held) => void
}

export const backoffOf = ({ config }: PartitionEnv): Backoff => ({
  baseMs: config.retryBackoffMs,
  maxMs: config.retryBackoffMaxMs
})
