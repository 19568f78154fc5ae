import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import type { LogRange } from "../../src/domain/KafkaRecord.js"
import { Admin } from "../../src/layers/Admin.js"
import { Destination } from "../../src/layers/Destination.js"
import { firstOffset } from "../../src/programs/firstOffset.js"
import { testConfig } from "../support/pipeline.js"

// Two partitions: retention has taken the first records, and a transaction is open at the end of each.
const ranges: ReadonlyArray<LogRange> = [0, 1].map((partition) => ({ partition, low: 10n, lastStable: 90n, end: 100n }))

/** Where the partitions begin, of which those in `stored` have a stored offset. */
const beginnings = (reset: string, stored: ReadonlyArray<number>) =>
  firstOffset({ config: testConfig({ "kafka.auto.offset.reset": reset }), topic: "orders", group: "g" }, 1).pipe(
    Effect.map((begin) => [0, 1].map(begin)),
    Effect.provide(Layer.merge(
      Layer.mock(Admin, {
        logRanges: () => Effect.succeed(ranges),
        committedOffsets: () => Effect.succeed(new Map<number, bigint>())
      }),
      Layer.mock(Destination, {
        stored: (topic, group) =>
          Effect.succeed(stored.map((partition) => ({ topic, group, partition, offset: 50n, sourceId: 1 }))),
        holdsRows: () => Effect.succeed(false)
      })
    ))
  )

describe("a partition without a stored offset begins", () => {
  it.effect("where auto.offset.reset says, if the group has none for the topic at all", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* beginnings("earliest", []), [10n, 10n])
      assert.deepStrictEqual(yield* beginnings("latest", []), [90n, 90n], "before the transactions that are open")
    }))

  it.effect("at its earliest record if it was added later, whatever auto.offset.reset says", () =>
    Effect.gen(function*() {
      for (const reset of ["earliest", "latest", "none"]) {
        const [, added] = yield* beginnings(reset, [0])
        assert.strictEqual(added, 10n, reset)
      }
    }))
})
