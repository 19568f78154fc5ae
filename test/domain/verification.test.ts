import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import {
  addDifferences,
  currentSources,
  judge,
  noDifferences,
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
  tables: 1,
  mode: "insert",
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
    const verdict = judge(facts(), noDifferences)
    assert.deepInclude(verdict, { result: "exact" as const, lag: 0n, rows: 10n, missing: 0n, repeated: 0n, beyond: 0n })
    assert.deepStrictEqual(verdict.notes, [])
  })

  it("behind when only lag is left", () => {
    const verdict = judge(facts({ stored: 4n, rows: rowsFrom([0n, 1n, 2n, 3n], 4n) }), noDifferences)
    assert.deepInclude(verdict, { result: "behind" as const, lag: 6n })
  })

  it("behind when the group has not come to it yet, and exact when there is nothing to come to", () => {
    assert.deepInclude(judge(facts({ stored: undefined, rows: undefined }), noDifferences), {
      result: "behind",
      lag: 10n
    })
    const empty = { partition: 0, low: 3n, lastStable: 3n, end: 3n }
    assert.strictEqual(judge(facts({ stored: undefined, rows: undefined, log: empty }), noDifferences).result, "exact")
  })

  it("exact at the last stable offset while a transaction is open behind it", () => {
    const log = { partition: 0, low: 0n, lastStable: 10n, end: 15n }
    const verdict = judge(facts({ log }), noDifferences)
    assert.deepInclude(verdict, { result: "exact" as const, lag: 0n })
    assert.match(verdict.notes.join(), /open from offset 10/)
  })

  it("never exact where the table cannot tell, however well the offsets agree", () => {
    const verdict = judge(facts({ rows: undefined }), noDifferences)
    assert.strictEqual(verdict.result, "offsets only")
    assert.match(verdict.notes.join(), /only offsets were compared/)
    assert.strictEqual(overall([judge(facts(), noDifferences), verdict]), "offsets only")
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
    ["rows have no stored offset", { stored: undefined }, /^10 rows, and no stored offset/],
    ["the offset is beyond the log", { log: { partition: 0, low: 0n, lastStable: 3n, end: 3n } }, /created anew/]
  ])("DIFFERENT when %s", (_, overrides, note) => {
    const verdict = judge(facts(overrides), noDifferences)
    assert.strictEqual(verdict.result, "DIFFERENT")
    assert.match(verdict.notes.join(), note)
  })

  it("DIFFERENT when a record is missing, and names the first of them", () => {
    const lost = Array.from({ length: 12 }, (_, index) => ({ offset: BigInt(index), kind: "record" as const }))
    const verdict = judge(facts(), addDifferences(noDifferences, lost, new Set()))
    assert.deepInclude(verdict, { result: "DIFFERENT" as const, missing: 12n })
    assert.match(verdict.notes.join(), /at offsets 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, …/)
    assert.strictEqual(
      overall([judge(facts({ stored: 4n, rows: rowsFrom([], 4n) }), noDifferences), verdict]),
      "DIFFERENT"
    )
  })

  it("DIFFERENT when a row is where no record may become one, and names the first of them", () => {
    const hidden = Array.from({ length: 12 }, (_, index) => ({ offset: BigInt(index), kind: "hidden" as const }))
    const verdict = judge(facts(), addDifferences(noDifferences, hidden, new Set([3n, 11n])))
    assert.deepInclude(verdict, { result: "DIFFERENT" as const, extra: 2n })
    assert.match(verdict.notes.join(), /aborted record, a marker or a tombstone: 3, 11$/)
  })
})

it.each<[string, ReadonlyArray<{ readonly id: number; readonly inUse: boolean }>, ReadonlyArray<number>]>([
  ["none is known", [], []],
  ["none is in use: the newest", [{ id: 3, inUse: false }, { id: 2, inUse: false }], [3]],
  ["one is in use", [{ id: 3, inUse: false }, { id: 2, inUse: true }, { id: 1, inUse: false }], [2]]
])("the sources of a group's rows when %s", (_, known, expected) => {
  assert.deepStrictEqual(currentSources(known), expected)
})

describe("the log is read back", () => {
  it("only where the rows do not lie side by side", () => {
    assert.isUndefined(stretchToCompare(facts()))
    assert.deepStrictEqual(stretchToCompare(facts({ rows: rowsFrom([0n, 1n, 9n], 10n) })), { from: 0n, to: 10n })
  })

  it("also where they do, as long as the marker of an aborted transaction may be still to come", () => {
    const log = { partition: 0, low: 0n, lastStable: 12n, end: 12n }
    assert.deepStrictEqual(stretchToCompare(facts({ log })), { from: 0n, to: 10n })
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

// Goal: nothing wrong escapes and nothing right is called wrong. Method: any log of records, tombstones, aborted
// transactions and offsets that compaction has emptied, any rows; compare with the definition.
describe("for any log and any rows", () => {
  // An aborted transaction ends with its marker, as in a log.
  const pieces = fc.array(fc.constantFrom("record", "tombstone", "nothing", "aborted"), { maxLength: 30 })
  const logs = pieces.map((kinds) => kinds.flatMap((kind) => kind === "aborted" ? ["hidden", "marker"] : [kind]))
  const present = fc.array(fc.boolean(), { minLength: 60, maxLength: 60 })

  it.prop("exactly the records without a row are missing, the rows of no record are extra", [logs, present], (
    [log, isRow]
  ) => {
    const stored = BigInt(log.length)
    const isHere = (kind: string, index: number) => kind !== "marker" && isRow[index] === true
    const rows = log.flatMap((kind, index) => isHere(kind, index) ? [BigInt(index)] : [])
    const stretch = stretchToCompare(facts({
      log: { partition: 0, low: 0n, lastStable: stored, end: stored },
      stored,
      rows: rowsFrom(rows, stored)
    }))
    const kinds = { record: "record", tombstone: "tombstone", hidden: "hidden", marker: "hidden" } as const
    const isKind = (kind: string): kind is keyof typeof kinds => kind in kinds
    const entries = log.flatMap((kind, index) => isKind(kind) ? [{ offset: BigInt(index), kind: kinds[kind] }] : [])
    const found = addDifferences(noDifferences, stretch === undefined ? [] : entries, new Set(rows))
    const count = (match: (kind: string, index: number) => boolean) => BigInt(log.filter(match).length)
    assert.strictEqual(found.missing.count, count((kind, index) => kind === "record" && !isHere(kind, index)))
    const extra = count((kind, index) => kind === "hidden" && isHere(kind, index))
    const tombstones = count((kind, index) => kind === "tombstone" && isHere(kind, index))
    assert.strictEqual(found.extra.count, stretch === undefined ? 0n : extra + tombstones)
    if (stretch === undefined) assert.strictEqual(extra, 0n)
  })
})
