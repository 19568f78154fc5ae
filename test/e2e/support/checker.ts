import { check } from "../../../proof/checker/check.js"
import type { History, SourceLog, SourceRecord } from "../../../proof/checker/History.js"

/** A record that the log holds and that must be a row. */
export interface Sent {
  readonly id: string
  /** Where it lies, if the producer was told. */
  readonly at?: { readonly partition: number; readonly offset: bigint }
}

/** A row as the table shows it. `seq` tells the order of insertion, where the table has such a column. */
export interface Row {
  readonly id: string
  readonly partition: number
  readonly offset: bigint
  readonly seq?: number
}

export interface Range {
  readonly low: bigint
  readonly end: bigint
}

/** One topic: what was sent, what the table holds, and where both sides end. */
export interface Observed {
  readonly topic: string
  readonly sent: ReadonlyArray<Sent>
  readonly rows: ReadonlyArray<Row>
  readonly ranges: ReadonlyMap<number, Range>
  readonly stored: ReadonlyMap<number, bigint>
  /** Every offset of the log is a record that must be a row: no transactions, no tombstones, no compaction. */
  readonly dense: boolean
}

const recordsOf = (sent: ReadonlyArray<Sent>, partition: number): ReadonlyArray<SourceRecord> =>
  sent.flatMap(({ at, id }) => at?.partition === partition ? [{ offset: at.offset, content: id }] : [])

/** What was sent is remembered, so that also rows are compared whose records retention has taken since: `low` is 0. */
const historyOf = ({ ranges, rows, sent, stored, topic }: Observed): History => ({
  logs: Array.from(ranges, ([partition, { end }]): SourceLog => ({
    topic,
    partition,
    low: 0n,
    end,
    records: recordsOf(sent, partition),
    aborted: []
  })),
  unplaced: sent.flatMap(({ at, id }) => at === undefined ? [{ topic, content: id }] : []),
  rows: rows.map(({ id, ...row }) => ({ ...row, topic, content: id })),
  letters: [],
  moves: [],
  stored: Array.from(stored, ([partition, offset]) => ({ topic, partition, offset })),
  observations: Array.from(ranges, ([partition, { end, low }]) => ({
    kind: "lag" as const,
    place: { topic, partition },
    lag: end - (stored.get(partition) ?? low),
    afterMs: 0
  }))
})

/** Records that no producer was told of are missed by number alone. */
const miscounted = ({ dense, ranges, rows, topic }: Observed): ReadonlyArray<string> =>
  Array.from(ranges).flatMap(([partition, { end, low }]) => {
    const count = rows.filter((row) => row.partition === partition).length
    return !dense || BigInt(count) === end - low
      ? []
      : [`${topic}-${partition} has ${count} rows, its log ${end - low} records`]
  })

/** All that contradicts "every record is a row once", by the checker of the proofs. */
export const differences = (observed: Observed): ReadonlyArray<string> => [
  ...check(historyOf(observed)).map(({ kind, what }) => `${kind}: ${what}`),
  ...miscounted(observed)
]
