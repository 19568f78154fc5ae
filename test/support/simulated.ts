import { Effect, type Layer, Metric, type Scope } from "effect"
import { WriteError } from "../../src/layers/Destination.js"
import type { Fault } from "../../src/layers/memory/MemoryDestination.js"
import { MemoryKafka } from "../../src/layers/memory/MemoryKafka.js"
import { simulate } from "../../src/layers/memory/virtualTime.js"
import { testLayer } from "./pipeline.js"

/** Runs in virtual time; the seed decides what is random. */
export const run = <A, E>(
  effect: Effect.Effect<A, E, Layer.Layer.Success<typeof testLayer> | Scope.Scope>,
  seed?: number
): A => simulate(Effect.provide(effect, testLayer), seed)

export const createTopic = (partitions: number) =>
  Effect.map(MemoryKafka, (kafka) => kafka.createTopic("orders", partitions))

/** A metric of the topic, as it stands now. */
export const measured = (name: string) =>
  Effect.map(
    Metric.snapshot,
    (all) =>
      all.find(({ metricKey }) =>
        metricKey.name === name && [...metricKey.tags].some(({ value }) => value === "orders")
      )
        ?.metricState
  )

/** What happens to a transaction, by a random number from 0 to 1. */
export const faultOf = (roll: number): Fault => {
  if (roll < 0.05) return { _tag: "CommitAnswerLost" }
  if (roll < 0.1) return { _tag: "CommitLost" }
  if (roll < 0.2) {
    return { _tag: "Reject", error: new WriteError({ class: "retriable", code: 1213, what: "Deadlock found" }) }
  }
  return { _tag: "None" }
}
