import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { WriteOutcome } from "../../src/layers/Destination.js"
import { simulate } from "../../src/layers/memory/virtualTime.js"
import { fetched, makePartitionWorld } from "./partitionWorld.js"

const fencedWith = (log: ReadonlyArray<string>) => log.filter((line) => line.endsWith("Fenced"))

describe("the writer of a partition", () => {
  it("what does not begin at the position is read again, without a fence", () =>
    simulate(Effect.gen(function*() {
      const { log, queue, run, written } = makePartitionWorld()
      yield* Effect.fork(run)
      yield* Effect.sleep("1 second")
      queue.offer(fetched(0n, 5n))
      yield* Effect.sleep("1 second")
      assert.deepStrictEqual(log.splice(0), ["acquire", "seek 0", "resume", "write 0-5 Committed"])
      // A fetch from before a seek, and more of it: all of that is dropped at once.
      queue.offer(fetched(7n, 9n))
      queue.offer(fetched(20n, 30n))
      yield* Effect.sleep("10 seconds")
      assert.deepStrictEqual(log.splice(0), ["seek 5", "resume"])
      queue.offer(fetched(5n, 9n))
      yield* Effect.sleep("1 second")
      assert.deepStrictEqual(log, ["write 5-9 Committed"])
      assert.deepStrictEqual(written.map(({ expected, next }) => [expected, next]), [[0n, 5n], [5n, 9n]])
    })))

  it("an empty stretch is not joined with what does not follow it", () =>
    simulate(Effect.gen(function*() {
      const { queue, run, written } = makePartitionWorld()
      yield* Effect.fork(run)
      yield* Effect.sleep("1 second")
      queue.offer(fetched(0n, 3n, true))
      yield* Effect.sleep("500 millis")
      queue.offer(fetched(7n, 9n))
      yield* Effect.sleep("10 seconds")
      assert.deepStrictEqual(written.map(({ expected, next }) => [expected, next]), [[0n, 3n]])
    })))

  it("holds no more than the queue's bound while an empty stretch looks for what it could go with", () =>
    simulate(Effect.gen(function*() {
      const { queue, run, state } = makePartitionWorld()
      yield* Effect.fork(run)
      yield* Effect.sleep("1 second")
      queue.offer(fetched(0n, 3n, true))
      yield* Effect.sleep("500 millis")
      queue.offer(fetched(7n, 1000n))
      const held: Array<number> = []
      state.outcome = () => {
        held.push(queue.queuedRecords())
        return WriteOutcome.Committed()
      }
      yield* Effect.sleep("5 seconds")
      assert.deepStrictEqual(held, [300])
    })))

  it("an empty stretch moves the offset by itself, after a second in which nothing came that it could go with", () =>
    simulate(Effect.gen(function*() {
      const { queue, run, state, written } = makePartitionWorld()
      yield* Effect.fork(run)
      yield* Effect.sleep("1 second")
      queue.offer(fetched(0n, 3n, true))
      yield* Effect.sleep("2 seconds")
      assert.strictEqual(state.stored, 3n)
      queue.offer(fetched(3n, 5n, true))
      yield* Effect.sleep("500 millis")
      queue.offer(fetched(5n, 7n))
      yield* Effect.sleep("2 seconds")
      assert.deepStrictEqual(written.map(({ expected, next }) => [expected, next]), [[0n, 3n], [3n, 7n]])
    })))

  it("a partition that retention has overtaken is stopped, and says so", () =>
    simulate(Effect.gen(function*() {
      const { log, queue, run, state, stopped } = makePartitionWorld()
      yield* Effect.fork(run)
      yield* Effect.sleep("1 second")
      state.range = { low: 50n, lastStable: 1000n, end: 1000n }
      queue.offer(fetched(50n, 60n))
      yield* Effect.sleep("1 minute")
      assert.match(stopped[0]?.what ?? "", /records are gone: orders-0 wants offset 0, but its log starts at 50/)
      assert.deepStrictEqual(log, ["acquire", "seek 0", "resume", "pause"])
    })))

  it("an offset outside of the log stops the partition before anything is fetched", () =>
    simulate(Effect.gen(function*() {
      const { log, run, state, stopped } = makePartitionWorld()
      state.stored = 1001n
      yield* Effect.fork(run)
      yield* Effect.sleep("1 minute")
      assert.match(stopped[0]?.what ?? "", /orders-0 wants offset 1001, but its log ends at 1000/)
      assert.deepStrictEqual(log, ["acquire", "pause"])
    })))

  it("an owner before that has written beyond the range that was read is no problem", () =>
    simulate(Effect.gen(function*() {
      const { log, run, state, stopped } = makePartitionWorld()
      // The range is read once before the row is taken: what is asked for after that sees a longer log.
      state.stored = 1500n
      let asked = 0
      Object.defineProperty(state, "range", {
        get: () => ({ low: 0n, lastStable: asked > 0 ? 2000n : 1000n, end: asked++ > 0 ? 2000n : 1000n })
      })
      yield* Effect.fork(run)
      yield* Effect.sleep("1 minute")
      assert.deepStrictEqual(stopped, [])
      assert.deepStrictEqual(log, ["acquire", "seek 1500", "resume"])
    })))

  it("one that rests looks whether its offset still stands, and claims anew what a fail-over or a person has moved", () =>
    simulate(Effect.gen(function*() {
      const { log, queue, run, state } = makePartitionWorld()
      yield* Effect.fork(run)
      yield* Effect.sleep("1 second")
      queue.offer(fetched(0n, 5n))
      yield* Effect.sleep("10 minutes")
      queue.offer(fetched(5n, 7n))
      yield* Effect.sleep("1 minute")
      assert.deepStrictEqual(log.splice(0), [
        "acquire",
        "seek 0",
        "resume",
        "write 0-5 Committed",
        "write 5-7 Committed"
      ])
      state.stored = 3n
      yield* Effect.sleep("40 seconds")
      assert.deepStrictEqual(log, ["pause", "confirmed?", "acquire", "seek 3", "resume"])
    })))

  it("a fenced owner fetches and holds nothing until its membership is confirmed", () =>
    simulate(Effect.gen(function*() {
      const { log, queue, run, state } = makePartitionWorld()
      yield* Effect.fork(run)
      yield* Effect.sleep("1 second")
      state.confirms = false
      state.outcome = () => WriteOutcome.Fenced()
      queue.offer(fetched(0n, 5n))
      queue.offer(fetched(5n, 15n))
      yield* Effect.sleep("1 minute")
      assert.deepStrictEqual(log.splice(0), [
        "acquire",
        "seek 0",
        "resume",
        "write 0-15 Fenced",
        "pause",
        "confirmed?"
      ])
      queue.offer(fetched(15n, 25n))
      assert.strictEqual(queue.queuedRecords(), 10, "what was queued before is gone")
      state.confirms = true
      state.stored = 9n
      yield* Effect.sleep("10 seconds")
      assert.deepStrictEqual(log, ["acquire", "seek 9", "resume"])
    })))

  it("an owner that is fenced again and again waits longer and longer", () =>
    simulate(
      Effect.gen(function*() {
        const { log, queue, run, state } = makePartitionWorld()
        state.outcome = () => WriteOutcome.Fenced()
        yield* Effect.fork(run)
        for (let tenths = 0; tenths < 6000; tenths++) {
          yield* Effect.sleep("100 millis")
          if (queue.queuedRecords() === 0) queue.offer(fetched(0n, 5n))
        }
        // Ten minutes; each fence costs a second until the heartbeat, and at most five beyond.
        assert.isBelow(fencedWith(log).length, 300)
        assert.isAbove(fencedWith(log).length, 60)
      }),
      1
    ))
})
