import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import type { LogRange } from "../../domain/KafkaRecord.js"
import { Admin, type TopicMissing } from "../../layers/Admin.js"
import type { Isolation, KafkaRefused, KafkaUnavailable } from "../../layers/Consumer.js"
import { RecordTimes } from "../../layers/RecordTimes.js"
import { readableEnd } from "./reset.js"
import { From } from "./startPosition.js"

/** A place that a person names; a time becomes offsets once the log is there. */
export type FromText = From | SinceTime
export class SinceTime extends Data.TaggedClass("SinceTime")<{
  /** Milliseconds since the epoch. */
  readonly timestampMs: number
}> {}

/** `beginning`, `end`, `N`, `-N` (so many before the end) or `@TIME` (ISO 8601, or milliseconds since the epoch). */
export const parseFrom = (text: string): Either.Either<FromText, string> => {
  if (text === "beginning") return Either.right(From.Beginning())
  if (text === "end") return Either.right(From.End())
  if (/^\d{1,18}$/.test(text)) return Either.right(From.Offset({ offset: BigInt(text) }))
  if (/^-\d{1,18}$/.test(text)) return Either.right(From.Last({ count: BigInt(text.slice(1)) }))
  const [, time] = /^@(.+)$/.exec(text) ?? []
  const timestampMs = time === undefined ? Number.NaN : /^\d{1,16}$/.test(time) ? Number(time) : Date.parse(time)
  return Number.isFinite(timestampMs)
    ? Either.right(new SinceTime({ timestampMs }))
    : Either.left("expected beginning, end, N, -N or @TIME, such as @2026-01-31T12:00:00Z")
}

/** The first offset of each partition whose record is of the time or later, if there is one. */
export const offsetsSince = (
  topic: string,
  isolation: Isolation,
  { timestampMs }: SinceTime
): Effect.Effect<From, KafkaUnavailable | KafkaRefused | TopicMissing, Admin | RecordTimes> =>
  Effect.gen(function*() {
    const admin = yield* Admin
    const ranges = yield* admin.logRanges(topic)
    const found = yield* Effect.forEach(ranges, (range) => search(topic, isolation, range, timestampMs), {
      concurrency: 8
    })
    return From.At({ offsets: new Map(ranges.map(({ partition }, index) => [partition, found[index] ?? 0n])) })
  })

/** By halves: where the times of a log do not ascend, the answer is one of several places where they pass the time. */
const search = (topic: string, isolation: Isolation, range: LogRange, timestampMs: number) =>
  Effect.gen(function*() {
    const times = yield* RecordTimes
    let low = range.low
    let high = readableEnd(range, isolation)
    while (low < high) {
      const middle = (low + high) / 2n
      const found = yield* times.next({ topic, isolation, offsets: new Map([[range.partition, middle]]) })
      const time = found.get(range.partition)
      if (found.has(range.partition) && (time === undefined || time < timestampMs)) low = middle + 1n
      else high = middle
    }
    return low
  })
