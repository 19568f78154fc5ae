import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import type * as Net from "node:net"
import { afterAll, beforeAll, vi } from "vitest"
import { Producer } from "../../../src/layers/Producer.js"
import { describeWith } from "../../servers/index.js"
import { api, type CuttingProxy, startDetour } from "./cuttingProxy.js"
import { freshTopic, keyed, layersOf, member, memberIds, pending, textOf, uniqueName } from "./support.js"

vi.mock("node:net", async (original) => {
  const { detoured } = await import("./detour.js")
  return detoured(await original<typeof Net>())
})

const findCoordinatorKey = 10
const leaveGroupKey = 13

describeWith(["kafka"], "an outage on which kafkajs crashes", (servers) => {
  let proxy: CuttingProxy
  beforeAll(async () => {
    proxy = await startDetour(servers.kafka)
  })
  afterAll(() => proxy.close())

  it.live("is followed by a join as the same member, which reads nothing before it is sought and resumed", () => {
    const { joined, lock } = memberIds()
    return Effect.scoped(Effect.gen(function*() {
      const topic = yield* freshTopic(2)
      yield* (yield* Producer).send(topic, [...keyed(0, 5, 0), ...keyed(0, 5, 1)])
      const reader = yield* member(topic, uniqueName("group"), () => "pause")
      yield* reader.assigned
      yield* reader.readFrom(0, 0n)
      assert.deepInclude(yield* reader.batches.take, { partition: 0, nextOffset: 5n })
      // Sent to look for its coordinator, kafkajs finds nobody to ask. It takes that for final, and cannot leave either.
      let leaves = 0
      proxy.decide(() => {
        proxy.decide(() => {
          proxy.decide(() => leaves++ === 0 ? "cut-before" : "none", leaveGroupKey)
          return "cut-before"
        }, findCoordinatorKey)
        return "not-coordinator"
      }, api.heartbeat)
      assert.deepInclude(yield* reader.takeEvent, { _tag: "Lost", generation: 1 })
      assert.deepInclude(yield* reader.takeEvent, { _tag: "Assigned", generation: 2, partitions: [0, 1] })
      assert.strictEqual(leaves, 1)
      assert.lengthOf(new Set(joined), 1)
      // 0 was paused, and is sought only; if it were fetched it would come with 1.
      yield* reader.membership.seek(0, 2n)
      yield* reader.readFrom(1, 3n)
      assert.deepInclude(yield* reader.batches.take, { partition: 1, fetchedOffset: 3n, generation: 2 })
      assert.isEmpty(yield* pending(reader.batches))
      yield* reader.membership.resume(0)
      const batch = yield* reader.batches.take
      assert.deepInclude(batch, { partition: 0, fetchedOffset: 2n, generation: 2 })
      assert.deepStrictEqual(batch.records.map(textOf), ["v2", "v3", "v4"])
    })).pipe(Effect.provide(layersOf(servers.kafka, "none", lock)))
  })
})
