import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Scope } from "effect"
import { simulate } from "../../../src/layers/memory/virtualTime.js"
import type { Appended, OutgoingRecord } from "../../../src/layers/Producer.js"
import {
  type AccumulatorOptions,
  makeAccumulator,
  type PlacedRecord,
  type SettledBatch
} from "../../../src/programs/produce/accumulator.js"
import { makeRandom } from "../../../src/domain/random.js"

/** 100 bytes in the accumulator's account, 21 of them its own. */
const record = (partition: number, label: string): PlacedRecord => ({
  partition,
  key: null,
  value: Buffer.from(label.padEnd(79, "."))
})
const labelOf = ({ value }: OutgoingRecord) => String(value).replace(/\.+$/, "")
const labels = (records: ReadonlyArray<OutgoingRecord>) => records.map(labelOf)

interface Sent {
  readonly atMs: number
  readonly topic: string
  readonly partition: number
  readonly records: ReadonlyArray<string>
}

/** An accumulator over a producer that takes `answerMs` for an answer and remembers what it was given. */
const world = (
  overrides: Partial<AccumulatorOptions<string>> = {},
  answerMs: (sent: Sent) => number = () => 10,
  fails: (sent: Sent) => boolean = () => false
) =>
  Effect.gen(function*() {
    const clock = yield* Effect.clock
    const sent: Array<Sent> = []
    const settled: Array<SettledBatch<string>> = []
    const offsets = new Map<string, bigint>()
    const underWay = { now: 0, most: 0, partitions: new Set<string>() }
    const options = { batchBytes: 500, lingerMs: 50, bufferBytes: 10_000, inFlightMax: 5, ...overrides }
    const accumulator = yield* makeAccumulator<string>({
      ...options,
      settled: (batch) => Effect.sync(() => void settled.push(batch)),
      send: (topic, records) =>
        Effect.gen(function*() {
          const { partition = -1 } = records[0] ?? {}
          const name = `${topic}-${partition}`
          const batch = { atMs: clock.unsafeCurrentTimeMillis(), topic, partition, records: labels(records) }
          sent.push(batch)
          assert.isFalse(underWay.partitions.has(name), "two batches of one partition are on their way")
          underWay.partitions.add(name)
          underWay.most = Math.max(underWay.most, ++underWay.now)
          yield* Effect.sleep(answerMs(batch))
          underWay.now -= 1
          underWay.partitions.delete(name)
          if (fails(batch)) return yield* Effect.fail("refused")
          const baseOffset = offsets.get(name) ?? 0n
          offsets.set(name, baseOffset + BigInt(records.length))
          return [{ partition, baseOffset, count: records.length } satisfies Appended]
        })
    })
    return { accumulator, bufferBytes: options.bufferBytes, accepted: { records: 0 }, sent, settled, underWay }
  })

const run = <A>(effect: Effect.Effect<A, never, Scope.Scope>, seed?: number) => simulate(effect, seed)

/** Offers everything, waiting for room where there is none. */
const offerAll = (
  { accepted, accumulator, bufferBytes, settled }: Effect.Effect.Success<ReturnType<typeof world>>,
  records: ReadonlyArray<PlacedRecord>,
  topic = "t"
) =>
  Effect.gen(function*() {
    const offer = (from: number) => {
      const next = accumulator.offer(topic, records, from)
      accepted.records += next - from
      const unsettled = settled.reduce((left, batch) => left - batch.records.length, accepted.records)
      assert.isTrue(unsettled <= 1 || unsettled * 100 <= bufferBytes, `${unsettled} records wait or are on their way`)
      return next
    }
    let next = offer(0)
    while (next < records.length) {
      yield* accumulator.room
      next = offer(next)
    }
  })

describe("the accumulator", () => {
  it("sends a batch when it is full, and one that is not after it has lingered", () =>
    run(Effect.gen(function*() {
      const all = yield* world()
      yield* offerAll(all, ["a", "b", "c", "d", "e", "f"].map((label) => record(0, label)))
      yield* Effect.sleep(49)
      assert.deepStrictEqual(all.sent, [{ atMs: 0, topic: "t", partition: 0, records: ["a", "b", "c", "d", "e"] }])
      yield* offerAll(all, [record(0, "g")])
      yield* Effect.sleep(100)
      assert.deepStrictEqual(all.sent[1], { atMs: 50, topic: "t", partition: 0, records: ["f", "g"] })
      assert.lengthOf(all.sent, 2)
    })))

  it("lingers from the first record on, each partition for itself", () =>
    run(Effect.gen(function*() {
      const all = yield* world()
      yield* offerAll(all, [record(0, "a")])
      yield* Effect.sleep(30)
      yield* offerAll(all, [record(1, "b"), record(0, "c")])
      yield* Effect.sleep(1000)
      assert.deepStrictEqual(all.sent.map(({ atMs, records }) => [atMs, ...records]), [[50, "a", "c"], [80, "b"]])
    })))

  it("without linger it sends at once, and what comes while an answer is awaited goes together", () =>
    run(Effect.gen(function*() {
      const all = yield* world({ lingerMs: 0 })
      yield* offerAll(all, [record(0, "a")])
      yield* Effect.sleep(1)
      yield* offerAll(all, [record(0, "b")])
      yield* Effect.sleep(1)
      yield* offerAll(all, [record(0, "c")])
      yield* Effect.sleep(100)
      assert.deepStrictEqual(all.sent.map(({ atMs, records }) => [atMs, ...records]), [[0, "a"], [10, "b", "c"]])
    })))

  it("a record that is larger than a batch goes alone, between its neighbours", () =>
    run(Effect.gen(function*() {
      const all = yield* world()
      const large = { partition: 0, key: null, value: Buffer.alloc(2_000, "x") }
      yield* offerAll(all, [record(0, "a"), large, record(0, "b")])
      yield* all.accumulator.flush
      assert.deepStrictEqual(all.sent.map(({ records }) => records.map((label) => label.length)), [[1], [2000], [1]])
    })))

  it("takes no more than its bytes: the source waits until a batch is answered", () =>
    run(Effect.gen(function*() {
      const all = yield* world({ bufferBytes: 1_000, lingerMs: 3_600_000 })
      const records = Array.from({ length: 25 }, (_, index) => record(index % 3, String(index)))
      assert.strictEqual(all.accumulator.offer("t", records), 10)
      assert.strictEqual(all.accumulator.offer("t", records, 10), 10)
      const clock = yield* Effect.clock
      yield* offerAll(all, records.slice(10))
      // An hour's linger does not hold up a source that waits for room.
      assert.isBelow(clock.unsafeCurrentTimeMillis(), 1_000)
      yield* all.accumulator.flush
      assert.strictEqual(all.sent.flatMap(({ records: each }) => each).length, 25)
    })))

  it("a record that is larger than the buffer is let in alone", () =>
    run(Effect.gen(function*() {
      const all = yield* world({ bufferBytes: 1_000 })
      const large = { partition: 0, key: null, value: Buffer.alloc(5_000, "x") }
      assert.strictEqual(all.accumulator.offer("t", [large, record(0, "b")]), 1)
      yield* offerAll(all, [record(0, "b")])
      yield* all.accumulator.flush
      assert.lengthOf(all.sent, 2)
    })))

  it("has no more batches on their way than it is told, over all partitions", () =>
    run(Effect.gen(function*() {
      const all = yield* world({ inFlightMax: 3 })
      yield* offerAll(all, Array.from({ length: 80 }, (_, index) => record(index % 8, String(index))))
      yield* all.accumulator.flush
      assert.strictEqual(all.underWay.most, 3)
      assert.strictEqual(all.sent.flatMap(({ records }) => records).length, 80)
    })))

  it("flush waits for the last answer; what is settled tells offsets and times", () =>
    run(Effect.gen(function*() {
      const all = yield* world({ lingerMs: 3_600_000 })
      yield* offerAll(all, [record(2, "a"), record(2, "b")])
      yield* Effect.sleep(5)
      yield* all.accumulator.flush
      const [batch] = all.settled
      assert.deepStrictEqual(batch?.outcome, Exit.succeed([{ partition: 2, baseOffset: 0n, count: 2 }]))
      assert.deepStrictEqual([batch?.acceptedMs, batch?.settledMs], [[0, 0], 15])
      yield* all.accumulator.flush
      assert.lengthOf(all.settled, 1)
    })))

  it("gives up what is not on its way, and nothing of it is sent later", () =>
    run(Effect.gen(function*() {
      const all = yield* world()
      yield* offerAll(all, Array.from({ length: 12 }, (_, index) => record(0, String(index))))
      yield* Effect.sleep(1)
      const given = all.accumulator.close().flatMap(({ records }) => labels(records))
      assert.deepStrictEqual(given, ["5", "6", "7", "8", "9", "10", "11"])
      yield* all.accumulator.flush
      yield* Effect.sleep(1000)
      assert.lengthOf(all.sent, 1)
    })))

  it("a send that breaks is settled as what it is, and the others go on", () =>
    run(Effect.gen(function*() {
      const all = yield* world({ lingerMs: 0 }, ({ records }) => {
        if (records[0] === "bad") throw new Error("a bug")
        return 1
      })
      yield* offerAll(all, [record(0, "bad")])
      yield* all.accumulator.flush
      yield* offerAll(all, [record(1, "good")])
      yield* all.accumulator.flush
      assert.deepStrictEqual(all.settled.map(({ outcome }) => Exit.isSuccess(outcome)), [false, true])
    })))
})

// Goal: whatever the answers take and whichever fail, the records of a partition are sent in the order in which they
// were accepted, each once, and the bounds hold. Method: random pieces over partitions and topics, random pauses, answers
// and failures, under a scheduler that interleaves the fibers differently for each seed.
describe("order and bounds", () => {
  for (let seed = 1; seed <= 60; seed++) {
    it(`each partition's records are sent in order, once, within the bounds (seed ${seed})`, () =>
      run(
        Effect.gen(function*() {
          const random = makeRandom(seed)
          const options = {
            batchBytes: random.pick(1, 150, 500, 2_000),
            lingerMs: random.pick(0, 5, 100),
            bufferBytes: random.pick(200, 1_000, 10_000),
            inFlightMax: random.integer(1, 6)
          }
          const all = yield* world(options, () => random.integer(0, 40), () => random.oneIn(5))
          const accepted = new Map<string, Array<string>>()
          for (let piece = 0; piece < 15; piece++) {
            const topic = random.pick("a", "b")
            const records = Array.from({ length: random.integer(1, 20) }, (_, index) =>
              record(random.integer(0, 3), `${piece}/${index}`))
            for (const each of records) {
              const name = `${topic}-${each.partition}`
              accepted.set(name, [...accepted.get(name) ?? [], labelOf(each)])
            }
            yield* offerAll(all, records, topic)
            if (random.oneIn(2)) {
              yield* Effect.sleep(random.integer(1, 120))
            }
          }
          yield* all.accumulator.flush
          const sent = new Map<string, Array<string>>()
          for (const { partition, records, topic } of all.sent) {
            sent.set(`${topic}-${partition}`, [...sent.get(`${topic}-${partition}`) ?? [], ...records])
          }
          assert.deepStrictEqual(sent, accepted)
          assert.isAtMost(all.underWay.most, options.inFlightMax)
          assert.lengthOf(all.settled, all.sent.length)
          for (const { records } of all.sent) {
            assert.isTrue(records.length === 1 || records.length * 100 <= options.batchBytes)
          }
          // In the order of the answers, which is the order of time.
          const times = all.settled.map(({ settledMs }) =>
            settledMs
          )
          assert.deepStrictEqual(times, times.toSorted((x, y) => x - y))
        }),
        seed
      ))
  }

  it("what has failed is followed by what was accepted after it: the partition stays in order", () =>
    run(Effect.gen(function*() {
      const all = yield* world({ lingerMs: 0 }, () => 10, ({ records }) => records.includes("3"))
      yield* offerAll(all, Array.from({ length: 15 }, (_, index) => record(0, String(index))))
      yield* all.accumulator.flush
      const arrived = all.settled.filter(({ outcome }) => Exit.isSuccess(outcome)).flatMap(({ records }) =>
        labels(records)
      )
      assert.deepStrictEqual(arrived, ["5", "6", "7", "8", "9", "10", "11", "12", "13", "14"])
    })))

  it("closed, it wakes a source that waits for room, and takes nothing more", () =>
    run(Effect.gen(function*() {
      const all = yield* world({ bufferBytes: 1_000, inFlightMax: 1 }, () => 3_600_000)
      const records = Array.from({ length: 25 }, (_, index) => record(index % 2, String(index)))
      assert.strictEqual(all.accumulator.offer("t", records), 10)
      const waiting = yield* Effect.fork(all.accumulator.room)
      yield* Effect.sleep(10)
      assert.deepStrictEqual(all.accumulator.close().flatMap((batch) => labels(batch.records)), [
        "1",
        "3",
        "5",
        "7",
        "9"
      ])
      yield* Fiber.join(waiting)
      assert.strictEqual(all.accumulator.offer("t", records, 10), 10)
    })))

  it("closing its scope settles what is on its way as interrupted, so that each batch is settled or given up", () =>
    run(Effect.gen(function*() {
      const scope = yield* Scope.make()
      const all = yield* Scope.extend(world({ inFlightMax: 1 }, () => 3_600_000), scope)
      yield* offerAll(all, Array.from({ length: 10 }, (_, index) => record(index % 2, String(index))))
      yield* Effect.sleep(10)
      const givenUp = all.accumulator.close().map(({ partition }) => partition)
      yield* Scope.close(scope, Exit.void)
      const settled = all.settled.map(({ outcome, partition }) => [partition, Exit.isInterrupted(outcome)])
      assert.deepStrictEqual([settled, givenUp], [[[0, true]], [1]])
    })))
})
