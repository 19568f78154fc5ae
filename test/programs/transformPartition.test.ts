import { assert, it } from "@effect/vitest"
import { Effect, Either, Layer, Mailbox } from "effect"
import { Admin } from "../../src/layers/Admin.js"
import type { GroupEvent, KafkaRefused } from "../../src/layers/Consumer.js"
import { simulate } from "../../src/layers/memory/virtualTime.js"
import { Transactions } from "../../src/layers/Transactions.js"
import { partitionMetrics } from "../../src/programs/metrics.js"
import { makeByteBudget, makePartitionQueue } from "../../src/programs/PartitionQueue.js"
import { settingsOf } from "../../src/programs/transform/settings.js"
import { transformPartition } from "../../src/programs/transform/transformPartition.js"
import { testConfig } from "../support/pipeline.js"
import { fetched } from "./partitionWorld.js"

const settings = settingsOf(testConfig(), {
  input: "orders",
  output: "out",
  map: "identity",
  poison: "stop",
  deadLetterTopic: undefined,
  group: "g",
  transactionalId: undefined,
  commitIntervalMs: 100,
  commitRecords: 0,
  transactionTimeoutMs: 10_000,
  isolation: "read_committed",
  from: "earliest",
  untilEnd: false
})

it("transform: what does not begin at the position is read again, and nothing of it is sent", () =>
  simulate(Effect.gen(function*() {
    const log: Array<string> = []
    const say = (what: string) => Effect.sync(() => void log.push(what))
    const queue = makePartitionQueue({ records: 300, sliceRecords: 10 }, makeByteBudget(1 << 25), () => {})
    const services = Layer.merge(
      Layer.mock(Admin, {
        committedOffsets: () => Effect.succeed(new Map([[0, 5n]])),
        logRanges: () => Effect.succeed([{ partition: 0, low: 0n, lastStable: 100n, end: 100n }])
      }),
      Layer.mock(Transactions, {
        open: () =>
          Effect.succeed({
            send: (_, records) => Effect.as(say(`send ${records.length}`), []),
            sendOffsets: (_, __, offsets) => say(`offset ${offsets[0]?.offset}`),
            commit: say("commit"),
            abort: Effect.void
          })
      })
    )
    const owner = transformPartition({
      settings,
      route: {
        mapping: (record) => Either.right([{ key: null, value: record.value, headers: [], timestampMs: 0 }]),
        deadLetters: undefined,
        input: { topic: "orders", partition: 0, partitions: 1 },
        output: { topic: "out", partitions: 1 }
      },
      metrics: partitionMetrics("orders", 0),
      membership: {
        events: yield* Mailbox.make<GroupEvent, KafkaRefused>(),
        seek: (_, offset) => say(`seek ${offset}`),
        pause: () => Effect.void,
        resume: () => Effect.void,
        confirmed: Effect.void,
        commit: () => Effect.void
      },
      queue,
      end: undefined
    })
    yield* Effect.fork(Effect.provide(owner, services))
    yield* Effect.sleep("1 second")
    queue.offer(fetched(9n, 12n))
    yield* Effect.sleep("10 seconds")
    assert.deepStrictEqual(log.splice(0), ["seek 5", "seek 5"])
    queue.offer(fetched(5n, 9n))
    yield* Effect.sleep("1 second")
    assert.deepStrictEqual(log, ["send 4", "offset 9", "commit"])
  })))
