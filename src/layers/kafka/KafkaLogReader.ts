import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import { KafkaRefused } from "../Consumer.js"
import { type LogEntry, LogReader } from "../LogReader.js"
import type { KafkaClientOptions } from "./client.js"
import { classify, unavailable } from "./errors.js"
import { limitsOf } from "./fetchResponse.js"
import { fetchPartition, leaderOf, leadersOf } from "./leaders.js"
import { errorOfCode } from "./library.js"
import { afterNothing, entriesOf } from "./logEntries.js"
import { makeNodes, type Nodes } from "./nodes.js"
import { rangesAt } from "./ranges.js"

/** Enough to read a long stretch in few requests; one answer of it is held at a time. */
const fetchBytes = 4 * 1024 * 1024
/** A range to read ends before the last stable offset, so that there is hardly ever anything to wait for. */
const waitMs = 100
/** A new leader is known within moments; the metadata is asked for anew with each try. */
const retry = { times: 10, schedule: Schedule.spaced("300 millis") } as const
const offsetOutOfRange = 1

export interface LogReaderOptions extends KafkaClientOptions {
  /** As the consumer has it: what that one can decompress can be read here, too. */
  readonly fetchMaxBytesPerPartition: number
}

/** Real brokers: fetches without a group, so that no consumer is disturbed and nothing is committed. */
export const layer = (options: LogReaderOptions): Layer.Layer<LogReader> =>
  Layer.scoped(LogReader, Effect.map(makeNodes(options), (nodes) => make(options, nodes)))

const make = (options: LogReaderOptions, nodes: Nodes) =>
  LogReader.of({
    entries: ({ from, partition, to, topic }) =>
      Stream.paginateEffect(from, (offset) =>
        fetchFrom(options, nodes, { topic, partition, offset, to }).pipe(
          Effect.retry({ ...retry, while: Predicate.isTagged("KafkaUnavailable") }),
          Effect.map(({ entries, next }) => [
            entries,
            next !== undefined && next < to ? Option.some(next) : Option.none()
          ])
        ))
  })

interface Piece {
  readonly entries: ReadonlyArray<LogEntry>
  /** Undefined: the log ends here. */
  readonly next: bigint | undefined
}

interface Position {
  readonly topic: string
  readonly partition: number
  readonly offset: bigint
  readonly to: bigint
}

const fetchFrom = (options: LogReaderOptions, nodes: Nodes, { offset, partition, to, topic }: Position) =>
  Effect.gen(function*() {
    const doing = `read ${topic}-${partition}`
    const metadata = yield* leadersOf(options, nodes, topic, "correct kafka.topics, or create it")
    const broker = yield* leaderOf(options, nodes, metadata, partition)
    const fetch = { topic, partition, offset, isolation: "read_committed", waitMs, maxBytes: fetchBytes } as const
    const answer = yield* nodes.request(doing, () => fetchPartition(broker, fetch))
    if (answer === undefined) return yield* unavailable(options.brokers, new Error(`no answer about ${topic}`))
    if (answer.errorCode !== 0 && answer.errorCode !== offsetOutOfRange) {
      return yield* classify(options.brokers, doing, errorOfCode(answer.errorCode))
    }
    const limits = limitsOf(Math.max(fetchBytes, options.fetchMaxBytesPerPartition))
    const { entries, next, unreadable } = yield* nodes.request(doing, async () => entriesOf(answer, offset, to, limits))
    if (next > offset) return { entries, next } satisfies Piece
    if (unreadable !== undefined) {
      const cure = "where a batch becomes too large, raise kafka.max.partition.fetch.bytes; anything else cannot be "
        + "compared with rows until the broker's log is repaired"
      return yield* new KafkaRefused({ what: unreadable, cure })
    }
    const [range] = yield* nodes.request(`list offsets of ${topic}`, () => rangesAt(broker, topic, [partition]))
    const then = range === undefined ? "wait" : afterNothing(offset, range)
    if (then === "wait") {
      return yield* unavailable(
        options.brokers,
        new Error(`${topic}-${partition} shows nothing at offset ${offset} yet`)
      )
    }
    return { entries: [], next: then === "end" ? undefined : then } satisfies Piece
  })
