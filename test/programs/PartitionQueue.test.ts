import { assert, describe, it } from "@effect/vitest"
import { Effect, FastCheck } from "effect"
import type { FetchedBatch } from "../../src/domain/KafkaRecord.js"
import { bytesOf } from "../../src/domain/slices.js"
import { makeByteBudget, makePartitionQueue, type Transition } from "../../src/programs/PartitionQueue.js"

const batchOf = (from: bigint, count: number, valueBytes = 10): FetchedBatch => {
  const records = Array.from({ length: count }, (_, index) => ({
    offset: from + BigInt(index),
    timestampMs: 0,
    key: null,
    value: new Uint8Array(valueBytes),
    headers: []
  }))
  return {
    topic: "t",
    partition: 0,
    generation: 1,
    fetchedOffset: from,
    nextOffset: from + BigInt(count),
    records,
    bytes: bytesOf(records)
  }
}

const setUp = (records = 300, sliceRecords = 10, maxBytes = 1 << 25) => {
  const transitions: Array<Transition> = []
  const budget = makeByteBudget(maxBytes)
  const queue = makePartitionQueue({ records, sliceRecords }, budget, (transition) => void transitions.push(transition))
  return { queue, transitions, budget }
}

describe("PartitionQueue", () => {
  it("never holds more than blocking.queue.size + max.poll.records, whatever a fetch brings", () => {
    const { queue, transitions } = setUp()
    assert.strictEqual(queue.offer(batchOf(0n, 15_000)), "pause")
    assert.isAtMost(queue.queuedRecords(), 310)
    assert.strictEqual(queue.queuedRecords() + queue.backlogRecords(), 15_000)
    assert.deepStrictEqual(transitions, [{ to: "blocked", queued: 300 }])
  })

  it("is blocked at the size and flows again at half of it", () => {
    const { queue, transitions } = setUp()
    queue.offer(batchOf(0n, 300))
    queue.take(100, 1 << 20)
    assert.isTrue(queue.isBlocked())
    assert.isFalse(queue.takeResume())
    queue.take(50, 1 << 20)
    assert.isFalse(queue.isBlocked())
    assert.isTrue(queue.takeResume(), "the consumer fetches again")
    assert.isFalse(queue.takeResume(), "and is told once")
    assert.deepStrictEqual(transitions.map(({ to }) => to), ["blocked", "flowing"])
  })

  it("asks for the next fetch only when the backlog has moved into the queue", () => {
    const { queue } = setUp()
    queue.offer(batchOf(0n, 1000))
    let taken = 0
    while (queue.backlogRecords() > 0) {
      assert.isFalse(queue.takeResume())
      taken += queue.take(100, 1 << 20)?.records.length ?? 0
    }
    assert.isAtMost(1000 - taken, 310)
  })

  it("blocks by bytes, with its own records or those of other partitions, but never when it is empty", () => {
    const { budget, queue } = setUp(300, 10, 1000)
    assert.strictEqual(queue.offer(batchOf(0n, 20, 100)), "pause")
    assert.isTrue(queue.isBlocked())
    while (queue.take(10, 1 << 20) !== undefined) { /* empty it */ }
    assert.strictEqual(budget.used, 0)
    budget.used = 5000
    queue.offer(batchOf(20n, 1, 100))
    assert.lengthOf(queue.take(10, 1 << 20)?.records ?? [], 1)
  })

  it("gives what begins where it is wanted, and leaves anything else with its place in the queue", () => {
    const { queue } = setUp(20, 10)
    queue.offer(batchOf(7n, 50))
    assert.isUndefined(queue.take(20, 1 << 20, { from: 5n }))
    assert.strictEqual(queue.queuedRecords(), 20)
    assert.strictEqual(queue.take(20, 1 << 20, { from: 7n })?.next, 27n)
  })

  it("cuts a slice where no more is wanted; the rest comes next and is counted before the queue is filled again", () => {
    const { budget, queue } = setUp(10, 10)
    queue.offer(batchOf(0n, 30))
    assert.strictEqual(queue.take(1, 1 << 20, { recordsMax: 1 })?.next, 1n)
    assert.strictEqual(queue.queuedRecords(), 9)
    assert.strictEqual(budget.used, 29 * 10)
    const next = queue.take(30, 1 << 20)
    assert.deepStrictEqual([next?.expected, next?.next], [1n, 10n])
  })

  it("does not join across a break of the chain", () => {
    const { queue } = setUp()
    queue.offer(batchOf(0n, 5))
    queue.offer(batchOf(7n, 5))
    assert.strictEqual(queue.take(100, 1 << 20)?.next, 5n)
    assert.strictEqual(queue.take(100, 1 << 20)?.expected, 7n)
  })

  it("flows with less than its share of the bytes, however much others hold", () => {
    const { budget, queue } = setUp(300, 10, 1000)
    const slow = makePartitionQueue({ records: 300, sliceRecords: 10 }, budget, () => {})
    slow.offer(batchOf(0n, 50, 100))
    assert.strictEqual(queue.offer(batchOf(0n, 3, 100)), "fetch")
    assert.isFalse(queue.isBlocked())
    slow.close()
    assert.strictEqual(budget.used, 300, "a queue that is over gives its bytes back")
  })

  it("forgets everything and gives its bytes back when cleared", () => {
    const { budget, queue, transitions } = setUp()
    queue.offer(batchOf(0n, 1000))
    queue.take(50, 1 << 20)
    queue.clear()
    assert.strictEqual(budget.used, 0)
    assert.isUndefined(queue.take(10, 1 << 20))
    assert.strictEqual(transitions.at(-1)?.to, "flowing")
  })

  it.effect("wakes a writer that waits", () =>
    Effect.gen(function*() {
      const { queue } = setUp()
      const waiting = yield* Effect.fork(queue.awaitSome)
      queue.offer(batchOf(0n, 1))
      yield* waiting
      assert.strictEqual(queue.take(1, 1)?.next, 1n)
    }))

  it.prop("loses, repeats and reorders nothing under any sequence of offers and takes", [
    FastCheck.array(
      FastCheck.oneof(
        FastCheck.integer({ min: 0, max: 400 }).map((offer) => ({ offer })),
        FastCheck.integer({ min: 1, max: 100 }).map((take) => ({ take }))
      ),
      { maxLength: 60 }
    ),
    FastCheck.integer({ min: 1, max: 300 }),
    FastCheck.integer({ min: 1, max: 50 })
  ], ([steps, size, slice]) => {
    const { budget, queue } = setUp(size, slice)
    let end = 0n
    let position = 0n
    const takeAll = (rows: number) => {
      const taken = queue.take(rows, 1 << 20)
      if (taken === undefined) return false
      assert.strictEqual(taken.expected, position)
      for (const record of taken.records) assert.strictEqual(record.offset, position++)
      assert.strictEqual(taken.next, position)
      return true
    }
    for (const step of steps) {
      if ("take" in step) takeAll(step.take)
      else {
        queue.offer(batchOf(end, step.offer))
        end += BigInt(step.offer)
      }
      assert.isBelow(queue.queuedRecords(), size + slice)
    }
    while (takeAll(1000)) { /* drain */ }
    assert.strictEqual(position, end)
    assert.strictEqual(budget.used, 0)
  })
})
