/** Whether the members share all partitions evenly: what contradicts it. */
export const unevenly = (
  held: ReadonlyArray<ReadonlyArray<string>>,
  places: ReadonlyArray<string>
): ReadonlyArray<string> => {
  const counts = held.map((own) => own.length)
  const all = held.flat()
  const told = `${held.length} processes hold ${counts.join(", ")} of ${places.length} partitions`
  return [
    ...(all.length === new Set(all).size ? [] : [`${told}: one is held twice`]),
    ...(places.every((place) => all.includes(place)) ? [] : [`${told}: one is held by nobody`]),
    ...(Math.max(...counts) - Math.min(...counts) <= 1 ? [] : [`${told}: not evenly`])
  ]
}

/** A look at a backlog that is worked off. */
export interface Look {
  readonly atMs: number
  readonly records: number
  /** By now every process has its partitions. */
  readonly isShared: boolean
}

/** Less than this share of the backlog says little about a rate. */
const leastShare = 0.3

/**
 * Records per second while all processes work a backlog off: from when they all have their partitions, at the earliest at
 * its first tenth, until its last, where the load is no full one any more. Undefined: too little was left when they had.
 */
export const ratePerSecond = (looks: ReadonlyArray<Look>, total: number): number | undefined => {
  const begin = looks.find(({ isShared, records }) => isShared && records >= total * 0.1)
  const end = looks.find(({ records }) => records >= total * 0.9)
  return begin === undefined || end === undefined || end.records - begin.records < total * leastShare
    ? undefined
    : (end.records - begin.records) / (end.atMs - begin.atMs) * 1000
}
