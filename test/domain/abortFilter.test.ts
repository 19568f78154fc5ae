import { assert, it } from "@effect/vitest"
import { FastCheck as fc } from "effect"
import { type AbortedTransaction, makeAbortFilter, type TransactionalBatch } from "../../src/domain/abortFilter.js"

interface Entry extends TransactionalBatch {
  readonly aborts: boolean
  /** What a correct reader sees of it. */
  readonly visible: boolean
}

interface Log {
  readonly entries: ReadonlyArray<Entry>
  readonly aborted: ReadonlyArray<AbortedTransaction & { readonly markerOffset: bigint }>
}

/** A step of a producer: data of a transaction, data outside of one, or the end of its transaction. */
const step = fc.record({
  producer: fc.integer({ min: 1, max: 3 }),
  what: fc.constantFrom("data", "data", "plain", "commit", "abort"),
  records: fc.integer({ min: 1, max: 3 })
})

/** Plays the steps against a broker that works: what is data is known only when its transaction ends. */
const play = (steps: ReadonlyArray<typeof step extends fc.Arbitrary<infer A> ? A : never>): Log => {
  const entries: Array<Entry> = []
  const aborted: Array<Log["aborted"][number]> = []
  const open = new Map<number, { readonly first: bigint; readonly indexes: Array<number> }>()
  let offset = 0n
  for (const { producer, records, what } of steps) {
    const producerId = BigInt(producer)
    if (what === "plain") {
      offset += BigInt(records)
      // A producer that is only idempotent has an id as well, and may be the same as one of a transaction.
      entries.push({
        lastOffset: offset - 1n,
        producerId,
        transactional: false,
        control: false,
        aborts: false,
        visible: true
      })
    } else if (what === "data") {
      const transaction = open.get(producer) ?? { first: offset, indexes: [] }
      open.set(producer, transaction)
      transaction.indexes.push(entries.length)
      offset += BigInt(records)
      entries.push({
        lastOffset: offset - 1n,
        producerId,
        transactional: true,
        control: false,
        aborts: false,
        visible: true
      })
    } else {
      const transaction = open.get(producer)
      if (transaction === undefined) continue
      open.delete(producer)
      const aborts = what === "abort"
      if (aborts) {
        aborted.push({ producerId, firstOffset: transaction.first, markerOffset: offset })
        for (const index of transaction.indexes) {
          const entry = entries[index]
          if (entry !== undefined) entries[index] = { ...entry, visible: false }
        }
      }
      entries.push({ lastOffset: offset, producerId, transactional: true, control: true, aborts, visible: false })
      offset += 1n
    }
  }
  // The last stable offset: a broker gives nothing from the first open transaction on.
  const firsts = [...open.values()].map(({ first }) => first)
  const stable = entries.filter(({ lastOffset }) => firsts.every((first) => lastOffset < first))
  return { entries: stable, aborted }
}

it.prop(
  "from whatever offset a fetch begins, exactly the committed data is seen",
  [fc.array(step, { maxLength: 30 }), fc.nat(40), fc.boolean()],
  ([steps, start, reversed]) => {
    const { aborted, entries } = play(steps)
    const from = entries.slice(Math.min(start, entries.length))
    const first = from[0]
    const firstOffset = first === undefined ? 0n : first.lastOffset
    // The broker sends the transactions that end at or after the fetch offset, in the order of their markers.
    const relevant = aborted.filter(({ markerOffset }) => markerOffset >= firstOffset)
    const isData = makeAbortFilter(reversed ? relevant.toReversed() : relevant)
    assert.deepStrictEqual(
      from.map((entry) => isData(entry, () => entry.aborts)),
      from.map(({ visible }) => visible)
    )
  }
)

const data = (lastOffset: bigint, producerId: bigint): TransactionalBatch => ({
  lastOffset,
  producerId,
  transactional: true,
  control: false
})
const marker = (lastOffset: bigint, producerId: bigint): TransactionalBatch => ({
  ...data(lastOffset, producerId),
  control: true
})

it("two aborted transactions that interleave are both hidden, whatever the order of the list", () => {
  // 1 begins first and ends last, so that the broker lists it second.
  const isData = makeAbortFilter([{ producerId: 2n, firstOffset: 1n }, { producerId: 1n, firstOffset: 0n }])
  const seen = [data(0n, 1n), data(1n, 2n), marker(2n, 2n), data(3n, 1n), marker(4n, 1n), data(5n, 1n)]
  assert.deepStrictEqual(seen.map((batch) => isData(batch, () => true)), [false, false, false, false, false, true])
})

it("a fetch that begins inside two aborted transactions hides both", () => {
  const isData = makeAbortFilter([{ producerId: 1n, firstOffset: 3n }, { producerId: 2n, firstOffset: 4n }])
  assert.deepStrictEqual([data(9n, 1n), data(10n, 2n)].map((batch) => isData(batch, () => true)), [false, false])
})
