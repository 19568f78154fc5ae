import { assert, describe, it } from "vitest"
import { check, sizeOf } from "../../proof/checker/check.js"
import type {
  FindingKind,
  History,
  LetterRow,
  Observation,
  OffsetMove,
  SourceLog,
  TargetRow
} from "../../proof/checker/History.js"

// A checker that sees nothing would make every run of the proofs pass: for each kind of finding a history that has it,
// and one beside it that differs by that alone.
const place = { topic: "t", partition: 0 } as const

const record = (offset: bigint) => ({ offset, content: `r${offset}` })
const row = (offset: bigint, seq = Number(offset)): TargetRow => ({ ...place, ...record(offset), seq })
const letter = (offset: bigint): LetterRow => ({ ...place, offset })

/** Records 0, 1, 2, 4, 5; 3 was aborted, 6 is a marker. */
const log: SourceLog = { ...place, low: 0n, end: 7n, records: [0n, 1n, 2n, 4n, 5n].map(record), aborted: [3n] }
const rows = [row(0n), row(1n), row(4n), row(5n)]

const move = (seq: number, from: bigint | undefined, to: bigint, generation = 1n, more: Partial<OffsetMove> = {}) => ({
  ...place,
  seq,
  from,
  to,
  generation,
  owner: `owner${generation}`,
  ...more
})
const moves = [move(0, undefined, 0n), move(1, 0n, 2n), move(2, 2n, 2n, 2n), move(3, 2n, 7n, 2n)]

const history = (over: Partial<History> = {}): History => ({
  logs: [log],
  rows,
  letters: [letter(2n)],
  moves,
  stored: [{ ...place, offset: 7n }],
  observations: [],
  ...over
})

const kindsOf = (over: Partial<History>) => [...new Set(check(history(over)).map(({ kind }) => kind))].toSorted()
const finds = (over: Partial<History>, ...kinds: ReadonlyArray<FindingKind>) =>
  assert.deepStrictEqual(kindsOf(over), kinds.toSorted())
const passes = (over: Partial<History>) => assert.deepStrictEqual(check(history(over)), [])

const without = (offset: bigint) => rows.filter((one) => one.offset !== offset)
const by = (...writers: ReadonlyArray<string>) => moves.map((one, index) => ({ ...one, writer: writers[index] ?? "" }))
const stored = (offset: bigint) => [{ ...place, offset }]
const last = (over: Partial<OffsetMove>) => [...moves.slice(0, 3), { ...move(3, 2n, 7n, 2n), ...over }]

describe("the checker of rows and dead letters", () => {
  it("finds nothing where every record is a row or a letter once", () => {
    passes({})
    passes({ moves: [] })
    assert.deepStrictEqual(sizeOf(history()), {
      partitions: 1,
      records: 5,
      abortedRecords: 1,
      rows: 4,
      letters: 1,
      moves: 4,
      acquisitions: 2,
      observations: 0
    })
  })
  it("lost: a record below the stored offset has neither row nor letter; one at it may yet come", () => {
    finds({ rows: without(4n) }, "lost")
    finds({ letters: [] }, "lost")
    passes({ rows: [row(0n), row(1n)], letters: [], moves: moves.slice(0, 3), stored: stored(2n) })
  })
  it("says where and what, with the first few examples", () => {
    assert.deepStrictEqual(check(history({ rows: [row(1n)], letters: [] })), [
      { kind: "lost", what: "t-0: 0 (r0), 2 (r2), 4 (r4), … (4 in all)" }
    ])
  })
  it("lost: a tombstone that is passed over leaves nothing, and a row of one is none of a record", () => {
    const passedOver = {
      ...log,
      records: log.records.map((one) => one.offset === 4n ? { ...one, rowless: true as const } : one)
    }
    passes({ logs: [passedOver], rows: without(4n) })
    finds({ logs: [passedOver] }, "row of no record")
  })
  it("lost: what is before the beginning of the group was never promised, and must not be there", () => {
    const late = [move(0, undefined, 4n), move(1, 4n, 7n)]
    passes({ rows: [row(4n), row(5n)], letters: [], moves: late })
    finds({ letters: [], moves: late }, "row without its offset")
  })
  it("lost: what retention has taken cannot be missed, and its rows are there by right", () => {
    const trimmed = { ...log, low: 2n, records: log.records.filter(({ offset }) => offset >= 2n) }
    passes({ logs: [trimmed] })
    passes({ logs: [trimmed], rows: rows.slice(1) })
    finds({ logs: [trimmed], letters: [] }, "lost")
  })
  it("repeated: one record has two rows, or two letters", () => {
    finds({ rows: [...rows, row(5n, 6)] }, "repeated")
    finds({ letters: [letter(2n), letter(2n)] }, "repeated")
  })
  it("out of order: a row was inserted after one of a later offset", () => {
    finds({ rows: [row(0n, 1), row(1n, 0), row(4n), row(5n)] }, "out of order")
    passes({ rows: rows.toReversed() })
    passes({ rows: rows.map(({ content, offset }) => ({ ...place, content, offset })) })
  })
  it("out of order: the row of a replayed letter comes late by right", () => {
    const late = [...rows, row(2n, 9)]
    passes({ rows: late, letters: [{ ...letter(2n), replayed: true }] })
    finds({ rows: late }, "out of order", "row and dead letter of one record")
    finds({ letters: [{ ...letter(2n), replayed: true }] }, "lost")
  })
  it("wrong content: a row says what another record says", () =>
    finds({ rows: [...without(4n), { ...row(4n), content: "r5" }] }, "wrong content"))
  it("row of no record: of a marker, of an offset behind the end, of a partition that is not there", () => {
    finds({ rows: [...rows, row(6n)] }, "row of no record")
    finds({ rows: [...rows, row(9n)] }, "row of no record", "row without its offset")
    finds({ rows: [...rows, { ...row(0n), partition: 1 }] }, "row of no record", "row without its offset")
    finds({ letters: [letter(2n), letter(6n)] }, "row of no record")
  })
  it("effect of an aborted transaction: a row or a letter of a record that nobody may see", () => {
    finds({ rows: [...rows, row(3n)] }, "effect of an aborted transaction")
    finds({ letters: [letter(2n), letter(3n)] }, "effect of an aborted transaction")
  })
  it("row without its offset: it lies at or beyond the stored offset", () => {
    finds({ stored: stored(5n), moves: [] }, "row without its offset")
    finds({ stored: [], moves: [] }, "row without its offset", "dead letter without its offset")
  })
  it("row without its offset: no transaction wrote it together with the offset that covers it", () => {
    const effects = [[], [0n, 1n], [], [2n, 4n, 5n]]
    const told = moves.map((one, index) => ({ ...one, effects: effects[index] ?? [] }))
    passes({ moves: told })
    finds(
      { moves: told.map((one) => ({ ...one, effects: one.effects.filter((offset) => offset !== 4n) })) },
      "row without its offset"
    )
    finds(
      { moves: told.map((one, index) => ({ ...one, effects: [[], [0n], [], [1n, 2n, 4n, 5n]][index] ?? [] })) },
      "row without its offset"
    )
    finds(
      { moves: told.map((one) => ({ ...one, effects: one.effects.filter((offset) => offset !== 2n) })) },
      "dead letter without its offset"
    )
  })
  it("dead letter without its offset: it lies at or beyond the stored offset", () => {
    finds({ rows: rows.slice(0, 2), stored: stored(2n), moves: [] }, "dead letter without its offset")
    passes({ rows: rows.slice(0, 2), stored: stored(3n), moves: [] })
  })
  it("row and dead letter of one record", () =>
    finds({ letters: [letter(2n), letter(4n)] }, "row and dead letter of one record"))
  it("finds records of whose place nobody was told by what they say", () => {
    const untold = { logs: [{ ...log, records: [record(0n), record(1n), record(2n)] }] }
    const unplaced = ["r4", "r5"].map((content) => ({ topic: "t", content }))
    passes({ ...untold, unplaced })
    finds({ ...untold, unplaced, rows: without(5n) }, "lost")
    finds({ ...untold, unplaced, rows: [...rows, { ...row(6n), content: "r5" }] }, "row of no record")
    finds({ ...untold, unplaced: unplaced.slice(1) }, "row of no record")
  })
})

describe("the checker of offsets", () => {
  it("effect by a fenced owner: a move by the claim of before, after another was issued", () => {
    finds({ moves: last({ generation: 1n, owner: "owner1" }) }, "effect by a fenced owner")
    finds({ moves: last({ owner: "another" }) }, "effect by a fenced owner")
  })
  it("effect by a fenced owner: a move by a process that has not acquired", () => {
    passes({ moves: by("a", "a", "b", "b") })
    finds({ moves: by("a", "a", "b", "a") }, "effect by a fenced owner")
  })
  it("stored offset went back: in a move, between two, or at the end", () => {
    const back = [...moves, move(4, 7n, 5n, 2n)]
    finds({ moves: back, stored: stored(5n) }, "stored offset went back", "row without its offset")
    finds({ moves: last({ from: 1n }) }, "stored offset went back")
    finds({ stored: stored(6n) }, "stored offset went back")
    finds({ moves: [...moves, move(4, undefined, 5n, 3n), move(5, 5n, 7n, 3n)] }, "stored offset went back")
  })
  it("stored offset jumped: a move begins behind where it was, an acquisition moves, the end is nobody's", () => {
    finds({ moves: last({ from: 3n }) }, "stored offset jumped")
    finds(
      { moves: [moves[0] ?? move(0, undefined, 0n), move(1, 0n, 2n, 2n), move(2, 2n, 7n, 2n)] },
      "stored offset jumped"
    )
    finds({ moves: moves.slice(0, 3) }, "stored offset jumped")
  })
  it("stored offset beyond the log", () =>
    finds({ moves: [...moves, move(4, 7n, 8n, 2n)], stored: stored(8n) }, "stored offset beyond the log"))
  it("orders moves by their numbers", () => passes({ moves: moves.toReversed() }))
})

describe("a fail-over that loses transactions", () => {
  // At 7 by owner 2; then the row says 2 of owner 1 again, and what was above is gone.
  const lost = move(4, 7n, 2n, 1n, { reset: true })
  it("is no finding, nor is what was written again", () => {
    passes({ moves: [...moves, lost, move(5, 2n, 2n, 2n), move(6, 2n, 7n, 2n)] })
    passes({ moves: [...moves, lost, move(5, 2n, 7n, 1n)] })
    passes({ moves: [...moves, lost], rows: rows.slice(0, 2), letters: [], stored: stored(2n) })
    const rowGone = [...moves, move(4, 7n, 0n, 0n, { reset: true }), move(5, undefined, 0n), move(6, 0n, 7n)]
    passes({ moves: rowGone })
  })
  it("leaves all else to be found: lost, repeated, and the owner of before", () => {
    const again = [...moves, lost, move(5, 2n, 2n, 2n, { owner: "new" }), move(6, 2n, 7n, 2n, { owner: "new" })]
    passes({ moves: again })
    finds({ moves: again, rows: without(5n) }, "lost")
    finds({ moves: again, rows: [...rows, row(5n, 9)] }, "repeated")
    finds({ moves: [...again.slice(0, 6), move(6, 2n, 7n, 2n)] }, "effect by a fenced owner")
    finds({ moves: [...moves, lost], stored: stored(2n) }, "row without its offset", "dead letter without its offset")
  })
  it("a person who goes forward gives up what is skipped, until someone comes back for it", () => {
    const forward = [move(0, undefined, 0n), move(1, 0n, 2n), move(2, 2n, 5n, 2n, { reset: true }), move(3, 5n, 7n, 2n)]
    passes({ moves: forward, letters: [], rows: [row(0n), row(1n), row(5n)] })
    const back = [...forward, move(4, 7n, 2n, 3n, { reset: true }), move(5, 2n, 7n, 3n)]
    finds({ moves: back, letters: [], rows: [row(0n), row(1n), row(5n)] }, "lost")
    passes({ moves: back })
  })
})

describe("the checker of what was observed", () => {
  const cases: ReadonlyArray<readonly [FindingKind, Observation, Observation | undefined]> = [
    [
      "queue bound exceeded",
      { kind: "queue", process: "p", held: 11, bound: 10 },
      { kind: "queue", process: "p", held: 10, bound: 10 }
    ],
    [
      "drain deadline missed",
      { kind: "drain", process: "p", ms: 11, deadlineMs: 10 },
      { kind: "drain", process: "p", ms: 10, deadlineMs: 10 }
    ],
    [
      "leak",
      { kind: "leak", process: "p", what: "fiber", count: 1 },
      { kind: "leak", process: "p", what: "fiber", count: 0 }
    ],
    [
      "partition owned by nobody",
      { kind: "unowned", place, ms: 11, allowedMs: 10 },
      { kind: "unowned", place, ms: 10, allowedMs: 10 }
    ],
    [
      "lag never reached zero",
      { kind: "lag", place, lag: 1n, afterMs: 10 },
      { kind: "lag", place, lag: 0n, afterMs: 10 }
    ],
    ["crash", { kind: "crash", process: "p", what: "exit 1" }, undefined]
  ]
  for (const [kind, bad, good] of cases) {
    it(kind, () => {
      finds({ observations: [bad] }, kind)
      if (good !== undefined) passes({ observations: [good] })
    })
  }
})
