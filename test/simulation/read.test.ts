import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, type Layer, type Scope } from "effect"
import { committedKey } from "../../src/layers/memory/MemoryCluster.js"
import { answerLost, fates, requestLost } from "../../src/layers/memory/Fate.js"
import { layerMemory, MemoryKafka } from "../../src/layers/memory/MemoryKafka.js"
import { simulate } from "../../src/layers/memory/virtualTime.js"
import { type CommitStrategy, consume, type ConsumeOptions, type Hooks } from "../../src/programs/read/consume.js"
import type { MemberEvent } from "../../src/programs/read/memberEvent.js"

const topic = "numbers"
const group = "readers"
const cluster = layerMemory({ fetchRecords: 1000, pollIntervalMs: 100 })
type Services = Layer.Layer.Success<typeof cluster>

const run = <A, E>(effect: Effect.Effect<A, E, Services | Scope.Scope>, seed?: number): A =>
  simulate(Effect.provide(effect, cluster), seed)

const strategies = ["auto", "sync", "sync-each", "sync-offset", "async", "async+sync", "none"] as const

/** A topic whose records are the numbers from 0 on, in turn over the partitions. */
const fill = (count: number, partitions = 1) =>
  Effect.map(MemoryKafka, (kafka) => {
    if (!kafka.topics.has(topic)) kafka.createTopic(topic, partitions)
    for (let n = 0; n < count; n++) kafka.append(topic, n % partitions, Buffer.from(String(n)))
    return kafka
  })

const committed = (partition = 0) =>
  Effect.map(MemoryKafka, (kafka) => kafka.committed.get(committedKey(group, topic, partition)))

/** Work of a second for each record, and what it has done so far. */
const worker = () => {
  const done: Array<number> = []
  const process = (records: ReadonlyArray<{ readonly value: Uint8Array | null }>) =>
    Effect.forEach(
      records,
      ({ value }) =>
        Effect.delay(Effect.sync(() => done.push(Number(Buffer.from(value ?? []).toString()))), "1 second"),
      { discard: true }
    )
  return { done, process }
}

const optionsOf = (commit: CommitStrategy, more: Partial<ConsumeOptions> = {}): ConsumeOptions => ({
  topic,
  group,
  name: "consumer-thread-0",
  commit,
  autoCommitIntervalMs: 60_000,
  maxPollRecords: 100,
  pollTimeoutMs: 1000,
  isolation: "read_uncommitted",
  reset: "earliest",
  ...more
})

const recording = () => {
  const events: Array<MemberEvent> = []
  const hooks: Hooks = { report: (event) => Effect.sync(() => void events.push(event)) }
  const of = <const T extends MemberEvent["_tag"]>(tag: T) =>
    events.filter((event): event is Extract<MemberEvent, { readonly _tag: T }> => event._tag === tag)
  return { events, hooks, of }
}

const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => from + index)

// Outline: 200 records of one partition, polled 100 at a time, a second of work for each. At 149.5 s the 150th record is
// in work. What is committed then is where a process that is killed goes on; then the member is told to stop.
describe("what each strategy has committed when a member is killed or stopped at the 150th of 200 records", () => {
  const cases: Record<CommitStrategy, { readonly killed: bigint | undefined; readonly stopped: bigint | undefined }> = {
    auto: { killed: 100n, stopped: 200n },
    sync: { killed: 100n, stopped: 200n },
    "sync-each": { killed: 200n, stopped: 200n }, // 150 to 199 are lost by a kill
    "sync-offset": { killed: 149n, stopped: 150n },
    async: { killed: 100n, stopped: 200n },
    "async+sync": { killed: 100n, stopped: 200n },
    none: { killed: undefined, stopped: undefined }
  }
  for (const commit of strategies) {
    const { killed, stopped } = cases[commit]
    it(`${commit}: ${killed ?? "nothing"} where it is killed, ${stopped ?? "nothing"} where it is stopped`, () =>
      run(Effect.gen(function*() {
        yield* fill(200)
        const { done, process } = worker()
        const { hooks, of } = recording()
        const member = yield* Effect.fork(consume(optionsOf(commit), process, hooks))
        yield* Effect.sleep(149_500)
        assert.lengthOf(done, 149)
        assert.strictEqual(yield* committed(), killed)
        const exit = yield* Fiber.interrupt(member)
        assert.isTrue(Exit.isInterrupted(exit))
        assert.lengthOf(of("Wakeup"), 1)
        assert.strictEqual(yield* committed(), stopped)
        // Stopped in order, a member has processed what it has committed, neither more nor less.
        assert.deepStrictEqual(done, numbers(0, Number(stopped ?? 200n)))
      })))
  }
})

describe("auto", () => {
  it("commits at the first poll after the interval, and only the position of the poll before", () =>
    run(Effect.gen(function*() {
      yield* fill(300)
      const { process } = worker()
      yield* Effect.fork(consume(optionsOf("auto", { autoCommitIntervalMs: 150_000 }), process))
      yield* Effect.sleep(199_000)
      assert.isUndefined(yield* committed())
      yield* Effect.sleep(2000)
      assert.strictEqual(yield* committed(), 200n)
    })))

  it("commits what was handed off, whether or not that work has ended", () =>
    run(Effect.gen(function*() {
      yield* fill(100)
      const { done, process } = worker()
      const handOff = (records: Parameters<typeof process>[0]) =>
        Effect.forkDaemon(process(records)).pipe(Effect.asVoid)
      yield* Effect.fork(consume(optionsOf("auto", { autoCommitIntervalMs: 10_000 }), handOff))
      yield* Effect.sleep(20_500)
      assert.strictEqual(yield* committed(), 100n)
      assert.isBelow(done.length, 21)
    })))
})

describe("a commit that fails", () => {
  it("is tried again by sync until it works, and the loop waits for it", () =>
    run(Effect.gen(function*() {
      const kafka = yield* fill(100)
      kafka.commitFate = fates(requestLost(), requestLost(), answerLost())
      const { hooks, of } = recording()
      yield* Effect.fork(consume(optionsOf("sync"), () => Effect.void, hooks))
      yield* Effect.sleep(10_000)
      assert.deepStrictEqual(of("CommitFailed").map(({ error, next }) => [error.kind, next]), [
        ["unavailable", "it is tried again in 1 second"],
        ["unavailable", "it is tried again in 1 second"],
        ["unavailable", "it is tried again in 1 second"]
      ])
      assert.strictEqual(yield* committed(), 100n)
      assert.deepStrictEqual(of("Committed").map(({ offsets }) => offsets), [[{ partition: 0, offset: 100n }]])
    })))

  it("is not tried again by async: the next commit covers it", () =>
    run(Effect.gen(function*() {
      const kafka = yield* fill(200)
      kafka.commitFate = fates(requestLost())
      const { process } = worker()
      const { hooks, of } = recording()
      yield* Effect.fork(consume(optionsOf("async"), process, hooks))
      yield* Effect.sleep(199_000)
      assert.isUndefined(yield* committed())
      assert.deepStrictEqual(of("CommitFailed").map(({ next }) => next), ["the next commit covers it"])
      yield* Effect.sleep(2000)
      assert.strictEqual(yield* committed(), 200n)
    })))

  it("does not end a poll early when the member is told to stop: what it commits at the end is processed", () =>
    run(Effect.gen(function*() {
      const kafka = yield* fill(100)
      kafka.commitFate = fates(...Array.from({ length: 20 }, () => requestLost()))
      const { done, process } = worker()
      const member = yield* Effect.fork(consume(optionsOf("sync-each"), process))
      yield* Effect.sleep(5500)
      yield* Fiber.interrupt(member)
      assert.deepStrictEqual(done, numbers(0, 100))
      assert.strictEqual(yield* committed(), 100n)
    })))

  it("also of the last record in work: sync-offset commits it when it leaves", () =>
    run(Effect.gen(function*() {
      const kafka = yield* fill(100)
      kafka.commitFate = fates(requestLost())
      const { done, process } = worker()
      const member = yield* Effect.fork(consume(optionsOf("sync-offset"), process))
      yield* Effect.sleep(1500)
      yield* Fiber.interrupt(member)
      assert.deepStrictEqual(done, [0])
      assert.strictEqual(yield* committed(), 1n)
    })))
})

describe("a process that fails", () => {
  for (const commit of strategies) {
    it(`ends the member without another commit (${commit})`, () =>
      run(Effect.gen(function*() {
        yield* fill(100)
        const failure = { _tag: "DiskFull", message: "the disk is full" } as const
        const error = yield* Effect.flip(consume(optionsOf(commit), () => Effect.fail(failure)))
        assert.deepStrictEqual(error, failure)
        assert.isUndefined(yield* committed())
      })))
  }
})

/** A second member comes at 149.5 s, while the first one works on its 150th record. */
const secondComes = (commit: CommitStrategy, more: Partial<ConsumeOptions> = {}) =>
  Effect.gen(function*() {
    const kafka = yield* MemoryKafka
    const first = worker()
    const second = worker()
    const firstSeen = recording()
    const secondSeen = recording()
    yield* Effect.fork(consume(optionsOf(commit, more), first.process, firstSeen.hooks))
    yield* Effect.sleep(149_500)
    const options = optionsOf(commit, { ...more, name: "consumer-thread-1" })
    yield* Effect.fork(consume(options, second.process, secondSeen.hooks))
    return { kafka, first, second, firstSeen, secondSeen }
  })

// The session lasts longer than the poll in work, so that the group waits for it.
const patient = layerMemory({ fetchRecords: 1000, pollIntervalMs: 100, sessionTimeoutMs: 120_000 })
const runPatient = <A, E>(effect: Effect.Effect<A, E, Services | Scope.Scope>) =>
  simulate(Effect.provide(effect, patient))

/** How many records are processed twice where the commit of the second poll is lost. */
const repeated = (listener: boolean) =>
  runPatient(Effect.gen(function*() {
    const kafka = yield* fill(200)
    // The second poll's commit is lost; with a listener another one follows before the partition is given back.
    kafka.commitFate = fates({ doneAfterMs: 0, toldAfterMs: 0, answered: true }, requestLost())
    const { first, second } = yield* secondComes("async", { listener })
    yield* Effect.sleep(1_000_000)
    const done = [...first.done, ...second.done]
    assert.strictEqual(new Set(done).size, 200)
    return done.length - new Set(done).size
  }))

describe("a rebalance", () => {
  for (const commit of ["auto", "sync", "sync-each", "sync-offset", "async", "async+sync"] as const) {
    it(`waits for the poll in work, after which each record is processed once (${commit})`, () =>
      runPatient(Effect.gen(function*() {
        yield* fill(400, 2)
        const { first, firstSeen, second, secondSeen } = yield* secondComes(commit)
        yield* Effect.sleep(1_000_000)
        assert.deepStrictEqual([...first.done, ...second.done].toSorted((a, b) => a - b), numbers(0, 400))
        assert.isNotEmpty(second.done)
        assert.deepStrictEqual(firstSeen.of("Revoked").map(({ partitions }) => partitions), [[0, 1]])
        assert.isEmpty(firstSeen.of("Lost"))
        assert.deepStrictEqual(
          firstSeen.of("Assigned").map(({ positions }) => positions.map(({ partition }) => partition)),
          [[0, 1], [0]]
        )
        assert.deepStrictEqual(
          secondSeen.of("Assigned").map(({ positions }) => positions.map(({ partition }) => partition)),
          [[1]]
        )
      })))
  }

  it("makes auto commit before it gives partitions back, also long before its interval is over", () =>
    runPatient(Effect.gen(function*() {
      yield* fill(400, 2)
      const { first, second } = yield* secondComes("auto", { autoCommitIntervalMs: 10_000_000 })
      yield* Effect.sleep(1_000_000)
      assert.deepStrictEqual([...first.done, ...second.done].toSorted((a, b) => a - b), numbers(0, 400))
    })))

  it("does not wait longer than a session: then the partitions are lost, and the late commit is refused", () =>
    run(Effect.gen(function*() {
      yield* fill(400, 2)
      const { firstSeen, second } = yield* secondComes("sync")
      yield* Effect.sleep(1_000_000)
      assert.isNotEmpty(second.done)
      assert.deepStrictEqual(new Set(firstSeen.of("CommitFailed").map(({ error }) => error.kind)), new Set(["fenced"]))
    })))

  it("commits with a listener what a commit without answer has left, and not without one", () => {
    assert.strictEqual(repeated(true), 0)
    assert.strictEqual(repeated(false), 100)
  })

  it("gives a member beyond the partitions nothing, and says so by an empty assignment", () =>
    run(Effect.gen(function*() {
      yield* fill(10)
      const { hooks, of } = recording()
      yield* Effect.fork(consume(optionsOf("sync"), () => Effect.void))
      yield* Effect.sleep(1000)
      yield* Effect.fork(consume(optionsOf("sync"), () => Effect.void, hooks))
      yield* Effect.sleep(10_000)
      assert.deepStrictEqual(of("Assigned").map(({ positions }) => positions), [[]])
    })))
})
