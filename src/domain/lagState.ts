/**
 * Whether a consumer keeps up, by a sliding window of samples: Burrow's rules, on samples that are taken by the clock.
 * Burrow's window consists of the last commits. It therefore stands still when a consumer stops, and needs a rule on times
 * to notice; a window that moves with the clock simply fills with the same offset. docs/adr/0013 says what else differs.
 */

/** One look at one partition of one group. The end is read after the committed offset, so that it is never older. */
export interface LagSample {
  /** Milliseconds since the epoch. */
  readonly atMs: number
  /** Next offset that the group would read. */
  readonly committed: bigint
  /** End of what it can read. */
  readonly end: bigint
}

export type LagState = "OK" | "WARNING" | "ERROR"

export type LagReason =
  /** Records wait, the offset does not move, and no member has the partition. */
  | "stopped"
  /** Records wait, the offset does not move, and a member has the partition. */
  | "stalled"
  /** The offset went back and has not come to where it was. */
  | "rewound"
  /** The offset lies beyond the log: the topic was made anew, or its log was cut. */
  | "beyond the end"
  /** It commits, and each time more waits. */
  | "lag grows"

export interface Judgement {
  /** Undefined: the samples do not tell yet. */
  readonly state: LagState | undefined
  readonly reason?: LagReason
}

export interface WindowRules {
  /** Intervals between samples; a window is complete with one sample more. */
  readonly intervals: number
  /** A lag of so many records or less is none. */
  readonly allowedLag: bigint
  /** Whether a member of the group has the partition now. */
  readonly owned: boolean
}

/** Records still to read; never negative. */
export const lagOf = ({ committed, end }: Pick<LagSample, "committed" | "end">): bigint =>
  end > committed ? end - committed : 0n

const error = (reason: LagReason): Judgement => ({ state: "ERROR", reason })
const ok: Judgement = { state: "OK" }

/** The first rule that applies decides. `samples` are the newest `intervals + 1` at most, oldest first. */
export const judgeLag = (samples: ReadonlyArray<LagSample>, rules: WindowRules): Judgement => {
  const last = samples.at(-1)
  if (last === undefined) return { state: undefined }
  if (last.committed > last.end) return error("beyond the end")
  if (lagOf(last) <= rules.allowedLag) return ok
  if (samples.some(({ committed }) => committed > last.committed)) return error("rewound")
  if (samples.length <= rules.intervals) return { state: undefined }
  // Whoever had nothing to do within the window has not been idle for a whole one: a slow topic is no stopped consumer.
  if (samples.some((sample) => lagOf(sample) <= rules.allowedLag)) return ok
  if (samples.every(({ committed }) => committed === last.committed)) return error(rules.owned ? "stalled" : "stopped")
  return grows(commitsIn(samples)) ? { state: "WARNING", reason: "lag grows" } : ok
}

/** What a commit left unread. It was made between two samples, so that the lag at its own moment lies in a range. */
interface CommitLag {
  readonly least: bigint
  readonly most: bigint
}

/**
 * Only samples that saw a commit are compared: between two commits the lag of every consumer grows, and falls at the
 * next, whether it keeps up or not.
 */
const commitsIn = (samples: ReadonlyArray<LagSample>): ReadonlyArray<CommitLag> =>
  samples.flatMap((sample, index) => {
    const before = samples[index - 1]
    return before === undefined || sample.committed <= before.committed
      ? []
      : [{ least: lagOf({ committed: sample.committed, end: before.end }), most: lagOf(sample) }]
  })

/** So many commits rise in nine tenths of their pairs by chance once in 200 windows; ten do in 5,000. */
const commitsThatTell = 7

/**
 * Nine of ten pairs of commits rise (Kendall's rank correlation of lag and time is 0.8 or more), so that a dip hides no
 * growth. Where the commits are few, the growth from the first to the last must also exceed what was produced between a
 * commit and the sample that saw it.
 */
const grows = (commits: ReadonlyArray<CommitLag>): boolean => {
  const [first] = commits
  const last = commits.at(-1)
  if (first === undefined || last === undefined || commits.length < 2) return false
  const pairs = commits.length * (commits.length - 1) / 2
  const rising = commits.reduce(
    (sum, { most }, index) => sum + commits.slice(index + 1).filter((later) => later.most > most).length,
    0
  )
  return rising >= 0.9 * pairs && (commits.length >= commitsThatTell || last.least > first.most)
}

/** Records by which the lag grows in a second, over all samples; 0 where there is only one. */
export const lagTrend = (samples: ReadonlyArray<LagSample>): number => {
  const [first] = samples
  const last = samples.at(-1)
  return first === undefined || last === undefined || last.atMs <= first.atMs
    ? 0
    : Number(lagOf(last) - lagOf(first)) * 1000 / (last.atMs - first.atMs)
}

/** The worst of them; what is not known yet is worse than OK and better than a finding. */
export const worstState = (states: ReadonlyArray<LagState | undefined>): LagState | undefined =>
  states.includes("ERROR")
    ? "ERROR"
    : states.includes("WARNING")
    ? "WARNING"
    : states.includes(undefined)
    ? undefined
    : "OK"
