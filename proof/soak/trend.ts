/** One measure over time. */
export interface Series {
  readonly name: string
  readonly unit: string
  readonly points: ReadonlyArray<readonly [seconds: number, value: number]>
  /** Growth over the second half that counts as none: the larger of a share of the mean and an absolute amount. */
  readonly tolerance: { readonly share: number; readonly amount: number }
}

export interface Trend {
  readonly name: string
  readonly unit: string
  /** In the second half. Two always lie on a line, and prove nothing. */
  readonly samples: number
  readonly mean: number
  readonly min: number
  readonly max: number
  /** By its slope, over the second half. */
  readonly growth: number
  readonly allowed: number
  readonly flat: boolean
}

const mean = (values: ReadonlyArray<number>): number =>
  values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length)

const median = (values: ReadonlyArray<number>): number => {
  const sorted = values.toSorted((a, b) => a - b)
  const half = (sorted.length - 1) / 2
  return ((sorted[Math.floor(half)] ?? 0) + (sorted[Math.ceil(half)] ?? 0)) / 2
}

/**
 * By how much it rises per unit of the first coordinate: the median of the slopes between each two points (Theil and
 * Sen). Fibers have two states, with and without a fetch under way; of which there were more at the end moves the line
 * of least squares, and not this one. What leaks rises between most points.
 */
export const slope = (points: Series["points"]): number =>
  median(
    points.flatMap(([at, value], index) =>
      points.slice(index + 1).flatMap(([later, then]) => later === at ? [] : [(then - value) / (later - at)])
    )
  )

/** The first half is warm-up: compiled code, caches, pools. */
export const trendOf = ({ name, points, tolerance, unit }: Series): Trend => {
  const half = points.slice(Math.floor(points.length / 2))
  const values = half.map(([, value]) => value)
  const seconds = (half.at(-1)?.[0] ?? 0) - (half[0]?.[0] ?? 0)
  const growth = slope(half) * seconds
  const allowed = Math.max(tolerance.amount, tolerance.share * mean(values))
  const [min, max] = values.length === 0 ? [0, 0] : [Math.min(...values), Math.max(...values)]
  return {
    name,
    unit,
    samples: half.length,
    mean: mean(values),
    min,
    max,
    growth,
    allowed,
    flat: half.length > 2 && growth <= allowed
  }
}

export const notFlat = ({ allowed, flat, growth, name, samples, unit }: Trend): ReadonlyArray<string> => {
  if (flat) return []
  return samples <= 2
    ? [`${name}: ${samples} samples in the second half prove nothing; run longer, or on a machine that is less busy`]
    : [`${name} grows: by ${growth.toFixed(1)} ${unit} over the second half; ${allowed.toFixed(1)} is nothing`]
}
