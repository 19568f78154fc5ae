import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { deliveryOf, guaranteeOf, type Processed, stretchesOf } from "../../src/domain/delivery.js"

const effect = (id: number, offset: number, partition = 0): Processed => ({
  id,
  partition,
  offset: BigInt(offset),
  atMs: 0,
  by: "consumer"
})

describe("what became of the records", () => {
  it("each once, in order", () => {
    const delivery = deliveryOf([1, 2, 3], [effect(1, 0), effect(2, 0, 1), effect(3, 1)])
    assert.deepStrictEqual(delivery, { produced: 3, processed: 3, lost: [], repeated: [], outOfOrder: 0 })
    assert.strictEqual(guaranteeOf(delivery), "exactly once")
  })

  it("101 to 150 twice after a kill in the middle of 101 to 200", () => {
    const ids = Array.from({ length: 200 }, (_, index) => index + 1)
    const first = ids.slice(0, 150).map((id) => effect(id, id))
    const second = ids.slice(100).map((id) => effect(id, id))
    const delivery = deliveryOf(ids, [...first, ...second])
    assert.strictEqual(stretchesOf(delivery.repeated), "101–150")
    assert.isEmpty(delivery.lost)
    assert.strictEqual(delivery.outOfOrder, 0)
    assert.strictEqual(guaranteeOf(delivery), "at least once")
  })

  it("a late effect is out of order, also where another partition is ahead", () => {
    const delivery = deliveryOf([1, 2, 3], [effect(1, 5, 1), effect(3, 2), effect(2, 1)])
    assert.strictEqual(delivery.outOfOrder, 1)
    assert.strictEqual(guaranteeOf(delivery), "exactly once")
  })

  it("lost and repeated together are neither of the two", () => {
    assert.strictEqual(guaranteeOf(deliveryOf([1, 2], [effect(1, 0), effect(1, 0)])), "neither")
    assert.strictEqual(guaranteeOf(deliveryOf([1, 2], [effect(1, 0)])), "at most once")
  })

  it("whatever is dropped and doubled is told, by number", () => {
    fc.assert(fc.property(fc.array(fc.nat(3), { maxLength: 60 }), (times) => {
      const ids = times.map((_, index) => index)
      const delivery = deliveryOf(
        ids,
        times.flatMap((count, id) => Array.from({ length: count }, () => effect(id, id)))
      )
      assert.deepStrictEqual(delivery.lost, ids.filter((id) => times[id] === 0))
      assert.deepStrictEqual(delivery.repeated, ids.filter((id) => (times[id] ?? 0) > 1))
      assert.strictEqual(delivery.processed, times.reduce((sum, count) => sum + count, 0))
    }))
  })
})

describe("numbers as people write them", () => {
  it("in stretches, the rest counted", () => {
    assert.strictEqual(stretchesOf([]), "")
    assert.strictEqual(stretchesOf([7]), "7")
    assert.strictEqual(stretchesOf([1, 2, 3, 7, 9, 10]), "1–3, 7, 9–10")
    assert.strictEqual(stretchesOf([1, 3, 5, 7, 8], 2), "1, 3 and 3 more")
  })
})
