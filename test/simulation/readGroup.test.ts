import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Fiber, type Layer, type Scope } from "effect"
import type { ConsumerRecord } from "../../src/domain/consumerRecord.js"
import { committedKey } from "../../src/layers/memory/MemoryCluster.js"
import { layerMemory, MemoryKafka } from "../../src/layers/memory/MemoryKafka.js"
import { simulate } from "../../src/layers/memory/virtualTime.js"
import { CommandError } from "../../src/programs/exitCodes.js"
import { readGroup, type ReadGroupOptions } from "../../src/programs/read/readGroup.js"
import type { Sinks } from "../../src/programs/read/sink.js"
import { From } from "../../src/programs/read/startPosition.js"
import { captured } from "../programs/captured.js"

const topic = "numbers"
const cluster = layerMemory({ fetchRecords: 10, pollIntervalMs: 100 })
type Services = Layer.Layer.Success<typeof cluster>

const run = <A, E>(effect: Effect.Effect<A, E, Services | Scope.Scope>): A => simulate(Effect.provide(effect, cluster))

const fill = (count: number, partitions = 1) =>
  Effect.map(MemoryKafka, (kafka) => {
    if (!kafka.topics.has(topic)) kafka.createTopic(topic, partitions)
    for (let n = 0; n < count; n++) kafka.append(topic, n % partitions, Buffer.from(String(n)))
    return kafka
  })

const optionsOf = (more: Partial<ReadGroupOptions> = {}): ReadGroupOptions => ({
  topic,
  group: "readers",
  commit: "sync",
  autoCommitIntervalMs: 60_000,
  maxPollRecords: 5,
  pollTimeoutMs: 1000,
  isolation: "read_uncommitted",
  reset: "earliest",
  members: 1,
  untilEnd: true,
  max: undefined,
  processDelayMs: 0,
  handOff: undefined,
  metricsEveryMs: undefined,
  ...more
})

/** Sinks that remember what they were given, and by whom. */
const remembering = () => {
  const written: Array<{ readonly member: string; readonly number: number }> = []
  const sinks: Sinks = (member) => ({
    begin: (_, starts) => Effect.succeed(starts),
    write: (records) =>
      Effect.sync(() => {
        for (const record of records) written.push({ member, number: numberOf(record) })
      })
  })
  return { sinks, numbers: () => written.map(({ number }) => number), written }
}
const numberOf = ({ value }: ConsumerRecord) => Number(Buffer.from(value ?? []).toString())
const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => from + index)
const ascending = (values: ReadonlyArray<number>) => values.toSorted((a, b) => a - b)

describe("where a read begins", () => {
  const starts: ReadonlyArray<readonly [string, Partial<ReadGroupOptions>, ReadonlyArray<number>]> = [
    ["at the committed offset", {}, numbers(12, 20)],
    ["at --from instead of it", { from: From.Beginning() }, numbers(0, 20)],
    ["so many before the end", { from: From.Last({ count: 3n }) }, numbers(17, 20)],
    ["at an offset", { from: From.Offset({ offset: 15n }) }, numbers(15, 20)],
    ["at the end", { from: From.End() }, []],
    ["where auto.offset.reset says if it is nobody's: earliest", { group: undefined }, numbers(0, 20)],
    ["where auto.offset.reset says if it is nobody's: latest", { group: undefined, reset: "latest" }, []],
    ["and ends after --max records", { from: From.Beginning(), max: 7 }, numbers(0, 7)]
  ]
  for (const [name, options, read] of starts) {
    it(name, () =>
      run(Effect.gen(function*() {
        const kafka = yield* fill(20)
        kafka.committed.set(committedKey("readers", topic, 0), 12n)
        const { numbers: got, sinks } = remembering()
        yield* readGroup(optionsOf(options), sinks)
        assert.deepStrictEqual(got(), read)
      })))
  }

  it("nowhere, if nothing is committed and auto.offset.reset=none", () =>
    run(Effect.gen(function*() {
      yield* fill(20)
      const error = yield* Effect.flip(readGroup(optionsOf({ reset: "none" }), remembering().sinks))
      assert.strictEqual(error._tag, "NoOffset")
    })))

  it("where the output says that it ends, whatever the group has committed", () =>
    run(Effect.gen(function*() {
      yield* fill(20)
      const { numbers: got, sinks } = remembering()
      const knowing: Sinks = (member) => ({ ...sinks(member), begin: () => Effect.succeed(new Map([[0, 18n]])) })
      yield* readGroup(optionsOf(), knowing)
      assert.deepStrictEqual(got(), [18, 19])
    })))

  it("at --from, and reads to the end, where the group has committed the end already", () =>
    run(Effect.gen(function*() {
      const kafka = yield* fill(20)
      kafka.committed.set(committedKey("readers", topic, 0), 20n)
      const { numbers: got, sinks } = remembering()
      yield* readGroup(optionsOf({ from: From.Beginning() }), sinks)
      assert.deepStrictEqual(got(), numbers(0, 20))
    })))

  it("in a read of no group: without a commit", () =>
    run(Effect.gen(function*() {
      const kafka = yield* fill(20)
      yield* readGroup(optionsOf({ group: undefined }), remembering().sinks)
      assert.strictEqual(kafka.committed.size, 0)
    })))
})

const behindRetention = (reset: ReadGroupOptions["reset"]) =>
  Effect.gen(function*() {
    const kafka = yield* fill(20)
    kafka.committed.set(committedKey("readers", topic, 0), 2n)
    kafka.trim(topic, 0, 10n)
    const { numbers: got, sinks } = remembering()
    const { console, err } = captured()
    yield* readGroup(optionsOf({ reset }), sinks).pipe(Effect.withConsole(console))
    return { numbers: got(), said: err.filter((line) => line.includes("does not hold")) }
  })

describe("a position that the log does not hold", () => {
  it("is reset as auto.offset.reset says, and said", () => {
    const earliest = run(behindRetention("earliest"))
    assert.deepStrictEqual(earliest.numbers, numbers(10, 20))
    assert.deepStrictEqual(earliest.said, [
      "the log of numbers-0 does not hold offset 2: reading on at 10, as auto.offset.reset says"
    ])
    assert.deepStrictEqual(run(behindRetention("latest")).numbers, [])
  })

  it("is an error with auto.offset.reset=none", () => {
    const error = run(Effect.flip(behindRetention("none")))
    assert.strictEqual(error.message, "the log of numbers-0 does not hold offset 2, where group readers stands")
  })
})

describe("members of one process", () => {
  it("share the partitions, end together, and are told apart", () =>
    run(Effect.gen(function*() {
      yield* fill(40, 4)
      const { numbers: got, sinks, written } = remembering()
      const { console, err } = captured()
      yield* readGroup(optionsOf({ members: 5 }), sinks).pipe(Effect.withConsole(console))
      assert.deepStrictEqual(ascending(got()), numbers(0, 40))
      assert.strictEqual(new Set(written.map(({ member }) => member)).size, 4)
      assert.lengthOf(err.filter((line) => line.includes("Assigned partitions. none")), 1)
      assert.isTrue(err.every((line) => /^consumer-thread-[0-4] >> /.test(line)))
    })))

  it("end together after --max records: one that waits for records does not wait any longer", () =>
    run(Effect.gen(function*() {
      const kafka = yield* fill(0, 2)
      for (let n = 0; n < 40; n++) kafka.append(topic, 0, Buffer.from(String(n)))
      const { numbers: got, sinks } = remembering()
      const { console, err } = captured()
      const options = optionsOf({ members: 2, untilEnd: false, max: 7, pollTimeoutMs: 3_600_000 })
      yield* readGroup(options, sinks).pipe(Effect.withConsole(console))
      assert.deepStrictEqual(got(), numbers(0, 7))
      assert.lengthOf(err, 2, "nor does it take over what the first one has left")
    })))

  it("go on where partitions were left that move between them, also where nothing is committed", () =>
    run(Effect.gen(function*() {
      yield* fill(200, 2)
      const { numbers: got, sinks } = remembering()
      const reading = yield* Effect.fork(readGroup(
        optionsOf({ group: undefined, members: 2, from: From.Beginning(), processDelayMs: 100 }),
        sinks
      ))
      yield* Effect.sleep(3000)
      yield* Effect.map(MemoryKafka, (kafka) => kafka.addPartition(topic))
      yield* Fiber.join(reading)
      assert.deepStrictEqual(ascending(got()), numbers(0, 200))
    })))

  it("stop all when the output of one fails, and the error is the output's", () =>
    run(Effect.gen(function*() {
      yield* fill(40, 2)
      const full = new CommandError({ code: "TRB-2401", exit: 74, what: "the disk is full", cure: "make room" })
      const { sinks } = remembering()
      const failing: Sinks = (member) => ({ ...sinks(member), write: () => Effect.fail(full) })
      assert.strictEqual(yield* Effect.flip(readGroup(optionsOf({ members: 2, untilEnd: false }), failing)), full)
    })))

  it("say that they were told to stop, finish, and commit", () =>
    run(Effect.gen(function*() {
      const kafka = yield* fill(10, 2)
      const { sinks } = remembering()
      const { console, err } = captured()
      const reading = yield* Effect.fork(
        readGroup(optionsOf({ members: 2, untilEnd: false, commit: "auto" }), sinks).pipe(Effect.withConsole(console))
      )
      yield* Effect.sleep(5000)
      assert.strictEqual(kafka.committed.size, 0)
      yield* Fiber.interrupt(reading)
      assert.deepStrictEqual(err.slice(-2).toSorted(), [
        "consumer-thread-0 trigger WakeupException",
        "consumer-thread-1 trigger WakeupException"
      ])
      assert.deepStrictEqual([...kafka.committed.values()], [5n, 5n])
    })))
})

const handedOff = (ordered: boolean, capacity: number) =>
  Effect.gen(function*() {
    yield* fill(20)
    const { numbers: got, sinks } = remembering()
    const handOff = { workMs: 10_000, capacity, ordered }
    const reading = yield* Effect.fork(readGroup(optionsOf({ handOff }), sinks))
    yield* Effect.sleep(15_000)
    const soon = got().length
    yield* Fiber.join(reading)
    return { soon, numbers: got() }
  })

// The first record's result takes longer to write than the others'.
const order = (ordered: boolean) =>
  run(Effect.gen(function*() {
    yield* fill(3)
    const { numbers: got, sinks } = remembering()
    const slow: Sinks = (member) => ({
      ...sinks(member),
      write: (records) =>
        Effect.delay(sinks(member).write(records), records.some((record) => numberOf(record) === 0) ? 5000 : 0)
    })
    yield* readGroup(optionsOf({ handOff: { workMs: 1000, capacity: 10, ordered } }), slow)
    return got()
  }))

describe("work that is handed off", () => {
  it("goes on beside the poll loop, and is waited for at the end", () => {
    for (const ordered of [true, false]) {
      const { numbers: got, soon } = run(handedOff(ordered, 1000))
      assert.strictEqual(soon, 20)
      assert.deepStrictEqual(got, numbers(0, 20))
    }
  })

  it("is bounded by its capacity: then the loop waits", () => {
    assert.strictEqual(run(handedOff(true, 4)).soon, 4)
  })

  it("ends the read when a result cannot be written, also where no record follows", () =>
    run(Effect.gen(function*() {
      const kafka = yield* fill(3)
      const full = new CommandError({ code: "TRB-2401", exit: 74, what: "the disk is full", cure: "make room" })
      const failing: Sinks = (member) => ({ ...remembering().sinks(member), write: () => Effect.fail(full) })
      const handOff = { workMs: 10_000, capacity: 10, ordered: true }
      assert.strictEqual(yield* Effect.flip(readGroup(optionsOf({ handOff, untilEnd: false }), failing)), full)
      assert.isBelow(yield* Clock.currentTimeMillis, 60_000)
      assert.strictEqual(kafka.committed.size, 1, "sync has committed what was handed off, as Java's does")
    })))

  it("comes back in the order of the records, or as it ends", () => {
    assert.deepStrictEqual(order(true), [0, 1, 2])
    assert.deepStrictEqual(order(false), [1, 2, 0])
  })
})

it("prints what the members measure, as often as asked and at the end", () =>
  run(Effect.gen(function*() {
    yield* fill(10)
    const { console, err } = captured()
    const reading = yield* Effect.fork(
      readGroup(optionsOf({ untilEnd: false, metricsEveryMs: 5000 }), remembering().sinks).pipe(
        Effect.withConsole(console)
      )
    )
    yield* Effect.sleep(11_000)
    yield* Fiber.interrupt(reading)
    assert.lengthOf(err.filter((line) => line.startsWith("records-consumed-rate is")), 3)
    assert.lengthOf(err.filter((line) => line === "records-consumed-rate is 0"), 2)
    assert.lengthOf(err.filter((line) => line === "records-consumed-rate is 2"), 1)
  })))

it("says of each record that is handed off where it sleeps", () =>
  run(Effect.gen(function*() {
    yield* fill(3)
    const { console, err } = captured()
    const handOff = { workMs: 10_000, capacity: 10, ordered: true }
    yield* readGroup(optionsOf({ handOff }), remembering().sinks).pipe(Effect.withConsole(console))
    assert.lengthOf(err.filter((line) => line.endsWith(" sleeping in consumer-thread-0")), 3)
  })))
