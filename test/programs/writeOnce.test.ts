import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Exit, Fiber, Layer } from "effect"
import {
  Destination,
  type Resolution,
  WriteError,
  WriteOutcome,
  type WriteRequest
} from "../../src/layers/Destination.js"
import { simulate } from "../../src/layers/memory/virtualTime.js"
import { writeOnce } from "../../src/programs/writeOnce.js"

const request: WriteRequest = {
  claim: { topic: "orders", partition: 0, group: "g", generation: 1n, owner: "o", sourceId: 1, offset: 0n },
  expected: 0n,
  next: 5n,
  statements: [],
  letters: []
}
const lost = WriteOutcome.Unknown({
  error: new WriteError({ class: "reconnect", code: 2013, what: "connection lost" })
})

/** A database whose transactions take a second and come to `outcome`; what was asked and told, in order. */
const world = (outcome: WriteOutcome, resolution: Resolution) => {
  const log: Array<string> = []
  const say = (what: string) => Effect.sync(() => void log.push(what))
  const database = Layer.mock(Destination, {
    write: () => say("write").pipe(Effect.zipRight(Effect.sleep("1 second")), Effect.as(outcome)),
    resolve: () => Effect.as(say("resolve"), resolution)
  })
  const write = writeOnce(request, { baseMs: 10, maxMs: 10 }, say("told")).pipe(Effect.provide(database))
  return { log, write }
}

describe("one transaction", () => {
  it("an interruption while a transaction is written waits for it, and what it has committed is told", () =>
    simulate(Effect.gen(function*() {
      const { log, write } = world(WriteOutcome.Committed(), "Committed")
      const writing = yield* Effect.fork(write)
      yield* Effect.sleep("500 millis")
      const exit = yield* Fiber.interrupt(writing)
      assert.isTrue(Exit.isFailure(exit) && Cause.isInterruptedOnly(exit.cause))
      assert.deepStrictEqual(log, ["write", "told"])
    })))

  it("an outcome that is unknown is looked up, and told if it was committed", () =>
    simulate(Effect.gen(function*() {
      const { log, write } = world(lost, "Committed")
      assert.strictEqual(yield* write, "committed")
      assert.deepStrictEqual(log, ["write", "resolve", "told"])
    })))

  it("an outcome that is unknown is tried again only where the row says that it was not committed", () =>
    simulate(Effect.gen(function*() {
      const notCommitted = world(lost, "NotCommitted")
      assert.strictEqual((yield* Effect.flip(notCommitted.write))._tag, "DestinationUnavailable")
      assert.deepStrictEqual(notCommitted.log, ["write", "resolve"])
      const fenced = world(lost, "Fenced")
      assert.strictEqual(yield* fenced.write, "fenced")
      const foreign = world(lost, "ForeignWriter")
      const held = yield* Effect.flip(foreign.write)
      assert.strictEqual(held._tag, "Held")
      assert.include(held.message, "something else writes kafka_offsets")
      assert.deepStrictEqual([...fenced.log, ...foreign.log], ["write", "resolve", "write", "resolve"])
    })))
})
