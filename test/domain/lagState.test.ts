import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { judgeLag, type Judgement, lagOf, type LagSample, lagTrend, worstState } from "../../src/domain/lagState.js"

const rules = { intervals: 10, allowedLag: 0n, owned: true }
const sample = (committed: number, end: number, atMs = 0): LagSample => ({
  atMs,
  committed: BigInt(committed),
  end: BigInt(end)
})
const judged = (samples: ReadonlyArray<readonly [committed: number, end: number]>, over: Partial<typeof rules> = {}) =>
  judgeLag(samples.map(([committed, end], index) => sample(committed, end, index * 1000)), {
    ...rules,
    intervals: samples.length - 1,
    ...over
  })

/**
 * A table of Burrow's own tests: commits, each with the lag that it left, and what is known now. `ends`: of the log, the
 * newest last, where the table tells them.
 */
interface Table {
  readonly name: string
  readonly commits: ReadonlyArray<readonly [offset: number, atS: number, lag: number]>
  readonly nowS: number
  readonly lag: number
  readonly ends?: ReadonlyArray<number>
  readonly burrow: string
  readonly expected: Judgement
}

/** What sampling once an interval would have seen: as many intervals as Burrow keeps commits. */
const sampled = ({ commits, ends = [], lag, nowS }: Table, intervalS: number): ReadonlyArray<LagSample> => {
  const [last] = commits.slice(-1)
  const now = (last?.[0] ?? 0) + lag
  return Array.from({ length: commits.length + 1 }, (_, index) => {
    const fromNow = commits.length - index
    const atS = nowS - fromNow * intervalS
    const seen = commits.findLast(([, committedS]) => committedS <= atS) ?? [0, 0, 0]
    const isLast = seen === last
    const end = isLast ? ends.at(-1 - fromNow) ?? ends[0] ?? now : seen[0] + seen[2]
    return sample(seen[0], atS === nowS && ends.length === 0 ? now : Math.max(end, seen[0]), atS * 1000)
  })
}

const every100s = (offsets: ReadonlyArray<number>, lags: ReadonlyArray<number>): Table["commits"] =>
  offsets.map((offset, index) => [offset, (index + 1) * 100, lags[index] ?? 0])
const moving = [1000, 2000, 3000, 4000, 5000]
const standing = [1000, 1000, 1000, 1000, 1000]
const everySecond = Array.from({ length: 15 }, (_, index) => [792_748_079 + index, 1_512_224_618 + index, 0] as const)
const error = (reason: NonNullable<Judgement["reason"]>): Judgement => ({ state: "ERROR", reason })
const ok: Judgement = { state: "OK" }

const tables: ReadonlyArray<Table> = [
  {
    name: "0: no lag somewhere",
    commits: every100s(moving, [0, 50, 100, 150, 200]),
    nowS: 600,
    lag: 200,
    burrow: "OK",
    expected: ok
  },
  {
    name: "1: the last commit just long enough ago",
    commits: every100s(moving, [0, 50, 100, 150, 200]),
    nowS: 900,
    lag: 200,
    burrow: "OK",
    expected: ok
  },
  {
    name: "2: the last commit too long ago, no lag before (Burrow #290)",
    commits: every100s(moving, [0, 50, 100, 150, 200]),
    nowS: 1000,
    lag: 200,
    burrow: "STOP",
    expected: error("stalled")
  },
  {
    name: "3: the last commit too long ago, lag all the time",
    commits: every100s(moving, [50, 100, 150, 200, 250]),
    nowS: 1000,
    lag: 250,
    burrow: "STOP",
    expected: error("stalled")
  },
  {
    name: "4: the same offset, no lag at first",
    commits: every100s(standing, [0, 50, 100, 150, 200]),
    nowS: 600,
    lag: 200,
    burrow: "OK",
    expected: ok
  },
  {
    name: "5: the same offset, the lag grows",
    commits: every100s(standing, [100, 150, 200, 250, 300]),
    nowS: 600,
    lag: 300,
    burrow: "STALL",
    expected: error("stalled")
  },
  {
    name: "6: the same offset, the same lag",
    commits: every100s(standing, [100, 100, 100, 100, 100]),
    nowS: 600,
    lag: 100,
    burrow: "STALL",
    expected: error("stalled")
  },
  {
    name: "7: back, and beyond where it was (an older Burrow calls any step back an error)",
    commits: every100s([1000, 2000, 3000, 2000, 4000], [100, 150, 200, 1250, 300]),
    nowS: 600,
    lag: 300,
    burrow: "REWIND",
    expected: ok
  },
  {
    name: "8: no lag now",
    commits: every100s(moving, [50, 100, 150, 200, 250]),
    nowS: 1000,
    lag: 0,
    burrow: "OK",
    expected: ok
  },
  {
    name: "9: no lag at any commit, and much since the last (Burrow #290)",
    commits: everySecond,
    nowS: 1_512_224_650,
    lag: 931,
    ends: [792_748_500, 792_748_600, 792_748_800, 792_749_000, 792_749_024],
    burrow: "STOP",
    expected: error("stalled")
  },
  {
    name: "10: one record, just now (Burrow #303)",
    commits: everySecond,
    nowS: 1_512_224_650,
    lag: 1,
    ends: [792_748_093, 792_748_093, 792_748_093, 792_748_094],
    burrow: "OK",
    expected: ok
  },
  {
    name: "11: as 0, with commits between the samples",
    commits: [...every100s(moving, [0, 50, 100, 150, 200]), [5500, 550, 200]],
    nowS: 600,
    lag: 200,
    burrow: "OK",
    expected: ok
  }
]

describe("Burrow's own tables, sampled", () => {
  it.each(tables)("$name: Burrow says $burrow", (table) => {
    const intervalS = table.nowS > 1_000_000 ? 1 : 100
    const samples = sampled(table, intervalS)
    const judgement = judgeLag(samples, { intervals: table.commits.length, allowedLag: 0n, owned: true })
    assert.deepStrictEqual(judgement, table.expected)
  })
})

describe("the rules, in their order", () => {
  it("1: without a complete window nothing is said of a lag", () => {
    assert.deepStrictEqual(judgeLag([], rules), { state: undefined })
    assert.deepStrictEqual(judged([[5, 9], [5, 9]], { intervals: 2 }), { state: undefined })
  })
  it("2: no more than the allowed lag is OK at once, also by one sample, whatever was before", () => {
    assert.deepStrictEqual(judged([[9, 9]], { intervals: 10 }), ok)
    assert.deepStrictEqual(judged([[5, 9], [3, 8]], { intervals: 10, allowedLag: 5n }), ok)
  })
  it("3 and 6: no commit in a whole window while records wait: stalled in a member's hands, else stopped", () => {
    assert.deepStrictEqual(judged([[5, 6], [5, 7], [5, 7]]), error("stalled"))
    assert.deepStrictEqual(judged([[5, 6], [5, 7], [5, 7]], { owned: false }), error("stopped"))
    assert.deepStrictEqual(judged([[4, 6], [5, 7], [5, 7]], { owned: false }), ok)
  })
  it("4: back and not where it was before is rewound, before anything else is known", () => {
    assert.deepStrictEqual(judged([[5, 9], [3, 9]], { intervals: 10 }), error("rewound"))
    assert.deepStrictEqual(judged([[5, 9], [3, 9], [4, 9]]), error("rewound"))
    assert.deepStrictEqual(judged([[5, 9], [3, 9], [5, 9]]), ok)
  })
  it("5: the allowed lag or less at any sample is OK", () => {
    assert.deepStrictEqual(judged([[5, 5], [5, 7], [5, 7]]), ok)
    assert.deepStrictEqual(judged([[5, 7], [5, 8], [5, 9]], { allowedLag: 2n }), ok)
  })
  it("7: it commits and the lag grows", () => {
    assert.deepStrictEqual(judged([[0, 10], [5, 20], [10, 40], [15, 80]]), { state: "WARNING", reason: "lag grows" })
  })
  it("8: it commits and the lag stays or falls", () => {
    assert.deepStrictEqual(judged([[0, 10], [10, 20], [20, 30], [30, 40]]), ok)
    assert.deepStrictEqual(judged([[0, 40], [20, 50], [40, 60], [60, 70]]), ok)
  })
  it("an offset beyond the log is an error at once", () => {
    assert.deepStrictEqual(judged([[7, 2]], { intervals: 10 }), error("beyond the end"))
  })
  it("a group is as its worst partition; what is not known yet is no finding", () => {
    assert.strictEqual(worstState(["OK", "WARNING", undefined, "ERROR"]), "ERROR")
    assert.strictEqual(worstState(["OK", "WARNING", undefined]), "WARNING")
    assert.isUndefined(worstState(["OK", undefined]))
    assert.strictEqual(worstState([]), "OK")
  })
})

/** Samples of a log and a consumer; both say per step what they add. */
const history = (steps: ReadonlyArray<{ readonly produced: number; readonly committed?: number }>, ahead = 0) => {
  let [committed, end] = [0, ahead]
  return [
    sample(committed, end),
    ...steps.map((step, index) => {
      end += step.produced
      committed = step.committed === undefined ? committed : Math.min(end, committed + step.committed)
      return sample(committed, end, (index + 1) * 1000)
    })
  ]
}
const last = (samples: ReadonlyArray<LagSample>, over: Partial<typeof rules> = {}) => {
  const all = { ...rules, ...over }
  return judgeLag(samples.slice(-(all.intervals + 1)), all)
}

describe("Burrow's known faults", () => {
  it("a topic of few records is never called stopped (#38), however long it was silent", () => {
    const produced = fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 11, maxLength: 40 })
    fc.assert(fc.property(produced, fc.integer({ min: 1, max: 9 }), (counts, delay) => {
      const ends = counts.reduce<ReadonlyArray<number>>((sums, count) => [...sums, (sums.at(-1) ?? 0) + count], [0])
      // Committed `delay` samples after it was written.
      const samples = ends.map((end, index) => sample(ends[index - delay] ?? 0, end, index * 1000))
      for (let to = 11; to <= samples.length; to++) {
        assert.notStrictEqual(last(samples.slice(0, to)).state, "ERROR")
      }
    }))
  })

  it("a lag that grows is WARNING though it falls once, to what it was three commits before (#453, #738)", () => {
    for (const dip of Array.from({ length: 10 }, (_, index) => index + 1)) {
      const samples = Array.from({ length: 11 }, (_, index) => {
        const lag = 200 + 20 * (index === dip ? index - 3.5 : index)
        return sample(1000 + 100 * index - lag, 1000 + 100 * index, index * 1000)
      })
      assert.isTrue(
        samples.some((one, index) => index > 0 && lagOf(one) < lagOf(samples[index - 1] ?? one)),
        "it falls"
      )
      assert.deepStrictEqual(last(samples), { state: "WARNING", reason: "lag grows" }, `dip at ${dip}`)
    }
  })

  it("a consumer that has stopped is an ERROR one window later, whatever was before (#745), and its lag goes on (#58)", () => {
    const step = fc.record({ produced: fc.integer({ min: 0, max: 50 }), committed: fc.integer({ min: 0, max: 50 }) })
    fc.assert(fc.property(fc.array(step), fc.integer({ min: 1, max: 50 }), (before, produced) => {
      const dead = Array.from({ length: 11 }, () => ({ produced }))
      const samples = history([...before, ...dead], 1)
      assert.deepStrictEqual(last(samples), error("stalled"))
      assert.strictEqual(
        lagOf(samples.at(-1) ?? sample(0, 0)) - lagOf(samples.at(-2) ?? sample(0, 0)),
        BigInt(produced)
      )
    }))
  })
})

describe("a consumer that keeps up", () => {
  it("is never WARNING for when its commits are seen, while it stays as far behind as it was", () => {
    const step = fc.record({
      produced: fc.integer({ min: 1, max: 1000 }),
      part: fc.double({ min: 0, max: 1, noNaN: true })
    })
    fc.assert(fc.property(
      fc.array(step, { minLength: 10, maxLength: 10 }),
      fc.integer({ min: 2, max: 10 }),
      fc.integer({ min: 1, max: 500 }),
      (steps, commitEvery, behind) => {
        let [committed, end] = [1000 - behind, 1000]
        const samples = [
          sample(committed, end),
          ...steps.map(({ part, produced }, index) => {
            // The commit comes after a part of what is produced between two samples.
            if ((index + 1) % commitEvery === 0) {
              committed = Math.max(committed, end + Math.floor(part * produced) - behind)
            }
            end += produced
            return sample(committed, end, (index + 1) * 1000)
          })
        ]
        assert.notStrictEqual(last(samples).state, "WARNING")
      }
    ))
  })

  it("is OK though its lag rises between its commits, as Java's that commits every five seconds", () => {
    const steps = Array.from(
      { length: 30 },
      (_, index) => ({ produced: 100, ...(index % 5 === 0 ? { committed: 500 } : {}) })
    )
    const samples = history(steps, 60)
    for (let to = 11; to <= samples.length; to++) assert.deepStrictEqual(last(samples.slice(0, to)), ok)
  })
})

const offsets = fc.array(fc.tuple(fc.integer({ min: 0, max: 100 }), fc.integer({ min: 0, max: 100 })), {
  minLength: 1,
  maxLength: 15
})

it("the same history further along the log is judged the same", () => {
  fc.assert(fc.property(offsets, fc.bigInt({ min: 0n, max: 2n ** 62n }), (pairs, by) => {
    const samples = pairs.map(([committed, end], index) => sample(committed, end, index * 1000))
    const shifted = samples.map((one) => ({ ...one, committed: one.committed + by, end: one.end + by }))
    assert.deepStrictEqual(judgeLag(shifted, rules), judgeLag(samples, rules))
  }))
})

it("every history has a verdict: an ERROR and a WARNING have a reason and a lag, OK has no reason", () => {
  fc.assert(fc.property(offsets, (pairs) => {
    const samples = pairs.map(([committed, end], index) => sample(committed, Math.max(committed, end), index * 1000))
    const { reason, state } = last(samples)
    assert.strictEqual(reason !== undefined, state === "ERROR" || state === "WARNING")
    if (reason !== undefined) assert.isTrue(lagOf(samples.at(-1) ?? sample(0, 0)) > 0n)
    if (pairs.length > rules.intervals) assert.isDefined(state)
  }))
})

it("the trend is the lag's growth in a second", () => {
  assert.strictEqual(lagTrend([sample(0, 10, 0), sample(5, 45, 10_000)]), 3)
  assert.strictEqual(lagTrend([sample(0, 10, 5)]), 0)
  assert.strictEqual(lagTrend([]), 0)
})
