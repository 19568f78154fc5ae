import { assert, describe, it } from "vitest"
import { differences, type Observed, type Row } from "./support/checker.js"

// A checker that sees nothing would make every test of this folder pass.
const row = (offset: number, id = `r${offset}`, seq?: number): Row => ({
  id,
  partition: 0,
  offset: BigInt(offset),
  ...(seq === undefined ? {} : { seq: BigInt(seq) })
})

const observed = (over: Partial<Observed> = {}): Observed => ({
  topic: "t",
  sent: [0, 1, 2].map((offset) => ({ id: `r${offset}`, at: { partition: 0, offset: BigInt(offset) } })),
  rows: [row(0), row(1), row(2)],
  ranges: new Map([[0, { low: 0n, end: 3n }]]),
  stored: new Map([[0, 3n]]),
  dense: true,
  ...over
})

const sees = (over: Partial<Observed>, ...wanted: ReadonlyArray<RegExp>) => {
  const found = differences(observed(over))
  for (const pattern of wanted) assert.isTrue(found.some((text) => pattern.test(text)), `${pattern} in ${found.join()}`)
}

describe("the checker", () => {
  it("finds nothing where every record is a row once", () => {
    assert.deepStrictEqual(differences(observed()), [])
    assert.deepStrictEqual(differences(observed({ rows: [row(0, "r0", 4), row(1, "r1", 7), row(2, "r2", 8)] })), [])
    assert.deepStrictEqual(differences(observed({ sent: ["r0", "r1", "r2"].map((id) => ({ id })) })), [])
  })
  it("sees a lost record", () => sees({ rows: [row(0), row(2)] }, /1 lost records: r1 at 0@1/, /2 rows, its log 3/))
  it("sees a lost record whose place is not known", () =>
    sees({ sent: [{ id: "x" }], rows: [], dense: false }, /1 lost records: x/))
  it("sees a repeated record", () =>
    sees({ rows: [row(0), row(1), row(1, "r1"), row(2)] }, /repeated offsets: r1 at 0@1/, /repeated records/))
  it("sees a record under another offset", () =>
    sees({ rows: [row(0), row(1, "r0"), row(2)] }, /repeated records/, /r0 instead of r1 at 0@1/))
  it("sees rows of no record", () => sees({ rows: [row(0), row(1), row(2), row(3, "x")] }, /rows of no record: x/))
  it("sees rows at or beyond the stored offset", () =>
    sees({ stored: new Map([[0, 2n]]) }, /stored offset of partition 0 is 2, the log ends at 3/, /beyond .* 2: r2/))
  it("sees a partition without a stored offset", () => sees({ stored: new Map() }, /is undefined, the log ends at 3/))
  it("sees rows of a partition that is not there", () =>
    sees({ ranges: new Map(), dense: false }, /rows of partitions that are not there/))
  it("sees an order of insertion that is not the log's", () =>
    sees({ rows: [row(0, "r0", 5), row(1, "r1", 9), row(2, "r2", 6)] }, /1 rows inserted after a later one: r2/))
})
