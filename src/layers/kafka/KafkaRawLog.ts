import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import { framesOf, nextOffset } from "../../domain/logDump/frames.js"
import { RawLog, type RawPiece } from "../RawLog.js"
import type { KafkaClientOptions } from "./client.js"
import { classify, unavailable } from "./errors.js"
import { fetchPartition, leaderOf, leadersOf } from "./leaders.js"
import { errorOfCode } from "./library.js"
import { makeNodes, type Nodes } from "./nodes.js"
import { rangesAt } from "./ranges.js"

/** Of one fetch; one answer is held at a time. A batch that is longer comes as a whole all the same (KIP-74). */
const fetchBytes = 1024 * 1024
/** What is asked for lies before the end of the log, so that there is hardly ever anything to wait for. */
const waitMs = 100
/** A new leader is known within moments; the metadata is asked for anew with each try. */
const retry = { times: 10, schedule: Schedule.spaced("300 millis") } as const
const offsetOutOfRange = 1

/** Real brokers: fetches without a group, at read_uncommitted, which brings aborted records and markers too. */
export const layer = (options: KafkaClientOptions): Layer.Layer<RawLog> =>
  Layer.scoped(
    RawLog,
    Effect.map(makeNodes(options), (nodes) =>
      RawLog.of({
        pieces: ({ from, partition, to, topic }) =>
          Stream.unfoldEffect({ offset: from, position: 0 }, ({ offset, position }) =>
            offset >= to
              ? Effect.succeed(Option.none())
              : fetchFrom(options, nodes, { topic, partition, offset }).pipe(
                Effect.retry({ ...retry, while: Predicate.isTagged("KafkaUnavailable") }),
                Effect.map(({ bytes, next, rest }) => {
                  const piece = rest === undefined ? { bytes, position } : { bytes, position, rest }
                  return Option.some([piece, { offset: next, position: position + bytes.length }] as const)
                })
              ))
      }))
  )

interface At {
  readonly topic: string
  readonly partition: number
  readonly offset: bigint
}

interface Fetched extends Omit<RawPiece, "position"> {
  /** Where to go on: as far as it can be told, after everything that came. */
  readonly next: bigint
}

const noBytes = new Uint8Array(0)
/** Beyond every log. */
const nowhere = 2n ** 63n

const fetchFrom = (options: KafkaClientOptions, nodes: Nodes, { offset, partition, topic }: At) =>
  Effect.gen(function*() {
    const doing = `read ${topic}-${partition}`
    const metadata = yield* leadersOf(options, nodes, topic, "correct its name")
    const broker = yield* leaderOf(options, nodes, metadata, partition)
    const fetch = { topic, partition, offset, isolation: "read_uncommitted", waitMs, maxBytes: fetchBytes } as const
    const answer = yield* nodes.request(doing, () => fetchPartition(broker, fetch))
    if (answer === undefined) return yield* unavailable(options.brokers, new Error(`no answer about ${topic}`))
    if (answer.errorCode !== 0 && answer.errorCode !== offsetOutOfRange) {
      return yield* classify(options.brokers, doing, errorOfCode(answer.errorCode))
    }
    if (answer.recordSet.length > 0) return wholeOf(answer.recordSet, offset)
    const [range] = yield* nodes.request(`list offsets of ${topic}`, () => rangesAt(broker, topic, [partition]))
    if (range === undefined || (offset >= range.low && offset < range.end)) {
      const reason = new Error(`${topic}-${partition} shows nothing at offset ${offset} yet`)
      return yield* unavailable(options.brokers, reason)
    }
    // Retention has passed by meanwhile, or the end was lost with its leader (an unclean election).
    return { bytes: noBytes, next: offset < range.low ? range.low : nowhere } satisfies Fetched
  })

const wholeOf = (recordSet: Uint8Array, offset: bigint): Fetched => {
  const frames = framesOf(recordSet)
  const bytes = recordSet.subarray(0, frames.lengths.reduce((sum, length) => sum + length, 0))
  const next = nextOffset(recordSet, frames)
  if (next !== undefined && next > offset) return { bytes, next }
  const reason = frames.rest.kind === "noise"
    ? frames.rest.reason
    : next === undefined
    ? "the broker sends no whole batch"
    : `a batch asked for at offset ${offset} says that it ends before`
  return { bytes, next: nowhere, rest: { bytes: recordSet.length - bytes.length, reason } }
}
