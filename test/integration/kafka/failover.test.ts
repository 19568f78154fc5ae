import { assert, it } from "@effect/vitest"
import { Effect, Option, Predicate } from "effect"
import { afterAll, beforeAll } from "vitest"
import { Admin } from "../../../src/layers/Admin.js"
import { Producer } from "../../../src/layers/Producer.js"
import { describeWith, type KafkaCluster, startKafka } from "../../servers/index.js"
import { keyed, layersOf, member, textOf, uniqueName } from "./support.js"

describeWith(["own:kafka"], "three brokers", () => {
  let kafka: KafkaCluster
  beforeAll(async () => {
    kafka = await startKafka({ nodes: 3, heap: "256m", props: { "group.initial.rebalance.delay.ms": 0 } })
  }, 180_000)
  afterAll(() => kafka.stop())

  it.live(
    "a member reads on when any one of them is killed, be it the leader, the coordinator or both",
    () =>
      Effect.scoped(Effect.gen(function*() {
        const topic = uniqueName("kafka-layer")
        const admin = yield* Admin
        yield* admin.createTopic({ topic, partitions: 1, replicationFactor: 3 })
        const producer = yield* Producer
        const reader = yield* member(topic, uniqueName("group"))
        let position = 0n
        yield* Effect.forkScoped(Effect.forever(
          Effect.flatMap(reader.assigned, () => Effect.suspend(() => reader.readFrom(0, position)))
        ))
        for (const node of [undefined, 0, 1, 2] as const) {
          if (node !== undefined) yield* Effect.promise(() => kafka.kill("SIGKILL", node))
          const written = keyed(Number(position), 10)
          yield* producer.send(topic, written).pipe(
            Effect.retry({ times: 10, while: Predicate.isTagged("KafkaUnavailable") })
          )
          const batches = yield* reader.takeUntil(position + 10n)
          const values = new Set(batches.flatMap(({ records }) => records.map(textOf)))
          assert.deepStrictEqual([...values], written.map(({ value }) => Buffer.from(value ?? []).toString()))
          position += 10n
          // Where the coordinator was killed, it is a new membership with a new one; the old is never confirmed again.
          yield* Effect.timeoutOption(reader.membership.confirmed, "2 seconds").pipe(
            Effect.repeat({ until: Option.isSome })
          )
          if (node !== undefined) yield* Effect.promise(() => kafka.start(node))
        }
      })).pipe(Effect.provide(layersOf(kafka.address))),
    240_000
  )
})
