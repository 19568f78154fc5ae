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
  /** Of the straight line through the second half, from its first point to its last. */
  readonly growth: number
  readonly allowed: number
  readonly flat: boolean
}

const mean = (values: ReadonlyArray<number>): number =>
  values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length)

/** Least squares: by how much the line rises per unit of the first coordinate. */
export const slope = (points: Series["points"]): number => {
  const [x, y] = [mean(points.map(([at]) => at)), mean(points.map(([, value]) => value))]
  const spread = points.reduce((sum, [at]) => sum + (at - x) ** 2, 0)
  return spread === 0 ? 0 : points.reduce((sum, [at, value]) => sum + (at - x) * (value - y), 0) / spread
}

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
