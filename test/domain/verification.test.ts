import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import {
  addMissing,
  gapHull,
  judge,
  noneMissing,
  overall,
  type PartitionFacts,
  type RowSummary,
  stretchToCompare
} from "../../src/domain/verification.js"

const facts = (overrides: Partial<PartitionFacts> = {}): PartitionFacts => ({
  topic: "t",
  log: { partition: 0, low: 0n, lastStable: 10n, end: 10n },
  stored: 10n,
  rows: rowsFrom([0n, 1n, 2n, 3n, 4n, 5n, 6n, 7n, 8n, 9n], 10n),
  fromEarliest: true,
  ...overrides
})

const rowsFrom = (offsets: ReadonlyArray<bigint>, stored: bigint): RowSummary => {
  const sorted = offsets.toSorted((a, b) => a < b ? -1 : 1)
  return {
    count: BigInt(offsets.length),
    distinctOffsets: BigInt(new Set(offsets).size),
    firstOffset: sorted[0] ?? null,
    lastOffset: sorted.at(-1) ?? null,
    beyondStored: BigInt(offsets.filter((offset) => offset >= stored).length)
  }
}

describe("a partition is", () => {
  it("exact when every record before the end is a row, once", () => {
    const verdict = judge(facts(), noneMissing)
    assert.deepInclude(verdict, { result: "exact" as const, lag: 0n, rows: 10n, missing: 0n, repeated: 0n, beyond: 0n })
    assert.deepStrictEqual(verdict.notes, [])
  })

  it("behind when only lag is left", () => {
    const verdict = judge(facts({ stored: 4n, rows: rowsFrom([0n, 1n, 2n, 3n], 4n) }), noneMissing)
    assert.deepInclude(verdict, { result: "behind" as const, lag: 6n })
  })

  it("behind when the group has not come to it yet, and exact when there is nothing to come to", () => {
    assert.deepInclude(judge(facts({ stored: undefined, rows: undefined }), noneMissing), {
      result: "behind",
      lag: 10n
    })
    const empty = { partition: 0, low: 3n, lastStable: 3n, end: 3n }
    assert.strictEqual(judge(facts({ stored: undefined, rows: undefined, log: empty }), noneMissing).result, "exact")
  })

  it("exact at the last stable offset while a transaction is open behind it", () => {
    const log = { partition: 0, low: 0n, lastStable: 10n, end: 15n }
    const verdict = judge(facts({ log }), noneMissing)
    assert.deepInclude(verdict, { result: "exact" as const, lag: 0n })
    assert.match(verdict.notes.join(), /open from offset 10/)
  })

  it("never exact where the table cannot tell, however well the offsets agree", () => {
    const verdict = judge(facts({ rows: undefined }), noneMissing)
    assert.strictEqual(verdict.result, "offsets only")
    assert.match(verdict.notes.join(), /only offsets were compared/)
    assert.strictEqual(overall([judge(facts(), noneMissing), verdict]), "offsets only")
  })

  it.each<[string, Partial<PartitionFacts>, RegExp]>([
    ["a row repeats", { rows: rowsFrom([0n, 0n, 1n, 2n, 3n, 4n, 5n, 6n, 7n, 8n, 9n], 10n) }, /1 rows repeat/],
    [
      "a row lies beyond",
      { stored: 9n, rows: rowsFrom([0n, 1n, 2n, 3n, 4n, 5n, 6n, 7n, 8n, 9n], 9n) },
      /1 rows lie at or beyond/
    ],
    [
      "records left the log unread",
      { log: { partition: 0, low: 12n, lastStable: 20n, end: 20n } },
      /10 to 11 have left/
    ],
    ["the offset is beyond the log", { log: { partition: 0, low: 0n, lastStable: 3n, end: 3n } }, /created anew/]
  ])("DIFFERENT when %s", (_, overrides, note) => {
    const verdict = judge(facts(overrides), noneMissing)
    assert.strictEqual(verdict.result, "DIFFERENT")
    assert.match(verdict.notes.join(), note)
  })

  it("DIFFERENT when a record is missing, and names the first of them", () => {
    const lost = Array.from({ length: 12 }, (_, index) => ({ offset: BigInt(index), tombstone: false }))
    const verdict = judge(facts(), addMissing(noneMissing, lost, new Set()))
    assert.deepInclude(verdict, { result: "DIFFERENT" as const, missing: 12n })
    assert.match(verdict.notes.join(), /at offsets 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, …/)
    assert.strictEqual(
      overall([judge(facts({ stored: 4n, rows: rowsFrom([], 4n) }), noneMissing), verdict]),
      "DIFFERENT"
    )
  })
})

describe("the log is read back", () => {
  it("only where the rows do not lie side by side", () => {
    assert.isUndefined(stretchToCompare(facts()))
    assert.deepStrictEqual(stretchToCompare(facts({ rows: rowsFrom([0n, 1n, 9n], 10n) })), { from: 0n, to: 10n })
  })

  it("not below what retention has left, nor where rows older than that lie side by side", () => {
    const log = { partition: 0, low: 5n, lastStable: 10n, end: 10n }
    assert.isUndefined(stretchToCompare(facts({ log })))
    assert.deepStrictEqual(stretchToCompare(facts({ log, rows: rowsFrom([0n, 1n, 6n], 10n) })), { from: 5n, to: 10n })
  })

  it("from the first row on, for a group that did not begin at the start", () => {
    const rows = rowsFrom([4n, 5n, 6n, 7n, 8n, 9n], 10n)
    assert.isUndefined(stretchToCompare(facts({ rows, fromEarliest: false })))
    assert.deepStrictEqual(stretchToCompare(facts({ rows })), { from: 0n, to: 10n })
  })
})

// Goal: nothing lost escapes and nothing else is called lost. Method: any log of records, tombstones and offsets that
// hold no record, any rows; compare with the definition.
describe("for any log and any rows", () => {
  const kinds = fc.array(fc.constantFrom("record", "tombstone", "nothing"), { maxLength: 40 })
  const present = fc.array(fc.boolean(), { minLength: 40, maxLength: 40 })

  it.prop("exactly the records without a row are missing", [kinds, present], ([log, isRow]) => {
    const stored = BigInt(log.length)
    const rows = log.flatMap((kind, index) => kind === "record" && isRow[index] === true ? [BigInt(index)] : [])
    const stretch = stretchToCompare(facts({
      log: { partition: 0, low: 0n, lastStable: stored, end: stored },
      stored,
      rows: rowsFrom(rows, stored)
    }))
    const hull = stretch === undefined ? undefined : gapHull(stretch, rows)
    const entries = log.flatMap((kind, index) => {
      const offset = BigInt(index)
      const read = hull !== undefined && offset >= hull.from && offset < hull.to
      return read && kind !== "nothing" ? [{ offset, tombstone: kind === "tombstone" }] : []
    })
    const lost = log.filter((kind, index) => kind === "record" && isRow[index] === false).length
    assert.strictEqual(addMissing(noneMissing, entries, new Set(rows)).count, BigInt(lost))
  })

  it.prop("the hull of the gaps holds every offset without a row and ends at one", [present], ([isRow]) => {
    const within = { from: 100n, to: 140n }
    const rows = isRow.flatMap((row, index) => row ? [100n + BigInt(index)] : [])
    const gaps = isRow.flatMap((row, index) => row ? [] : [100n + BigInt(index)])
    const last = gaps.at(-1)
    assert.deepStrictEqual(gapHull(within, rows), last === undefined ? undefined : { from: gaps[0], to: last + 1n })
  })
})
