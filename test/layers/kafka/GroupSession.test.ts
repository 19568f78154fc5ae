import { assert, describe, it } from "@effect/vitest"
import type { FetchedBatch } from "../../../src/domain/KafkaRecord.js"
import { GroupEvent } from "../../../src/layers/Consumer.js"
import { type FetchPlan, GroupSession } from "../../../src/layers/kafka/GroupSession.js"

const make = (answer: (batch: FetchedBatch) => "fetch" | "pause" = () => "fetch") => {
  const events: Array<GroupEvent> = []
  const batches: Array<FetchedBatch> = []
  const defects: Array<unknown> = []
  const session = new GroupSession({
    topic: "t",
    onBatch: (batch) => {
      batches.push(batch)
      return answer(batch)
    }
  }, { event: (event) => events.push(event), die: (defect) => defects.push(defect) })
  return { session, events, batches, defects }
}
const fetched = (fetchedOffset: bigint, nextOffset: bigint) => ({ fetchedOffset, nextOffset, records: [], bytes: 0 })
const planOf = (session: GroupSession, partition = 0): FetchPlan => {
  const plan = session.plan([partition])
  assert.isDefined(plan)
  return plan
}
/** Partition 0 is held and fetched from 10. */
const reading = (answer?: (batch: FetchedBatch) => "fetch" | "pause") => {
  const all = make(answer)
  all.session.joined([1, 0])
  all.session.seek(0, 10n)
  all.session.resume(0)
  return all
}

describe("a partition is fetched", () => {
  it("only when it is held, sought and resumed, in any order of the two", () => {
    const { session } = make()
    session.seek(0, 1n)
    session.resume(0)
    assert.isUndefined(session.plan([0]))
    session.joined([0, 1])
    assert.isUndefined(session.plan([0, 1]))
    session.seek(0, 5n)
    session.resume(1)
    assert.isUndefined(session.plan([0, 1]))
    session.resume(0)
    assert.deepStrictEqual(session.plan([0, 1])?.offsets, new Map([[0, 5n]]))
    session.pause(0)
    assert.isUndefined(session.plan([0, 1]))
  })

  it("from where the batch before ended", () => {
    const { batches, session } = reading()
    session.deliver(planOf(session), 0, fetched(10n, 15n))
    session.deliver(planOf(session), 0, fetched(15n, 16n))
    assert.deepStrictEqual(batches.map((batch) => [batch.fetchedOffset, batch.nextOffset]), [[10n, 15n], [15n, 16n]])
    assert.strictEqual(session.position(0), 16n)
  })
})

describe("a fetch is dropped", () => {
  const cases: ReadonlyArray<readonly [name: string, meanwhile: (session: GroupSession) => void]> = [
    ["that was sought away from meanwhile", (session) => session.seek(0, 3n)],
    ["of a partition that was paused meanwhile", (session) => session.pause(0)],
    ["of a generation that was lost", (session) => session.lost("x")],
    ["of an older generation, though its partition is sought to the same offset in the new one", (session) => {
      session.joined([0])
      session.seek(0, 10n)
      session.resume(0)
    }],
    ["after the end", (session) => session.close()]
  ]
  it.each(cases)("%s", (_, meanwhile) => {
    const { batches, session } = reading()
    const plan = planOf(session)
    meanwhile(session)
    session.deliver(plan, 0, fetched(10n, 15n))
    assert.isEmpty(batches)
  })

  it("that came a second time, from a former leader", () => {
    const { batches, session } = reading()
    const plan = planOf(session)
    session.deliver(plan, 0, fetched(10n, 15n))
    session.deliver(plan, 0, fetched(10n, 12n))
    assert.lengthOf(batches, 1)
  })
})

it("\"pause\" holds until it is resumed, and goes on where it stopped", () => {
  const { session } = reading(() => "pause")
  session.deliver(planOf(session), 0, fetched(10n, 15n))
  assert.isUndefined(session.plan([0]))
  let woken = 0
  session.onResume(() => woken++)
  session.resume(0)
  assert.strictEqual(woken, 1)
  assert.deepStrictEqual(session.plan([0])?.offsets, new Map([[0, 15n]]))
})

it("a join says first that the old generation is lost, then what is held now, ascending", () => {
  const { events, session } = reading()
  session.joined([2, 0])
  assert.deepStrictEqual(events, [
    GroupEvent.Assigned({ generation: 1, partitions: [0, 1] }),
    GroupEvent.Lost({ generation: 1, reason: "the group has rebalanced", kind: "lost" }),
    GroupEvent.Assigned({ generation: 2, partitions: [0, 2] })
  ])
})

it("a generation is lost once", () => {
  const { events, session } = reading()
  session.lost("a heartbeat was refused")
  session.lost("joining again")
  assert.lengthOf(events, 2)
})

it("a position that the log does not hold becomes an empty batch that starts elsewhere, and a pause", () => {
  const { batches, session } = reading()
  const plan = planOf(session)
  session.deliverGap(plan, 0, 50n)
  assert.deepStrictEqual(batches.map((batch) => [batch.fetchedOffset, batch.nextOffset, batch.records.length]), [[
    50n,
    50n,
    0
  ]])
  assert.isUndefined(session.plan([0]))
  session.resume(0)
  assert.strictEqual(session.plan([0])?.offsets.get(0), 10n)
  session.seek(0, 60n)
  session.deliverGap(plan, 0, 50n)
  assert.lengthOf(batches, 1)
})

it("an exception in onBatch ends the delivery and is reported, not thrown into the client", () => {
  const bug = new Error("bug")
  const { defects, session } = reading(() => {
    throw bug
  })
  session.deliver(planOf(session), 0, fetched(10n, 15n))
  assert.deepStrictEqual(defects, [bug])
  assert.isUndefined(session.plan([0]))
})

describe("a membership is confirmed", () => {
  it("by a heartbeat that was sent after the question, not by one before", () => {
    const { session } = reading()
    let confirmed = 0
    const before = session.heartbeat()
    session.onConfirmed(() => confirmed++)
    before.accepted()
    assert.strictEqual(confirmed, 0)
    session.heartbeat().accepted()
    assert.strictEqual(confirmed, 1)
    session.heartbeat().accepted()
    assert.strictEqual(confirmed, 1)
  })

  it("never in a generation that is over, nor by a heartbeat of one", () => {
    const { events, session } = reading()
    let confirmed = 0
    session.onConfirmed(() => confirmed++)
    const old = session.heartbeat()
    session.joined([0])
    session.heartbeat().accepted()
    assert.strictEqual(confirmed, 0)
    session.onConfirmed(() => confirmed++)
    old.accepted()
    assert.isFalse(old.isCurrent())
    assert.strictEqual(confirmed, 0)
    assert.deepStrictEqual(events.at(-1), GroupEvent.Assigned({ generation: 2, partitions: [0] }))
  })
})

const heartbeats = (session: GroupSession, count: number) => {
  for (let nth = 0; nth < count; nth++) session.heartbeat().accepted()
}

describe("a member whose generation has ended must join again", () => {
  it("when its coordinator goes on to accept it, and kafkajs does not join by itself", () => {
    const { session } = reading()
    heartbeats(session, 5)
    assert.isFalse(session.mustJoin())
    const before = session.heartbeat()
    session.revoke("not the coordinator")
    before.accepted()
    heartbeats(session, 1)
    assert.isFalse(session.mustJoin())
    heartbeats(session, 1)
    assert.isTrue(session.mustJoin())
    session.joining()
    assert.isFalse(session.mustJoin())
  })

  it("also where it had none, and not when it has joined", () => {
    const { session } = make()
    session.joined([])
    session.lost("evicted")
    heartbeats(session, 2)
    assert.isTrue(session.mustJoin())
    session.joined([])
    heartbeats(session, 5)
    assert.isFalse(session.mustJoin())
  })
})

describe("what a member commits counts", () => {
  it("while it holds the partition, and after a revocation until it joins again", () => {
    const { events, session } = reading()
    assert.isTrue(session.mayCommit(0))
    assert.isFalse(session.mayCommit(2))
    assert.deepStrictEqual(session.revoke("a rebalance"), [0, 1])
    assert.deepStrictEqual(events.at(-1), GroupEvent.Lost({ generation: 1, reason: "a rebalance", kind: "revoked" }))
    assert.isUndefined(session.plan([0]))
    assert.isTrue(session.mayCommit(0))
    session.joining()
    assert.isFalse(session.mayCommit(0))
  })

  it("not after the membership is lost, though a rebalance had begun before", () => {
    const { session } = reading()
    session.revoke("a rebalance")
    session.lost("evicted")
    assert.isFalse(session.mayCommit(0))
  })
})
