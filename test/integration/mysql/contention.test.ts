import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { Destination } from "../../../src/layers/Destination.js"
import { layerMysql } from "../../../src/layers/mysql/layer.js"
import { describeOnEach } from "../../servers/index.js"
import { acquired, ownDatabase, patiently } from "./support.js"

describeOnEach("instances that acquire one partition at once", ({ address }) => {
  it.scopedLive("eight processes, twenty acquisitions each: no deadlock, and a generation for each", () =>
    Effect.gen(function*() {
      const { config } = yield* ownDatabase(address)
      const first = yield* acquired.pipe(Effect.provide(layerMysql(config)))
      // A process has two connections for this: only processes of their own meet often enough.
      const instance = (index: number) =>
        Effect.gen(function*() {
          const { acquire } = yield* Destination
          return yield* Effect.forEach(
            Array.from({ length: 20 }, (_, time) => ({ ...first, initial: 0n, owner: `owner-${index}-${time}` })),
            (request) => patiently(acquire(request))
          )
        }).pipe(Effect.provide(layerMysql(config)))
      const claims = yield* Effect.forEach(Array.from({ length: 8 }, (_, index) => index), instance, {
        concurrency: "unbounded"
      })
      assert.strictEqual(new Set(claims.flat().map(({ generation }) => generation)).size, 160)
    }))
})
