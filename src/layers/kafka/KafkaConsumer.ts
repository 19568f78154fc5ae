import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Consumer } from "../Consumer.js"
import { InstanceLock } from "../InstanceLock.js"
import type { KafkaConsumerOptions } from "./client.js"
import { makeMembership } from "./membership.js"

export type { KafkaConsumerOptions } from "./client.js"

/** Real brokers. Each membership has its own connections, and leaves its group when its scope closes. */
export const layer = (options: KafkaConsumerOptions): Layer.Layer<Consumer, never, InstanceLock> =>
  Layer.effect(
    Consumer,
    Effect.map(InstanceLock, (lock) => Consumer.of({ join: (join) => makeMembership(options, join, lock) }))
  )
