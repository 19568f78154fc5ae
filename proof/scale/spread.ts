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

/**
 * Records per second while a backlog is worked off, between its first tenth and its last: what comes before is the
 * group's joining, what comes after is no full load any more.
 */
export const ratePerSecond = (
  progress: ReadonlyArray<readonly [atMs: number, records: number]>,
  total: number
): number => {
  const begin = progress.find(([, records]) => records >= total * 0.1)
  const end = progress.find(([, records]) => records >= total * 0.9)
  if (begin === undefined || end === undefined || end[0] <= begin[0]) return 0
  return ((end[1] - begin[1]) / (end[0] - begin[0])) * 1000
}
