import { assert, it } from "@effect/vitest"
import { Effect, Predicate } from "effect"
import { afterAll, beforeAll } from "vitest"
import { Admin } from "../../../src/layers/Admin.js"
import { Producer } from "../../../src/layers/Producer.js"
import { describeWith, type KafkaCluster, startKafka } from "../../servers/index.js"
import { confirmedAtLast, keyed, layersOf, member, shortSession, uniqueName, valuesFrom } from "./support.js"

describeWith(["own:kafka"], "three brokers", () => {
  let kafka: KafkaCluster
  beforeAll(async () => {
    kafka = await startKafka({ nodes: 3, heap: "256m", props: { "group.initial.rebalance.delay.ms": 0 } })
  }, 300_000)
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
          assert.deepStrictEqual(
            valuesFrom(position, batches),
            written.map(({ value }) => Buffer.from(value ?? []).toString())
          )
          position += 10n
          yield* confirmedAtLast(reader.membership)
          if (node !== undefined) yield* Effect.promise(() => kafka.start(node))
        }
      })).pipe(Effect.provide(layersOf(kafka.address, "none", undefined, shortSession))),
    600_000
  )
})
