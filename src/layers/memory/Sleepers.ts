interface Sleeper {
  readonly atMs: number
  /** Among those of one time, the first to fall asleep wakes first. */
  readonly order: number
  readonly wake: () => void
  state: "asleep" | "cancelled" | "woken"
}

const isBefore = (a: Sleeper, b: Sleeper) => a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order)

/** Who is to be woken when: a binary heap by time, then by the order of arrival. */
export class Sleepers {
  private heap: Array<Sleeper> = []
  private order = 0
  private cancelled = 0

  /** Answers how to cancel; that answers whether there was anything to cancel. */
  add(atMs: number, wake: () => void): () => boolean {
    const sleeper: Sleeper = { atMs, order: this.order++, wake, state: "asleep" }
    this.heap.push(sleeper)
    this.rise(this.heap.length - 1, sleeper)
    return () => {
      if (sleeper.state !== "asleep") return false
      sleeper.state = "cancelled"
      this.cancelled += 1
      this.sweep()
      return true
    }
  }

  /** The next one, no longer asleep; undefined when nobody sleeps. */
  takeNext(): { readonly atMs: number; readonly wake: () => void } | undefined {
    for (;;) {
      const next = this.takeTop()
      if (next === undefined) return undefined
      if (next.state === "asleep") {
        next.state = "woken"
        return next
      }
      this.cancelled -= 1
    }
  }

  /** Time-outs are cancelled nearly always, and hours before their time: they must not pile up until then. */
  private sweep(): void {
    if (this.cancelled < 64 || this.cancelled * 2 < this.heap.length) return
    const asleep = this.heap.filter(({ state }) => state === "asleep")
    // Sorted, an array is a heap.
    this.heap = asleep.toSorted((a, b) => a.atMs - b.atMs || a.order - b.order)
    this.cancelled = 0
  }

  private takeTop(): Sleeper | undefined {
    const top = this.heap[0]
    const last = this.heap.pop()
    if (top === undefined || last === undefined || top === last) return top
    this.sink(0, last)
    return top
  }

  private rise(start: number, sleeper: Sleeper): void {
    let at = start
    while (at > 0) {
      const above = (at - 1) >> 1
      const parent = this.heap[above]
      if (parent === undefined || isBefore(parent, sleeper)) break
      this.heap[at] = parent
      at = above
    }
    this.heap[at] = sleeper
  }

  private sink(start: number, sleeper: Sleeper): void {
    let at = start
    for (;;) {
      let below = 2 * at + 1
      const left = this.heap[below]
      const right = this.heap[below + 1]
      if (left === undefined) break
      const child = right !== undefined && isBefore(right, left) ? right : left
      if (child === right) below += 1
      if (isBefore(sleeper, child)) break
      this.heap[at] = child
      at = below
    }
    this.heap[at] = sleeper
  }
}
