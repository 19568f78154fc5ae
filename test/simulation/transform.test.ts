import { assert, describe, it } from "@effect/vitest"
import { Array, Effect, Layer, Logger } from "effect"
import type { MemoryCluster } from "../../src/layers/memory/MemoryCluster.js"
import { MemoryKafka } from "../../src/layers/memory/MemoryKafka.js"
import { simulate } from "../../src/layers/memory/virtualTime.js"
import { Transactions } from "../../src/layers/Transactions.js"
import {
  differences,
  feed,
  noFaults,
  sendFate,
  startTransform,
  transactionsOf,
  unsteadyCluster
} from "./transformWorld.js"

// Goal: at read_committed each input is once in the output, in order per partition. Method: two instances, of which one at
// a time is killed, frozen for longer than its session, stopped or cut off, while requests take time, are lost, or are
// answered into the void; at random virtual times; the seed replays a case.
const scenario = (
  seed: number,
  change: (world: ReturnType<typeof unsteadyCluster>) => typeof world = (world) => world
) => {
  const faults = noFaults()
  const body = Effect.gen(function*() {
    const kafka = yield* MemoryKafka
    const random = yield* Effect.random
    const rolls = yield* Effect.replicateEffect(random.next, 997)
    let next = 0
    faults.roll = () => rolls[next++ % rolls.length] ?? 1
    kafka.sendFate = sendFate(faults)
    kafka.createTopic("in", 3)
    const start = startTransform({ commitRecords: seed % 3 === 0 ? 25 : 0 })
    const instances = [yield* start, yield* start]
    let fed = 0
    for (let round = 0; round < 12; round++) {
      faults.on = true
      const count = yield* random.nextIntBetween(0, 60)
      yield* feed(fed, count, true)
      fed += count
      yield* Effect.sleep(yield* random.nextIntBetween(100, 4000))
      const victim = yield* random.nextIntBetween(0, 2)
      const fate = yield* random.next
      if (fate < 0.25) {
        yield* instances[victim]?.kill ?? Effect.void
        instances[victim] = yield* start
      } else if (fate < 0.5) {
        yield* instances[victim]?.freeze ?? Effect.void
        yield* Effect.sleep(yield* random.nextIntBetween(1000, 12_000))
        yield* instances[victim]?.thaw ?? Effect.void
      } else if (fate < 0.65) {
        yield* instances[victim]?.stop ?? Effect.void
        instances[victim] = yield* start
      } else if (fate < 0.8) {
        kafka.cutOff(yield* random.nextIntBetween(0, kafka.members.length))
        yield* Effect.sleep(yield* random.nextIntBetween(500, 3000))
        kafka.reconnect()
      }
    }
    faults.on = false
    yield* Effect.sleep(90_000)
    return yield* differences
  })
  const quiet = Effect.provide(
    Effect.provide(body, change(unsteadyCluster(faults))),
    Logger.remove(Logger.defaultLogger)
  )
  return simulate<ReadonlyArray<string>, unknown>(quiet, seed)
}

describe("a transformation under random faults", () => {
  for (const seed of Array.range(1, 40)) {
    it(`loses, repeats and reorders nothing (seed ${seed})`, () => assert.deepStrictEqual(scenario(seed), []))
  }
})

const found = (change: (inner: Transactions["Type"], kafka: MemoryCluster) => Transactions["Type"]) =>
  Array.range(1, 6).flatMap((seed) => scenario(seed, (world) => Layer.provideMerge(transactionsOf(change), world)))

describe("what each part of the protocol is for: the check sees", () => {
  it("records that are lost or repeated where offsets are not part of the transaction", () => {
    const outside = found((inner, kafka) =>
      Transactions.of({
        open: (options) =>
          Effect.map(inner.open(options), (producer) => ({
            ...producer,
            sendOffsets: (group, topic, offsets) => Effect.sync(() => kafka.commitOffsets({ group, topic, offsets }))
          }))
      })
    )
    assert.isNotEmpty(outside)
  })

  it("records that are repeated where each instance has an id of its own, so that nobody is fenced", () => {
    let instance = 0
    const own = found((inner) =>
      Transactions.of({
        open: (options) => inner.open({ ...options, transactionalId: `${options.transactionalId}-${instance++}` })
      })
    )
    assert.isNotEmpty(own)
  })
})
