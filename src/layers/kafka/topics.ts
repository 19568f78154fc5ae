import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import { elapsedMillis } from "../elapsed.js"
import { connectWithin, type KafkaClientOptions } from "./client.js"
import { classify, type KafkaError, typeOf, unavailable } from "./errors.js"
import type { Broker } from "./internals.js"
import { errorOfCode } from "./library.js"
import { type ClusterMetadata, fetchMetadata } from "./metadata.js"
import type { Nodes } from "./nodes.js"
import { unsupportedVersion } from "./versions.js"

/** Where the partitions of the topics are led, as far as it is known. */
export interface Topics {
  /** As it was known last; asked for once if it was not. Takes no longer than the first contact may. */
  readonly layout: (topic: string) => Effect.Effect<ClusterMetadata, KafkaError>
  /** The same, with patience for a topic that was created a moment ago. */
  readonly firstLayout: (topic: string) => Effect.Effect<ClusterMetadata, KafkaError>
  readonly leader: (layout: ClusterMetadata, partition: number) => Effect.Effect<Broker, KafkaError>
  /** The layout is out of date: the next one is asked for. */
  readonly forget: (topic: string) => Effect.Effect<void>
}

/** Partitions that were added are noticed after this at the latest. The Java client asks as often. */
const layoutAgeMsMax = 5 * 60_000
/** Elections pass in a moment; a topic that was just created is not known to every broker yet. */
const retry = {
  times: 3,
  schedule: Schedule.spaced("200 millis"),
  while: (error: KafkaError) =>
    error._tag === "KafkaUnavailable" || typeOf(error.cause) === "UNKNOWN_TOPIC_OR_PARTITION"
} as const

export const makeTopics = (nodes: Nodes, { brokers }: KafkaClientOptions): Effect.Effect<Topics> =>
  Effect.gen(function*() {
    const known = new Map<string, { readonly layout: ClusterMetadata; readonly atMs: number }>()
    // Of many partitions that have lost their leader, one asks for all.
    const one = yield* Effect.makeSemaphore(1)

    const ask = Effect.fnUntraced(function*(topic: string) {
      const broker = yield* nodes.any
      const unsupported = unsupportedVersion(broker)
      if (unsupported !== undefined) return yield* unsupported
      const doing = `write to topic ${topic}`
      const layout = yield* nodes.ask(broker, doing, () => fetchMetadata(broker, topic))
      return layout.errorCode === 0 ? layout : yield* classify(brokers, doing, errorOfCode(layout.errorCode))
    })
    const bounded = Effect.timeoutFail({
      duration: connectWithin,
      onTimeout: () => unavailable(brokers, new Error(`no answer within ${connectWithin}`))
    })
    const current = (topic: string) =>
      Effect.map(elapsedMillis, (nowMs) => {
        const found = known.get(topic)
        return found !== undefined && nowMs - found.atMs < layoutAgeMsMax ? found.layout : undefined
      })

    const layout = Effect.fnUntraced(function*(topic: string) {
      const found = yield* current(topic)
      if (found !== undefined) return found
      return yield* one.withPermits(1)(Effect.gen(function*() {
        const meanwhile = yield* current(topic)
        if (meanwhile !== undefined) return meanwhile
        const asked = yield* ask(topic)
        known.set(topic, { layout: asked, atMs: yield* elapsedMillis })
        return asked
      }))
    })

    return {
      layout: (topic) => bounded(layout(topic)),
      firstLayout: (topic) => bounded(Effect.retry(layout(topic), retry)),
      leader: ({ nodes: addresses, partitions }, partition) => {
        const leader = partitions.find((each) => each.partition === partition)?.leader
        const node = leader === undefined ? undefined : addresses.get(leader)
        return node === undefined
          ? Effect.fail(unavailable(brokers, new Error(`partition ${partition} has no leader that can be reached`)))
          : nodes.at(node.host, node.port)
      },
      forget: (topic) =>
        Effect.sync(() => {
          known.delete(topic)
        })
    }
  })
