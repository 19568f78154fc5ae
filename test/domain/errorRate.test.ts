import { assert, describe, it } from "@effect/vitest"
import { FastCheck as fc } from "effect"
import { admit, judgedFromRecords, noRecords, windowRecords } from "../../src/domain/errorRate.js"

const indexesOf = (outcomes: ReadonlyArray<boolean>) => outcomes.flatMap((letter, index) => letter ? [index] : [])

/** What the rate says, written as it is said: letters among the last records, judged from so many on. */
const modelled = (outcomes: ReadonlyArray<boolean>, rateMax: number): number => {
  const excess = outcomes.findIndex((letter, index) => {
    const window = outcomes.slice(Math.max(0, index + 1 - windowRecords), index + 1)
    return letter && index + 1 >= judgedFromRecords && window.filter(Boolean).length > rateMax * window.length
  })
  return excess === -1 ? outcomes.length : excess
}

/** Batches of these sizes, one after the other, up to the first that is not admitted as a whole. */
const admittedOf = (outcomes: ReadonlyArray<boolean>, sizes: ReadonlyArray<number>, rateMax: number): number => {
  let recent = noRecords
  let at = 0
  for (let batch = 0; at < outcomes.length; batch++) {
    const part = outcomes.slice(at, at + (sizes[batch % sizes.length] ?? 1))
    const result = admit(recent, part.length, indexesOf(part), rateMax)
    if (result.admitted < part.length) return at + result.admitted
    recent = result.recent
    at += part.length
  }
  return outcomes.length
}

describe("the share of dead letters among the last records", () => {
  it("stops at the first letter beyond it, however the records are cut into batches", () => {
    const outcomes = fc.array(fc.boolean(), { minLength: 1, maxLength: 2500, size: "max" })
    const sizes = fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1, maxLength: 5 })
    fc.assert(
      fc.property(outcomes, sizes, fc.double({ min: 0, max: 1, noNaN: true }), (all, cuts, rateMax) => {
        assert.strictEqual(admittedOf(all, cuts, rateMax), modelled(all, rateMax))
      }),
      { numRuns: 60 }
    )
  })

  it("says nothing of the first records, and nothing at all where every record may be a letter", () => {
    const letters = Array.from({ length: 99 }, (_, index) => index)
    assert.strictEqual(admit(noRecords, 99, letters, 0).admitted, 99)
    assert.strictEqual(admit(noRecords, 5000, Array.from({ length: 5000 }, (_, index) => index), 1).admitted, 5000)
  })
})
