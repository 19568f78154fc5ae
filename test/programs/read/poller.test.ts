import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Layer, Mailbox } from "effect"
import { Admin } from "../../../src/layers/Admin.js"
import { Consumer, GroupEvent, type JoinOptions, type KafkaRefused } from "../../../src/layers/Consumer.js"
import { simulate } from "../../../src/layers/memory/virtualTime.js"
import type { MemberEvent } from "../../../src/programs/read/memberEvent.js"
import { makePoller } from "../../../src/programs/read/poller.js"

// A membership in the hands of the test, which pushes what it likes whenever it likes.
const makeDoor = Effect.gen(function*() {
  const events = yield* Mailbox.make<GroupEvent, KafkaRefused>()
  const resumed: Array<number> = []
  const committed: Array<bigint> = []
  const joined = yield* Deferred.make<JoinOptions>()
  const consumer = Consumer.of({
    join: (options) =>
      Effect.as(Deferred.succeed(joined, options), {
        events,
        seek: () => Effect.void,
        pause: () => Effect.void,
        resume: (partition) => Effect.sync(() => void resumed.push(partition)),
        confirmed: Effect.void,
        commit: (offsets) => Effect.sync(() => void committed.push(...offsets.map(({ offset }) => offset)))
      })
  })
  const said: Array<MemberEvent> = []
  const poller = yield* makePoller({
    topic: "t",
    group: "g",
    isolation: "read_committed",
    reset: "earliest",
    bufferRecordsMax: 100,
    begin: (partitions) => Effect.succeed(new Map(partitions.map((partition) => [partition, 0n]))),
    report: (event) => Effect.sync(() => void said.push(event)),
    measures: { fetched: () => {}, polled: () => {} }
  }).pipe(Effect.provide(Layer.merge(Layer.succeed(Consumer, consumer), Layer.mock(Admin, {}))))
  const membership = yield* Deferred.await(joined)
  const push = (generation: number, partition: number, fetchedOffset: bigint, nextOffset: bigint) =>
    membership.onBatch({
      topic: "t",
      partition,
      generation,
      fetchedOffset,
      nextOffset,
      bytes: 0,
      records: [{ offset: fetchedOffset, timestampMs: 0, key: null, value: null, headers: [] }]
    })
  /** A poll: everything that happened is seen. */
  const poll = Effect.gen(function*() {
    yield* poller.ready(0)
    yield* poller.turn(Effect.void)
    return (yield* poller.take(10)).map(({ offset, partition }) => `${partition}@${offset}`)
  })
  const tell = (event: GroupEvent) => Effect.zipRight(events.offer(event), Effect.sleep(1))
  return { committed, membership, poll, poller, push, resumed, said, tell }
})

const assigned = (generation: number, ...partitions: ReadonlyArray<number>) =>
  GroupEvent.Assigned({ generation, partitions })

describe("the poller", () => {
  it("drops what was fetched in an older generation", () =>
    simulate(Effect.gen(function*() {
      const { poll, push, tell } = yield* makeDoor
      yield* tell(assigned(1, 0))
      yield* poll
      yield* tell(assigned(2, 0))
      yield* poll
      assert.strictEqual(push(1, 0, 0n, 1n), "pause")
      assert.deepStrictEqual(yield* poll, [])
      assert.strictEqual(push(2, 0, 0n, 1n), "fetch")
      assert.deepStrictEqual(yield* poll, ["0@0"])
    })))

  it("hands over nothing of partitions that are not held any more when it is asked", () =>
    simulate(Effect.gen(function*() {
      const { poll, poller, push, said, tell } = yield* makeDoor
      yield* tell(assigned(1, 0, 1))
      yield* poll
      push(1, 0, 0n, 1n)
      push(1, 1, 0n, 1n)
      yield* tell(GroupEvent.Lost({ generation: 1, reason: "evicted", kind: "lost" }))
      assert.deepStrictEqual(yield* poller.take(10), [], "before the poll that notices it, too")
      assert.deepStrictEqual(yield* poll, [])
      assert.deepStrictEqual(poller.positions(), [])
      assert.deepStrictEqual(said.map(({ _tag }) => _tag), ["Assigned", "Lost"])
    })))

  it("refuses a commit for a generation that is over, though the partition is held again", () =>
    simulate(Effect.gen(function*() {
      const { committed, poll, poller, tell } = yield* makeDoor
      yield* tell(assigned(1, 0))
      yield* poll
      yield* poller.commit([{ partition: 0, offset: 1n }])
      yield* tell(assigned(2, 0))
      const refused = yield* Effect.flip(poller.commit([{ partition: 0, offset: 2n }]))
      assert.strictEqual(refused.kind, "fenced")
      assert.deepStrictEqual(committed, [1n])
    })))

  it("gives partitions back in a poll, and the membership waits for it", () =>
    simulate(Effect.gen(function*() {
      const { membership, poll, said, tell } = yield* makeDoor
      yield* tell(assigned(1, 0))
      yield* poll
      const revoking = yield* Effect.fork(membership.onRevoked?.([0]) ?? Effect.void)
      yield* Effect.sleep(1)
      assert.isNull(revoking.unsafePoll())
      yield* poll
      yield* Fiber.join(revoking)
      assert.deepStrictEqual(said.map(({ _tag }) => _tag), ["Assigned", "Revoked"])
    })))

  it("sees a second revocation that comes while the first, given up by the membership, is in work", () =>
    simulate(Effect.gen(function*() {
      const { membership, poll, poller, tell } = yield* makeDoor
      yield* tell(assigned(1, 0))
      yield* poll
      const revoked = () => membership.onRevoked?.([0]) ?? Effect.void
      const first = yield* Effect.fork(revoked())
      yield* Effect.sleep(1)
      const turn = yield* Effect.fork(poller.turn(Effect.sleep(1000)))
      yield* Effect.sleep(1)
      yield* Fiber.interrupt(first)
      const second = yield* Effect.fork(revoked())
      yield* Fiber.join(turn)
      yield* Fiber.join(second)
      assert.deepStrictEqual(poller.positions(), [])
    })))

  it("lets nobody wait for a poll that does not come", () =>
    simulate(Effect.gen(function*() {
      const { membership, poll, poller, tell } = yield* makeDoor
      yield* tell(assigned(1, 0))
      yield* poll
      const revoking = yield* Effect.fork(membership.onRevoked?.([0]) ?? Effect.void)
      yield* Effect.sleep(1)
      yield* poller.close
      yield* Fiber.join(revoking)
      yield* membership.onRevoked?.([0]) ?? Effect.void
      assert.deepStrictEqual(poller.positions(), [{ partition: 0, offset: 0n }])
    })))

  it("begins with another partition each time, so that a full one does not starve the others", () =>
    simulate(Effect.gen(function*() {
      const { poll, poller, push, tell } = yield* makeDoor
      yield* tell(assigned(1, 0, 1))
      yield* poll
      for (let offset = 0n; offset < 3n; offset++) {
        push(1, 0, offset, offset + 1n)
        push(1, 1, offset, offset + 1n)
      }
      const first = yield* poller.take(1)
      const second = yield* poller.take(1)
      assert.deepStrictEqual([...first, ...second].map(({ partition }) => partition), [1, 0])
    })))
})
