import { assert, describe, it } from "vitest"
import { differences, type Observed, type Row } from "./support/checker.js"

// What the checker finds is tested in test/proof/check.test.ts; here, that it is told all that these tests have observed.
// A checker that sees nothing would make every test of this folder pass.
const row = (offset: number, id = `r${offset}`, seq?: number): Row => ({
  id,
  partition: 0,
  offset: BigInt(offset),
  ...(seq === undefined ? {} : { seq })
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
  it("sees a lost record", () => sees({ rows: [row(0), row(2)] }, /^lost: t-0: 1 \(r1\)/, /2 rows, its log 3/))
  it("sees a lost record whose place is not known", () =>
    sees({ sent: [{ id: "x" }], rows: [], dense: false }, /^lost: .*x of t/))
  it("sees a lost record of which no producer was told", () =>
    sees({ sent: [{ id: "r0" }, { id: "r1" }], rows: [row(0), row(1)] }, /2 rows, its log 3/))
  it("sees a repeated record", () => sees({ rows: [row(0), row(1), row(1, "r1"), row(2)] }, /^repeated: t-0, rows: 1/))
  it("sees a record under another offset", () =>
    sees({ rows: [row(0), row(1, "r0"), row(2)] }, /^wrong content: t-0: 1: r0, not r1/))
  it("sees a repeated record whose place is not known", () =>
    sees({ sent: ["r0", "r1"].map((id) => ({ id })), rows: [row(0), row(1), row(2, "r1")] }, /^row of no record: .*2/))
  it("sees rows of no record", () => sees({ rows: [row(0), row(1), row(2), row(3, "x")] }, /^row of no record: .*3/))
  it("sees rows of no record that retention has taken", () =>
    sees({ sent: [], rows: [row(0)], ranges: new Map([[0, { low: 3n, end: 3n }]]) }, /^row of no record: .*0/))
  it("sees rows at or beyond the stored offset", () =>
    sees({ stored: new Map([[0, 2n]]) }, /^lag never reached zero: t-0: 1/, /^row without its offset: t-0: 2/))
  it("sees a stored offset beyond the log", () => sees({ stored: new Map([[0, 4n]]) }, /^stored offset beyond the log/))
  it("sees a partition without a stored offset", () => sees({ stored: new Map() }, /^lag never reached zero: t-0: 3/))
  it("sees rows of a partition that is not there", () =>
    sees({ ranges: new Map(), dense: false }, /^row of no record: t-0, which is not there/))
  it("sees an order of insertion that is not the log's", () =>
    sees({ rows: [row(0, "r0", 5), row(1, "r1", 9), row(2, "r2", 6)] }, /^out of order: t-0: /))
})
