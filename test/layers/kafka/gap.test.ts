import { assert, it } from "@effect/vitest"
import type { FetchedBatch } from "../../../src/domain/KafkaRecord.js"
import { GroupSession } from "../../../src/layers/kafka/GroupSession.js"

const reading = () => {
  const batches: Array<FetchedBatch> = []
  const session = new GroupSession({
    topic: "t",
    onBatch: (batch) => {
      batches.push(batch)
      return "fetch"
    }
  }, {
    event: () => {},
    die: (defect) => {
      throw defect
    }
  })
  session.joined([0])
  session.seek(0, 5n)
  session.resume(0)
  return { batches, session }
}

it("a gap is not told where the partition was sought meanwhile", () => {
  const { batches, session } = reading()
  const plan = session.plan([0])
  if (plan === undefined) return assert.fail("nothing is planned")
  session.seek(0, 70n)
  session.deliverGap(plan, 0, 50n)
  assert.deepStrictEqual(batches, [])
  assert.strictEqual(session.position(0), 70n)
  assert.isDefined(session.plan([0]), "it goes on being fetched")
})

it("a gap is told where it was not", () => {
  const { batches, session } = reading()
  const plan = session.plan([0])
  if (plan === undefined) return assert.fail("nothing is planned")
  session.deliverGap(plan, 0, 50n)
  assert.deepStrictEqual(batches.map(({ fetchedOffset, nextOffset }) => [fetchedOffset, nextOffset]), [[50n, 50n]])
  assert.isUndefined(session.plan([0]), "paused until it is sought and resumed")
})
