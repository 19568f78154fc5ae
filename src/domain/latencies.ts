/** Up to here each millisecond is counted by itself. */
const exactMs = 1_024
/** Above it each doubling has this many steps: a percentile is then at most 1.1 % too low. */
const steps = 64
const doublings = 22

/**
 * How long things took, in a fixed amount of memory whatever their number: percentiles are exact to a second, and within
 * 1.1 % above it. Beyond 2^32 ms everything counts as that.
 */
export class Latencies {
  count = 0
  maxMs = 0
  private sumMs = 0
  private readonly counts = new Float64Array(exactMs + doublings * steps)

  add(ms: number): void {
    const whole = Math.max(0, Math.floor(ms))
    const bucket = whole < exactMs ? whole : exactMs + Math.floor(Math.log2(whole / exactMs) * steps)
    const index = Math.min(bucket, this.counts.length - 1)
    this.counts[index] = (this.counts[index] ?? 0) + 1
    this.count += 1
    this.sumMs += whole
    if (whole > this.maxMs) this.maxMs = whole
  }

  /** 0 where nothing was added. */
  averageMs(): number {
    return this.count === 0 ? 0 : this.sumMs / this.count
  }

  /** The least time that `percent` of all did not exceed; 0 where nothing was added. */
  percentileMs(percent: number): number {
    const wanted = Math.ceil(this.count * percent / 100)
    let seen = 0
    for (let index = 0; index < this.counts.length; index++) {
      seen += this.counts[index] ?? 0
      if (seen >= wanted && seen > 0) {
        return index < exactMs ? index : Math.round(exactMs * 2 ** ((index - exactMs) / steps))
      }
    }
    return 0
  }
}
