import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import type * as Net from "node:net"
import { afterAll, beforeAll, vi } from "vitest"
import { Producer } from "../../../src/layers/Producer.js"
import { describeWith } from "../../servers/index.js"
import { api, type CuttingProxy, startDetour } from "./cuttingProxy.js"
import { freshTopic, keyed, layersOf, member, textOf, uniqueName } from "./support.js"

vi.mock("node:net", async (original) => {
  const { detoured } = await import("./detour.js")
  return detoured(await original<typeof Net>())
})

describeWith(["kafka"], "a coordinator that says once that it is none", (servers) => {
  let proxy: CuttingProxy
  beforeAll(async () => {
    proxy = await startDetour(servers.kafka)
  })
  afterAll(() => proxy.close())

  it.live(
    "a member that kafkajs keeps as if nothing had been said joins again, and reads on",
    () =>
      Effect.scoped(Effect.gen(function*() {
        const topic = yield* freshTopic()
        const reader = yield* member(topic, uniqueName("group"))
        yield* reader.assigned
        yield* reader.readFrom(0, 0n)
        // The join that follows cannot be sent; kafkajs goes on with heartbeats, which the coordinator takes.
        let joins = 0
        proxy.decide(() => {
          proxy.decide(() => joins++ === 0 ? "cut-before" : "none", api.joinGroup)
          return "not-coordinator"
        }, api.heartbeat)
        assert.deepInclude(yield* reader.takeEvent, { _tag: "Lost", kind: "revoked", generation: 1 })
        assert.deepStrictEqual(yield* reader.assigned, [0])
        assert.strictEqual(joins, 2)
        yield* reader.readFrom(0, 0n)
        yield* (yield* Producer).send(topic, keyed(0, 3))
        const batches = yield* reader.takeUntil(3n)
        assert.deepStrictEqual(batches.flatMap(({ records }) => records.map(textOf)), ["v0", "v1", "v2"])
      })).pipe(Effect.provide(layersOf(servers.kafka)))
  )
})
