import { assert, it } from "@effect/vitest"
import { Effect, Mailbox } from "effect"
import { logBackpressure } from "../../src/programs/backpressureLog.js"
import type { Transition } from "../../src/programs/PartitionQueue.js"
import { logged } from "../support/logged.js"
import { simulate } from "../../src/layers/memory/virtualTime.js"

const activated = "Backpressure activated and message processing stopped... [topic=orders partition=2 queued=300"
const resolved = "Backpressure has been resolved. Resuming message processing... [topic=orders partition=2 queued=150"

const started = Effect.gen(function*() {
  const transitions = yield* Mailbox.make<Transition>()
  yield* Effect.forkScoped(logBackpressure("orders", 2, transitions))
  const tell = (to: Transition["to"]) =>
    Effect.zipRight(transitions.offer({ to, queued: to === "blocked" ? 300 : 150 }), Effect.sleep("10 millis"))
  return { tell, end: transitions.end }
})

it("says both lines, with how long it was paused", () =>
  simulate(logged((lines) =>
    Effect.gen(function*() {
      const { tell } = yield* started
      yield* tell("blocked")
      assert.lengthOf(lines, 1, "at once, not when it is over")
      yield* Effect.sleep("5 seconds")
      yield* tell("flowing")
      assert.include(lines[0], `WARN tributary.Main - ${activated}]`)
      assert.include(lines[1], `WARN tributary.Main - ${resolved} paused=5010ms]`)
    })
  )))

it("says at most one pair per second, and how many were folded", () =>
  simulate(logged((lines) =>
    Effect.gen(function*() {
      const { tell } = yield* started
      for (let i = 0; i < 30; i++) {
        yield* tell("blocked")
        yield* tell("flowing")
      }
      assert.lengthOf(lines, 2)
      yield* Effect.sleep("1 second")
      yield* tell("blocked")
      assert.include(lines[2], `${activated} folded=29]`)
    })
  )))

it("says a block that lasts although it began within the second", () =>
  simulate(logged((lines) =>
    Effect.gen(function*() {
      const { tell } = yield* started
      yield* tell("blocked")
      yield* tell("flowing")
      yield* tell("blocked")
      assert.lengthOf(lines, 2)
      yield* Effect.sleep("2 seconds")
      assert.lengthOf(lines, 3)
      assert.include(lines[2], activated)
    })
  )))
