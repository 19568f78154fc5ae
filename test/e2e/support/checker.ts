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
  readonly seq?: bigint
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

const examples = 3

/** Counts what of `items` is wrong, with the first few of them. */
const all = <A>(items: ReadonlyArray<A>, what: string, name: (item: A) => string): ReadonlyArray<string> =>
  items.length === 0
    ? []
    : [
      `${items.length} ${what}: ${items.slice(0, examples).map(name).join(", ")}${items.length > examples ? ", …" : ""}`
    ]

const repeatsOf = <A>(items: ReadonlyArray<A>, key: (item: A) => string): ReadonlyArray<A> => {
  const seen = new Set<string>()
  return items.filter((item) => {
    const before = seen.size
    return seen.add(key(item)).size === before
  })
}

const place = ({ offset, partition }: { readonly partition: number; readonly offset: bigint }) =>
  `${partition}@${offset}`
const named = (row: Row) => `${row.id} at ${place(row)}`

const partitionDifferences = (
  partition: number,
  { low, end }: Range,
  stored: bigint | undefined,
  rows: ReadonlyArray<Row>,
  dense: boolean
): ReadonlyArray<string> => {
  const wanted = stored ?? low
  const inOrder = rows.toSorted((a, b) => (a.offset < b.offset ? -1 : 1))
  const outOfOrder = inOrder.filter((row, index) => {
    const before = inOrder[index - 1]?.seq
    return row.seq !== undefined && before !== undefined && row.seq <= before
  })
  return [
    ...(wanted === end ? [] : [`stored offset of partition ${partition} is ${stored}, the log ends at ${end}`]),
    ...all(rows.filter(({ offset }) => offset >= wanted), `rows at or beyond stored offset ${wanted}`, named),
    ...(dense && BigInt(rows.length) !== end - low
      ? [`partition ${partition} has ${rows.length} rows, its log ${end - low} records`]
      : []),
    ...all(outOfOrder, "rows inserted after a later one", named)
  ]
}

/**
 * All that contradicts "every record is a row once". Model: a record that was acknowledged at a place is the row of that
 * place; one whose place is not known is some row; there are no other rows. By place and by content, since a pipeline
 * that wrote the right number of rows may have written the wrong ones.
 */
export const differences = ({ dense, ranges, rows, sent, stored, topic }: Observed): ReadonlyArray<string> => {
  const byPlace = new Map(rows.map((row) => [place(row), row]))
  const ids = new Set(rows.map(({ id }) => id))
  const known = new Map(sent.flatMap(({ at, id }) => (at === undefined ? [] : [[place(at), id] as const])))
  const unplaced = new Set(sent.flatMap(({ at, id }) => (at === undefined ? [id] : [])))
  const found = [
    ...all(repeatsOf(rows, place), "repeated offsets", named),
    ...all(repeatsOf(rows, ({ id }) => id), "repeated records", named),
    ...all([...known].filter(([at]) => !byPlace.has(at)), "lost records", ([at, id]) => `${id} at ${at}`),
    ...all([...unplaced].filter((id) => !ids.has(id)), "lost records", (id) => id),
    ...all(
      [...known].filter(([at, id]) => byPlace.get(at)?.id !== id && byPlace.has(at)),
      "rows with the content of another record",
      ([at, id]) => `${byPlace.get(at)?.id} instead of ${id} at ${at}`
    ),
    ...all(rows.filter((row) => !known.has(place(row)) && !unplaced.has(row.id)), "rows of no record", named),
    ...all(rows.filter(({ partition }) => !ranges.has(partition)), "rows of partitions that are not there", named),
    ...[...ranges].flatMap(([partition, range]) =>
      partitionDifferences(
        partition,
        range,
        stored.get(partition),
        rows.filter((row) => row.partition === partition),
        dense
      )
    )
  ]
  return found.map((text) => `${topic}: ${text}`)
}
