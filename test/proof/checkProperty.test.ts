import fc from "fast-check"
import { assert, describe, it } from "vitest"
import { check } from "../../proof/checker/check.js"
import type { FindingKind, History, LetterRow, OffsetMove, SourceLog, TargetRow } from "../../proof/checker/History.js"
import { executions } from "./executions.js"

// A correct execution has no finding; with any one thing changed in it, it has one of the kind that fits. The seeds are
// fixed: the same executions each time, elsewhere too.

interface Sides {
  readonly history: History
  readonly log: SourceLog
  readonly stored: bigint
  /** One of them, by chance; undefined: there is none, and the execution is of no use here. */
  readonly one: <A>(items: ReadonlyArray<A>) => A | undefined
}

/** The history with one thing changed; undefined: it has nothing of that kind. */
type Corruption = (sides: Sides) => Partial<History> | undefined

const replaced = <A>(items: ReadonlyArray<A>, old: A, ...next: ReadonlyArray<A>) =>
  items.flatMap((item) => item === old ? next : [item])

const rowsWith = (history: History, offset: bigint, content = `r${offset}`): Partial<History> => {
  const row: TargetRow = { topic: "t", partition: 0, offset, content, seq: history.rows.length * 2 }
  return { rows: [...history.rows, row] }
}
const lettersWith = (history: History, offset: bigint): Partial<History> => {
  const letter: LetterRow = { topic: "t", partition: 0, offset }
  return { letters: [...history.letters, letter] }
}

const within = (log: SourceLog) => <A extends { readonly offset: bigint }>(items: ReadonlyArray<A>) =>
  items.filter(({ offset }) => offset >= log.low)

const onRow = (change: (row: TargetRow, sides: Sides) => Partial<History> | undefined): Corruption => (sides) => {
  const row = sides.one(within(sides.log)(sides.history.rows))
  return row === undefined ? undefined : change(row, sides)
}

const isAdvance = ({ from, reset, to }: OffsetMove) => reset !== true && from !== undefined && to > from

/** Moves that advance and whose partition had an owner before, with no reset in between. */
const afterAnother = ({ moves }: History) =>
  moves.flatMap((move, index) => {
    const since = moves.slice(moves.findLastIndex(({ reset }) => reset === true) + 1, index)
    const old = since.find(({ generation }) => generation < move.generation)
    return isAdvance(move) && old !== undefined ? [{ move, old }] : []
  })

const beyond = ({ log, stored }: Sides) =>
  log.records.filter(({ offset, rowless }) => offset >= stored && rowless !== true)

/** Offsets that are no record's. */
const nobodys = ({ log, stored }: Sides) => {
  const taken = new Set([
    ...log.records.filter(({ rowless }) => rowless !== true).map(({ offset }) => offset),
    ...log.aborted
  ])
  return Array.from({ length: Number(stored - log.low) }, (_, index) => log.low + BigInt(index))
    .filter((offset) => !taken.has(offset))
}

const some = <A>(value: A | undefined, change: (value: A) => Partial<History>) =>
  value === undefined ? undefined : change(value)

const corruptions: ReadonlyArray<readonly [what: string, kind: FindingKind, corrupt: Corruption]> = [
  ["a row is dropped", "lost", onRow((row, { history }) => ({ rows: replaced(history.rows, row) }))],
  [
    "a letter is dropped",
    "lost",
    ({ history, log, one }) =>
      some(one(within(log)(history.letters)), (letter) => ({ letters: replaced(history.letters, letter) }))
  ],
  ["a row is repeated", "repeated", onRow((row, { history }) => rowsWith(history, row.offset))],
  [
    "a letter is repeated",
    "repeated",
    ({ history, one }) => some(one(history.letters), ({ offset }) => lettersWith(history, offset))
  ],
  [
    "two rows are inserted the other way round",
    "out of order",
    onRow((row, { history, one }) =>
      some(one(history.rows.filter(({ offset }) => offset !== row.offset)), (other) => ({
        rows: history.rows.map((each) => {
          const seq = each === row ? other.seq : each === other ? row.seq : each.seq
          return seq === undefined ? each : { ...each, seq }
        })
      }))
    )
  ],
  [
    "a row says something else",
    "wrong content",
    onRow((row, { history }) => ({ rows: replaced(history.rows, row, { ...row, content: "else" }) }))
  ],
  [
    "an aborted record has a row",
    "effect of an aborted transaction",
    ({ history, log, one }) => some(one(log.aborted), (offset) => rowsWith(history, offset))
  ],
  [
    "a marker or a tombstone has a row",
    "row of no record",
    (sides) => some(sides.one(nobodys(sides)), (offset) => rowsWith(sides.history, offset))
  ],
  [
    "a record beyond the stored offset has a row",
    "row without its offset",
    (sides) => some(sides.one(beyond(sides)), ({ offset }) => rowsWith(sides.history, offset))
  ],
  [
    "a record beyond the stored offset has a letter",
    "dead letter without its offset",
    (sides) => some(sides.one(beyond(sides)), ({ offset }) => lettersWith(sides.history, offset))
  ],
  [
    "no transaction has written a row",
    "row without its offset",
    onRow(({ offset }, { history }) => ({
      moves: history.moves.map((move) => ({ ...move, effects: (move.effects ?? []).filter((each) => each !== offset) }))
    }))
  ],
  [
    "a row has a letter, too",
    "row and dead letter of one record",
    onRow((row, { history }) => lettersWith(history, row.offset))
  ],
  [
    "the stored offset is moved back",
    "stored offset went back",
    ({ history, stored }) =>
      some(stored === 0n ? undefined : history.moves.at(-1), (last) => ({
        moves: [...history.moves, {
          ...last,
          seq: last.seq + 1,
          from: stored,
          to: stored - 1n,
          reset: false,
          effects: []
        }],
        stored: history.stored.map((each) => ({ ...each, offset: stored - 1n }))
      }))
  ],
  [
    "the stored offset is less than was committed",
    "stored offset went back",
    ({ history, stored }) =>
      stored === 0n ? undefined : { stored: history.stored.map((each) => ({ ...each, offset: stored - 1n })) }
  ],
  [
    "a move is missing",
    "stored offset jumped",
    ({ history, one }) => {
      const { moves } = history
      const followed = moves.filter((move, index) => isAdvance(move) && moves[index + 1]?.reset !== true)
      return some(one(followed), (move) => ({ moves: replaced(moves, move) }))
    }
  ],
  [
    "an owner of before moves",
    "effect by a fenced owner",
    ({ history, one }) =>
      some(one(afterAnother(history)), ({ move, old: { generation, owner } }) => ({
        moves: replaced(history.moves, move, { ...move, generation, owner })
      }))
  ],
  [
    "another process moves in the owner's name",
    "effect by a fenced owner",
    ({ history, one }) =>
      some(one(history.moves.filter(isAdvance)), (move) => ({
        moves: replaced(history.moves, move, { ...move, writer: "zombie" })
      }))
  ]
]

const sidesOf = (history: History, chance: number): Sides => {
  const [log] = history.logs
  const [stored] = history.stored
  if (log === undefined || stored === undefined) throw new Error("an execution without a log or an offset")
  return { history, log, stored: stored.offset, one: (items) => items[chance % Math.max(1, items.length)] }
}

const shown = (history: History) =>
  JSON.stringify(history, (_, value: unknown) => typeof value === "bigint" ? Number(value) : value)

describe("the checker and random executions", () => {
  it("finds nothing in correct ones", () => {
    fc.assert(
      fc.property(executions, (history) => assert.deepStrictEqual(check(history), [], shown(history))),
      { seed: 6, numRuns: 500 }
    )
  })
  for (const [what, kind, corrupt] of corruptions) {
    it(`finds it when ${what}`, () => {
      fc.assert(
        fc.property(executions, fc.nat(), (history, chance) => {
          const change = corrupt(sidesOf(history, chance))
          // Skipped are those that lack what is to be changed; when too many are, fast-check fails.
          fc.pre(change !== undefined)
          assert.include(check({ ...history, ...change }).map((finding) => finding.kind), kind, shown(history))
        }),
        { seed: 6, numRuns: 100 }
      )
    })
  }
})
