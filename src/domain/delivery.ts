/** A record of an experiment, told apart by a number that its producer gave it. */
export interface Processed {
  readonly id: number
  readonly partition: number
  readonly offset: bigint
  readonly atMs: number
  /** The process, or the member of the group, that did it. */
  readonly by: string
}

/** What became of the records that a producer was acknowledged. */
export interface Delivery {
  readonly produced: number
  /** Effects, repeated ones included. */
  readonly processed: number
  /** Numbers of the records without an effect, ascending. */
  readonly lost: ReadonlyArray<number>
  /** Numbers of the records with more than one effect, ascending. */
  readonly repeated: ReadonlyArray<number>
  /** Effects that came after one of a later record of the same partition; a repetition is not counted as one. */
  readonly outOfOrder: number
}

/** Compares effects, in the order in which they happened, with the records that were produced. */
export const deliveryOf = (produced: ReadonlyArray<number>, processed: ReadonlyArray<Processed>): Delivery => {
  const effects = new Map<number, number>()
  const furthest = new Map<number, bigint>()
  let outOfOrder = 0
  for (const { id, offset, partition } of processed) {
    const before = effects.get(id) ?? 0
    effects.set(id, before + 1)
    const last = furthest.get(partition)
    if (last !== undefined && offset < last && before === 0) outOfOrder++
    if (last === undefined || offset > last) furthest.set(partition, offset)
  }
  const ascending = Array.from(new Set(produced)).toSorted((a, b) => a - b)
  return {
    produced: ascending.length,
    processed: processed.length,
    lost: ascending.filter((id) => !effects.has(id)),
    repeated: ascending.filter((id) => (effects.get(id) ?? 0) > 1),
    outOfOrder
  }
}

/** What a strategy has turned out to be. A loss weighs more than any number of repetitions. */
export type Guarantee = "exactly once" | "at least once" | "at most once" | "neither"

export const guaranteeOf = ({ lost, repeated }: Pick<Delivery, "lost" | "repeated">): Guarantee => {
  if (lost.length > 0) return repeated.length > 0 ? "neither" : "at most once"
  return repeated.length > 0 ? "at least once" : "exactly once"
}

/** Numbers as people write them: 1–3, 7, 9–12; at most `most` stretches, the rest counted. */
export const stretchesOf = (ids: ReadonlyArray<number>, most = 6): string => {
  const stretches: Array<{ from: number; to: number }> = []
  for (const id of ids) {
    const last = stretches.at(-1)
    if (last !== undefined && id === last.to + 1) last.to = id
    else stretches.push({ from: id, to: id })
  }
  const shown = stretches.slice(0, most)
  const told = shown.reduce((sum, { from, to }) => sum + to - from + 1, 0)
  const text = shown.map(({ from, to }) => from === to ? `${from}` : `${from}–${to}`).join(", ")
  return told === ids.length ? text : `${text} and ${ids.length - told} more`
}
