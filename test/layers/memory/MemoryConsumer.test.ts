import { assert, describe, it } from "@effect/vitest"
import { Clock, Deferred, Effect, Exit, Fiber, Scope } from "effect"
import { Admin } from "../../../src/layers/Admin.js"
import { answerLost, delayed, fates, prompt, requestLost } from "../../../src/layers/memory/Fate.js"
import { MemoryKafka } from "../../../src/layers/memory/MemoryKafka.js"
import { startProcess } from "../../../src/layers/memory/MemoryProcess.js"
import { bytes, inKafka, type Reader, startReader, tell } from "./reader.js"

const withTopic = (partitions: number, records = 0) =>
  Effect.tap(MemoryKafka, (kafka) => {
    kafka.createTopic("t", partitions)
    for (let n = 0; n < records; n++) kafka.append("t", n % partitions, bytes(String(n)))
  })
const committed = Effect.flatMap(Admin, (admin) => admin.committedOffsets("g", "t"))
const at = (offset: bigint, partition = 0) => [{ partition, offset }]

/** A reader in a process of its own; what it has read and was told is seen from outside. */
const readerProcess = (options: Parameters<typeof startReader>[0] = {}) =>
  Effect.gen(function*() {
    const seen: { reader: Effect.Effect.Success<ReturnType<typeof startReader>> | undefined } = { reader: undefined }
    const process = yield* startProcess(Effect.scoped(Effect.gen(function*() {
      seen.reader = yield* startReader(options)
      return yield* Effect.never
    })))
    yield* Effect.sleep(1)
    if (seen.reader === undefined) return yield* Effect.dieMessage("it has not joined")
    return { process, reader: seen.reader }
  })

/** Seconds from the end of a process until another member has its partition. */
const takenOverAfter = (end: "stop" | "kill") =>
  inKafka(Effect.gen(function*() {
    yield* withTopic(2)
    const { process, reader } = yield* readerProcess()
    const other = yield* startReader()
    yield* Effect.sleep("5 seconds")
    assert.deepStrictEqual(tell(reader).at(-1), "assigned 0")
    yield* process[end]
    const endedMs = yield* Clock.currentTimeMillis
    while (tell(other).at(-1) !== "assigned 0,1") yield* Effect.sleep(100)
    return ((yield* Clock.currentTimeMillis) - endedMs) / 1000
  }))

describe("a group in memory", () => {
  it("each partition has one member: one that comes or leaves makes the others give back and join again", () =>
    inKafka(Effect.gen(function*() {
      yield* withTopic(3)
      const first = yield* startReader()
      yield* Effect.sleep("5 seconds")
      const scope = yield* Scope.make()
      const second = yield* Effect.provideService(startReader(), Scope.Scope, scope)
      yield* Effect.sleep("5 seconds")
      yield* Scope.close(scope, Exit.void)
      yield* Effect.sleep("2 seconds")
      assert.deepStrictEqual(tell(first), [
        "assigned 0,1,2",
        "revoked",
        "assigned 0,2",
        "revoked",
        "assigned 0,1,2"
      ])
      assert.deepStrictEqual(tell(second), ["assigned 1"])
    })))

  it("partitions of a member that leaves are taken over at once, those of a killed one when its session ends", () => {
    assert.isAtMost(takenOverAfter("stop"), 1.1)
    assert.isAtLeast(takenOverAfter("kill"), 9)
    assert.isAtMost(takenOverAfter("kill"), 12)
  })

  it("a frozen member is evicted, cannot commit when it is thawed, and learns that it has lost what it had", () =>
    inKafka(Effect.gen(function*() {
      yield* withTopic(1)
      const kafka = yield* MemoryKafka
      const { process, reader } = yield* readerProcess()
      yield* process.freeze
      const other = yield* startReader()
      yield* Effect.sleep("15 seconds")
      assert.deepStrictEqual(tell(other), ["assigned 0"])
      kafka.append("t", 0, bytes("late"))
      yield* Effect.sleep("1 second")
      assert.deepStrictEqual([reader.read, other.read], [[], ["0@0 late"]])
      // Not thawed yet, so that this is what it would ask for before it has heard of anything.
      const zombie = yield* Effect.flip(reader.membership.commit(at(7n)))
      assert.strictEqual(zombie.kind, "fenced")
      assert.deepStrictEqual(yield* committed, new Map())
      yield* process.thaw
      yield* Effect.sleep("3 seconds")
      assert.deepStrictEqual(tell(reader), ["assigned 0", "lost", "assigned "])
    })))

  it("onRevoked runs before the member joins again: nothing is delivered, its commit counts, the others wait for it", () =>
    inKafka(Effect.gen(function*() {
      const kafka = yield* withTopic(2, 2)
      const commits: Array<string> = []
      const self = yield* Deferred.make<Reader>()
      const first = yield* startReader({
        onRevoked: (partitions) =>
          Effect.gen(function*() {
            kafka.append("t", 0, bytes("meanwhile"))
            yield* Effect.sleep("4 seconds")
            const { membership } = yield* Deferred.await(self)
            const exit = yield* Effect.exit(membership.commit(at(1n)))
            commits.push(`${partitions.join()} ${exit._tag}`)
          })
      })
      yield* Deferred.succeed(self, first)
      yield* Effect.sleep("1500 millis")
      const second = yield* startReader()
      yield* Effect.sleep("4 seconds")
      assert.deepStrictEqual([tell(first), tell(second)], [["assigned 0,1"], []], "it waits for the first one")
      assert.lengthOf(first.read, 2)
      yield* Effect.sleep("2 seconds")
      assert.deepStrictEqual([tell(first), tell(second)], [["assigned 0,1", "revoked", "assigned 0"], ["assigned 1"]])
      assert.deepStrictEqual(commits, ["0,1 Success"])
      assert.deepStrictEqual(first.read.slice(2), ["0@1 meanwhile"], "it goes on where onRevoked has committed")
      assert.deepStrictEqual(second.read, ["1@0 1"])
    })))

  it("the others wait for onRevoked as long as a session, then its commit is fenced", () =>
    inKafka(Effect.gen(function*() {
      yield* withTopic(1)
      const commits: Array<string> = []
      const self = yield* Deferred.make<Reader>()
      const first = yield* startReader({
        onRevoked: () =>
          Effect.gen(function*() {
            yield* Effect.sleep("1 minute")
            const { membership } = yield* Deferred.await(self)
            const { kind } = yield* Effect.orDie(Effect.flip(membership.commit(at(1n))))
            commits.push(kind)
          })
      })
      yield* Deferred.succeed(self, first)
      yield* Effect.sleep("1500 millis")
      const second = yield* startReader()
      yield* Effect.sleep("12 seconds")
      assert.deepStrictEqual(tell(second), ["assigned 0"])
      yield* Effect.sleep("1 minute")
      assert.deepStrictEqual(commits, ["fenced"])
      assert.deepStrictEqual(tell(first), ["assigned 0", "lost", "assigned "])
      assert.deepStrictEqual(yield* committed, new Map())
    })))

  it("an empty group waits for more members before its first generation, so that they need no second one", () =>
    inKafka(
      Effect.gen(function*() {
        yield* withTopic(2)
        const first = yield* startReader()
        yield* Effect.sleep("2 seconds")
        const second = yield* startReader()
        yield* Effect.sleep("5 seconds")
        assert.deepStrictEqual([tell(first), tell(second)], [["assigned 0"], ["assigned 1"]])
      }),
      { rebalanceDelayMs: 3000 }
    ))

  it("a scope that was opened where nothing may be interrupted closes all the same", () =>
    inKafka(Effect.gen(function*() {
      yield* withTopic(1)
      const reader = yield* Effect.scoped(Effect.uninterruptible(Effect.tap(startReader(), () => Effect.sleep(100))))
      assert.deepStrictEqual(tell(reader), ["assigned 0"])
    })))

  it("a membership is confirmed by a heartbeat that comes later, and never in a generation that is over", () =>
    inKafka(Effect.gen(function*() {
      const kafka = yield* withTopic(1)
      const { membership } = yield* startReader()
      yield* Effect.sleep(1500)
      yield* membership.confirmed
      assert.strictEqual(yield* Clock.currentTimeMillis, 2000)
      const waiting = yield* Effect.fork(membership.confirmed)
      yield* Effect.yieldNow()
      kafka.cutOff(0)
      kafka.reconnect()
      yield* Effect.sleep("1 minute")
      assert.isTrue((yield* Fiber.poll(waiting))._tag === "None")
    })))
})

describe("commits in memory", () => {
  const member = Effect.gen(function*() {
    const kafka = yield* withTopic(2)
    const reader = yield* startReader()
    yield* Effect.sleep(100)
    return { kafka, commit: reader.membership.commit }
  })

  it("a partition that is not held, or is held no longer, is fenced", () =>
    inKafka(Effect.gen(function*() {
      const { commit, kafka } = yield* member
      yield* commit(at(3n))
      assert.strictEqual((yield* Effect.flip(commit(at(1n, 5)))).kind, "fenced")
      kafka.commitFate = () => delayed(5000)
      const late = yield* Effect.fork(Effect.flip(commit(at(4n))))
      yield* Effect.sleep(1)
      yield* startReader()
      assert.strictEqual((yield* Fiber.join(late)).kind, "fenced", "the group has rebalanced before it arrived")
      assert.deepStrictEqual(yield* committed, new Map([[0, 3n]]))
    })))

  it("a request that is late moves the offset back behind what was committed after it", () =>
    inKafka(Effect.gen(function*() {
      const { commit, kafka } = yield* member
      kafka.commitFate = fates(answerLost(1000, 60_000), requestLost(), prompt)
      assert.strictEqual((yield* Effect.flip(commit(at(100n)))).kind, "unavailable")
      assert.strictEqual((yield* Effect.flip(commit(at(150n)))).kind, "unavailable")
      yield* commit(at(200n))
      assert.deepStrictEqual(yield* committed, new Map([[0, 200n]]))
      yield* Effect.sleep("1 minute")
      assert.deepStrictEqual(yield* committed, new Map([[0, 100n]]))
    })))

  it("a commit that was still under way when its process was killed does not happen", () =>
    inKafka(Effect.gen(function*() {
      yield* withTopic(1)
      const kafka = yield* MemoryKafka
      kafka.commitFate = () => delayed(1000)
      const process = yield* startProcess(Effect.scoped(Effect.gen(function*() {
        const { membership } = yield* startReader()
        yield* Effect.sleep(100)
        yield* membership.commit(at(1n))
        yield* membership.commit(at(2n))
      })))
      yield* Effect.sleep(1500)
      yield* process.kill
      yield* Effect.sleep("1 minute")
      assert.deepStrictEqual(yield* committed, new Map([[0, 1n]]))
    })))
})
