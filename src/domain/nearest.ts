/**
 * Fewest single-character insertions, deletions, replacements and swaps of neighbours that turn `a` into `b` (optimal
 * string alignment). Swaps count once, because they are the commonest slip of a hand on a keyboard.
 */
export const editDistance = (a: string, b: string): number => {
  let beforeLast: ReadonlyArray<number> = []
  let last: ReadonlyArray<number> = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const replace = (last[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      const swap = swapped ? (beforeLast[j - 2] ?? 0) + 1 : Infinity
      row.push(Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, replace, swap))
    }
    beforeLast = last
    last = row
  }
  return last[b.length] ?? 0
}

/**
 * What a person probably meant by `word`: the closest candidate, without case, if no more than `limit` of its length
 * differs. Beyond a third a suggestion is noise, and a wrong one is worse than none.
 */
export const nearest = (word: string, candidates: Iterable<string>, limit = 1 / 3): string | undefined => {
  const wanted = word.toLowerCase()
  let best: string | undefined
  let bestDistance = Infinity
  for (const candidate of candidates) {
    const other = candidate.toLowerCase()
    const farthest = Math.max(1, Math.floor(Math.max(word.length, candidate.length) * limit))
    // It takes at least so many changes. Of a file that is none of properties, a "key" may be a megabyte long.
    if (Math.abs(wanted.length - other.length) > farthest) continue
    const distance = editDistance(wanted, other)
    if (distance <= farthest && distance < bestDistance) [best, bestDistance] = [candidate, distance]
  }
  return best
}
