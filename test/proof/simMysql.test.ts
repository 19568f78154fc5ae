import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { inWorld } from "./simMysqlSupport.js"

describe("the simulated MySQL", () => {
  it("serves the main job's own destination", () =>
    inWorld((world) =>
      Effect.gen(function*() {
        world.produce(200)
        yield* world.start("a")
        yield* Effect.sleep(5000)
        assert.deepStrictEqual(world.findings(), [])
        assert.isAbove(world.server.counters.commits, 2)
      })
    ))
})
