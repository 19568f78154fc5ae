import { assert, it } from "@effect/vitest"
import { Data, Effect, Fiber, Ref } from "effect"
import { throughOutage } from "../../src/programs/outage.js"
import { logged } from "../support/logged.js"
import { simulate } from "../../src/layers/memory/virtualTime.js"

class Down extends Data.TaggedError("Down")<{ readonly message: string }> {}
class Broken extends Data.TaggedError("Broken")<{ readonly message: string }> {}
const backoff = { baseMs: 100, maxMs: 1000 }

/** Fails as long as `state` says so. */
const service = (state: Ref.Ref<"down" | "broken" | "up">) =>
  Effect.gen(function*() {
    const now = yield* state.get
    if (now === "down") return yield* new Down({ message: "connection refused" })
    if (now === "broken") return yield* new Broken({ message: "wrong password" })
    return "answer"
  })

it("an outage is one line at its beginning, one each 30 s, one at its end", () =>
  simulate(logged((lines) =>
    Effect.gen(function*() {
      const state = yield* Ref.make<"down" | "broken" | "up">("down")
      const waiting = yield* Effect.fork(throughOutage("database", backoff, service(state), ["Down"]))
      yield* Effect.repeatN(Effect.sleep("1 second"), 64)
      assert.lengthOf(lines, 3, "the beginning, and two times 30 s")
      yield* Ref.set(state, "up")
      yield* Effect.sleep("2 seconds")
      assert.strictEqual(yield* Fiber.join(waiting), "answer")
      assert.lengthOf(lines, 4)
      assert.match(lines[0] ?? "", /WARN .* database: connection refused; trying again until it works/)
      assert.match(lines[3] ?? "", /INFO .* database: works again after \d+ ms/)
    })
  )))

it("what waiting does not heal ends the waiting at once", () =>
  simulate(logged((lines) =>
    Effect.gen(function*() {
      const state = yield* Ref.make<"down" | "broken" | "up">("broken")
      const error = yield* Effect.flip(throughOutage("database", backoff, service(state), ["Down"]))
      assert.strictEqual(error._tag, "Broken")
      assert.isEmpty(lines)
    })
  )))
