import { assert, describe, it } from "@effect/vitest"
import { Context, Duration, Effect, Fiber, Layer } from "effect"
import { simulate } from "../../src/layers/memory/virtualTime.js"
import { type Claim, Destination, type WriteRequest } from "../../src/layers/Destination.js"
import { layerSimMysql } from "../../proof/simulation/mysql/destination.js"
import { type Fate, type Faults, none, type Request } from "../../proof/simulation/mysql/faults.js"
import { recordsOf } from "../../proof/simulation/mysql/records.js"
import type { SimMysql } from "../../proof/simulation/mysql/SimMysql.js"
import { check } from "../../proof/checker/check.js"
import { simMysql } from "./simMysqlSupport.js"

/** These fates for the first requests of their kind; all others are done at once. */
const fatesOf = (fates: Partial<Record<Request, ReadonlyArray<Fate>>>): Faults => {
  const seen = new Map<Request, number>()
  return {
    latencyMs: () => 1,
    next: ({ request }) => {
      const index = seen.get(request) ?? 0
      seen.set(request, index + 1)
      return fates[request]?.[index] ?? none
    }
  }
}

type Port = Destination["Type"]

const acquired = ({ acquire, source }: Port, owner: string) =>
  Effect.gen(function*() {
    const identity = { clusterId: "c", topic: "orders", topicId: "t", group: "g", pipeline: "p" }
    const sourceId = yield* source(identity)
    return yield* acquire({ topic: "orders", partition: 0, group: "g", sourceId, owner, initial: 0n })
  })

const batch = (claim: Claim, expected: bigint, next: bigint): WriteRequest => {
  const rows = Array.from({ length: Number(next - expected) }, (_, index) => `(x,1,0,${expected + BigInt(index)})`)
  const head = "INSERT INTO `orders` (`id`, `_source`, `_partition`, `_offset`) VALUES "
  return { claim, expected, next, letters: [], statements: [head + rows.join(",")] }
}

const findings = (server: SimMysql) => {
  const records = Array.from({ length: 100 }, (_, offset) => ({ offset: BigInt(offset), content: "x" }))
  const log = { topic: "orders", partition: 0, low: 0n, end: 100n, records, aborted: [] }
  return check({ ...recordsOf(server), logs: [log], observations: [] })
}

/** Two processes and the server between them, whose rows have no key: only the protocol keeps them from repeating. */
const run = <E>(
  fates: Parameters<typeof fatesOf>[0],
  body: (server: SimMysql, a: Port, b: Port) => Effect.Effect<void, E>
) =>
  simulate(Effect.gen(function*() {
    const server = yield* simMysql({ faults: fatesOf(fates), unique: false })
    server.database.createTable("orders")
    const [a, b] = yield* Effect.all([
      Layer.build(layerSimMysql(server, "a")),
      Layer.build(layerSimMysql(server, "b"))
    ])
    yield* body(server, Context.get(a, Destination), Context.get(b, Destination))
    // Whatever is still on its way has arrived by then.
    yield* Effect.sleep("2 minutes")
    assert.deepStrictEqual(findings(server), [])
  }))

const storedOf = (server: SimMysql) => recordsOf(server).stored.map(({ offset }) => offset)

describe("what keeps effects exactly once, on the simulated MySQL", () => {
  it("an owner that has been replaced writes nothing", () =>
    run({}, (server, a, b) =>
      Effect.gen(function*() {
        const old = yield* acquired(a, "first")
        yield* acquired(b, "second")
        assert.strictEqual((yield* a.write(batch(old, 0n, 5n)))._tag, "Fenced")
        assert.lengthOf(recordsOf(server).rows, 0)
      })))

  it("a batch that is sent again, because its COMMIT was not answered, is there once", () =>
    run({ commit: [none, { kind: "lost", executed: true }] }, (server, a) =>
      Effect.gen(function*() {
        const request = batch(yield* acquired(a, "first"), 0n, 5n)
        yield* a.write(request)
        assert.strictEqual((yield* a.write(request))._tag, "Fenced")
        assert.lengthOf(recordsOf(server).rows, 5)
      })))

  it("a transaction that has met 1205 is not committed by the next one", () =>
    run({ rows: [{ kind: "error", code: 1205 }] }, (server, a) =>
      Effect.gen(function*() {
        const claim = yield* acquired(a, "first")
        assert.strictEqual((yield* a.write(batch(claim, 0n, 5n)))._tag, "RolledBack")
        assert.strictEqual(server.lockingSessions(), 0)
        assert.strictEqual((yield* a.write(batch(claim, 0n, 5n)))._tag, "Committed")
        assert.lengthOf(recordsOf(server).rows, 5)
      })))

  it("a COMMIT that the server does later is waited for, or ended for good: resolve never guesses", () => {
    for (const afterMs of [1, 500, 1500, 5000]) {
      run({ commit: [none, { kind: "lost", executed: true, afterMs }] }, (server, a) =>
        Effect.gen(function*() {
          const claim = yield* acquired(a, "first")
          const request = batch(claim, 0n, 5n)
          assert.strictEqual((yield* a.write(request))._tag, "Unknown")
          const found = yield* a.resolve(request)
          yield* Effect.sleep("1 minute")
          assert.deepStrictEqual(storedOf(server), [found === "Committed" ? 5n : 0n])
          assert.strictEqual(found, afterMs < 1000 ? "Committed" : "NotCommitted")
        }))
    }
  })

  it("what a silent owner holds is killed after one lock wait, not waited for until the server gives up on it", () =>
    run({ rows: [{ kind: "silence", executed: true }] }, (server, a, b) =>
      Effect.gen(function*() {
        const claim = yield* acquired(a, "first")
        const writing = yield* Effect.fork(a.write(batch(claim, 0n, 5n)))
        yield* Effect.sleep("100 millis")
        const [took, taken] = yield* Effect.timed(acquired(b, "second"))
        assert.isBelow(Duration.toMillis(took), 1500)
        assert.strictEqual(server.counters.kills, 1)
        assert.strictEqual((yield* b.write(batch(taken, 0n, 5n)))._tag, "Committed")
        assert.strictEqual((yield* Fiber.join(writing))._tag, "RolledBack")
      })))

  it("a fail-over that has lost transactions behind an unknown COMMIT fences, so that they are read again", () =>
    run({ commit: [none, none, { kind: "lost", executed: true }] }, (server, a) =>
      Effect.gen(function*() {
        const claim = yield* acquired(a, "first")
        yield* a.write(batch(claim, 0n, 5n))
        const second = batch(claim, 5n, 9n)
        assert.strictEqual((yield* a.write(second))._tag, "Unknown")
        server.failOver(2)
        assert.strictEqual(yield* a.resolve(second), "Fenced")
        const again = yield* acquired(a, "again")
        assert.strictEqual(again.offset, 0n)
        assert.strictEqual((yield* a.write(batch(again, 0n, 9n)))._tag, "Committed")
        assert.lengthOf(recordsOf(server).rows, 9)
      })))

  it("a server that takes no writes for a while, or has no room, loses nothing", () =>
    run({}, (server, a) =>
      Effect.gen(function*() {
        const claim = yield* acquired(a, "first")
        server.diskFull = true
        assert.strictEqual((yield* a.write(batch(claim, 0n, 5n)))._tag, "RolledBack")
        server.diskFull = false
        server.setReadOnly(true)
        assert.strictEqual((yield* a.write(batch(claim, 0n, 5n)))._tag, "RolledBack")
        server.setReadOnly(false)
        assert.strictEqual((yield* a.write(batch(claim, 0n, 5n)))._tag, "Committed")
        assert.strictEqual(server.counters.diskFull, 1)
        assert.strictEqual(server.counters.readOnly, 1)
      })))
})
