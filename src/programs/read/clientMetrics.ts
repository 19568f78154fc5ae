import type { LogRange } from "../../domain/KafkaRecord.js"
import type { Isolation } from "../../layers/Consumer.js"
import type { Measures, MemberEvent } from "./memberEvent.js"
import { readableEnd } from "./reset.js"

/** What a member measures, under the names that the Java client gives it. */
export interface ClientMetrics {
  readonly measures: Measures
  readonly happened: (event: MemberEvent) => void
  /**
   * `<name> is <value>`, a line each. Rates and averages are of the time since the last call, where Java's are of the last
   * 30 s; an average of nothing is NaN, as there. `ranges`: where the logs end now.
   */
  readonly lines: (nowMs: number, ranges: ReadonlyArray<LogRange>) => ReadonlyArray<string>
}

/** Of the time since the last look. */
interface Window {
  readonly sinceMs: number
  fetches: number
  fetchedBytes: number
  records: number
  commits: number
  commitMs: number
}

const windowFrom = (sinceMs: number): Window => ({
  sinceMs,
  fetches: 0,
  fetchedBytes: 0,
  records: 0,
  commits: 0,
  commitMs: 0
})

export const makeClientMetrics = (
  { isolation, topic }: { readonly topic: string; readonly isolation: Isolation },
  startedMs: number
): ClientMetrics => {
  const positions = new Map<number, bigint>()
  let window = windowFrom(startedMs)
  let rebalances = 0
  let rebalanceMs = 0
  const happened = (event: MemberEvent): void => {
    switch (event._tag) {
      case "Assigned":
        rebalances++
        rebalanceMs += event.tookMs
        positions.clear()
        for (const { offset, partition } of event.positions) positions.set(partition, offset)
        return
      case "Revoked":
      case "Lost":
        return positions.clear()
      case "Committed":
        window.commits++
        window.commitMs += event.tookMs
        return
      case "CommitFailed":
      case "OutOfRange":
      case "Wakeup":
        return
    }
  }
  const lines = (nowMs: number, ranges: ReadonlyArray<LogRange>): ReadonlyArray<string> => {
    const seconds = (nowMs - window.sinceMs) / 1000
    const lags = ranges.flatMap((range) => {
      const position = positions.get(range.partition)
      return position === undefined ? [] : [{ ...range, lag: lagOf(readableEnd(range, isolation), position) }]
    })
    const { commitMs, commits, fetchedBytes, fetches, records } = window
    window = windowFrom(nowMs)
    return [
      `records-lag-max is ${lags.length === 0 ? "NaN" : lags.reduce((max, { lag }) => lag > max ? lag : max, 0n)}`,
      ...lags.map(({ lag, partition }) => `${topic}-${partition}.records-lag is ${lag}`),
      `fetch-size-avg is ${decimal(fetchedBytes / fetches)}`,
      `fetch-rate is ${decimal(fetches / seconds)}`,
      `records-consumed-rate is ${decimal(records / seconds)}`,
      `commit-latency-avg is ${decimal(commitMs / commits)}`,
      `rebalance-total is ${rebalances}`,
      `rebalance-latency-avg is ${decimal(rebalanceMs / rebalances)}`
    ]
  }
  return {
    happened,
    lines,
    measures: {
      fetched: (bytes) => {
        window.fetches++
        window.fetchedBytes += bytes
      },
      polled: (partition, position, records) => {
        positions.set(partition, position)
        window.records += records
      }
    }
  }
}

/** The end may be older than the position. */
const lagOf = (end: bigint, position: bigint): bigint => end > position ? end - position : 0n

const decimal = (value: number): string => String(Math.round(value * 1000) / 1000)
