/** How many of a partition's last records were dead letters; of an acquisition, because each begins to count anew. */
export interface RecentRecords {
  readonly seen: number
  /** Which of them were letters, as counted by `seen`; only those of the window. */
  readonly letters: ReadonlyArray<number>
}

export const noRecords: RecentRecords = { seen: 0, letters: [] }

/** Records that the rate is about: enough that a burst of a few bad ones among good ones stops nothing. */
export const windowRecords = 1000
/** Fewer records say nothing: the first of a topic may happen to be the only bad one. */
export const judgedFromRecords = 100

/**
 * How many of the next `count` records may be written: all, or those before the first letter with which letters would be
 * more than `rateMax` of the last records. A schema or a table that is wrong must stop a partition instead of emptying
 * its topic into the table of letters.
 * @param letters which of the next records are letters, ascending from 0
 */
export const admit = (
  recent: RecentRecords,
  count: number,
  letters: ReadonlyArray<number>,
  rateMax: number
): { readonly admitted: number; readonly recent: RecentRecords } => {
  const known = [...recent.letters]
  let first = 0
  for (const index of letters) {
    const seen = recent.seen + index + 1
    known.push(seen)
    while ((known[first] ?? seen) <= seen - windowRecords) first += 1
    if (seen >= judgedFromRecords && known.length - first > rateMax * Math.min(seen, windowRecords)) {
      return { admitted: index, recent }
    }
  }
  const seen = recent.seen + count
  return { admitted: count, recent: { seen, letters: known.filter((at) => at > seen - windowRecords) } }
}
