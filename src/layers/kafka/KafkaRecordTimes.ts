import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { Isolation } from "../Consumer.js"
import { RecordTimes } from "../RecordTimes.js"
import { makeBounded } from "./bounded.js"
import type { KafkaClientOptions } from "./client.js"
import { classify, type KafkaError } from "./errors.js"
import { decodeRecordSet } from "./fetchResponse.js"
import type { Broker } from "./internals.js"
import { fetchPartition, leaderOf, leadersOf } from "./leaders.js"
import { errorOfCode } from "./library.js"
import { makeNodes, type Nodes } from "./nodes.js"
import { rangesAt } from "./ranges.js"

/** The record is nearly always in the first batch, and a larger batch comes whole all the same. */
const fetchBytes = 64 * 1024
/** Fetches of one partition: so much may be aborted or markers before the answer is that the time is not known. */
const fetchesMax = 64
/** Partitions asked for at once. */
const concurrency = 8
const offsetOutOfRange = 1

/** Real brokers: fetches without a group. Each topic answers or fails within five seconds. */
export const layer = (options: KafkaClientOptions): Layer.Layer<RecordTimes> =>
  Layer.scoped(RecordTimes, Effect.map(makeNodes(options), (nodes) => make(options, nodes)))

const make = (options: KafkaClientOptions, nodes: Nodes) => {
  const bounded = makeBounded(options, nodes)
  return RecordTimes.of({
    next: Effect.fn("KafkaRecordTimes.next")(function*({ isolation, offsets, topic }) {
      return yield* bounded(timesOf(options, nodes, topic, isolation, offsets))
    })
  })
}

const timesOf = (
  options: KafkaClientOptions,
  nodes: Nodes,
  topic: string,
  isolation: Isolation,
  offsets: ReadonlyMap<number, bigint>
) =>
  Effect.gen(function*() {
    const metadata = yield* leadersOf(options, nodes, topic, "correct its name, or create it")
    const found = yield* Effect.forEach(offsets, ([partition, offset]) =>
      Effect.gen(function*() {
        const broker = yield* leaderOf(options, nodes, metadata, partition)
        return [partition, yield* timeOf(options, nodes, broker, { topic, partition, isolation }, offset)] as const
      }), { concurrency })
    return new Map(found.flatMap(([partition, time]) => time === "none" ? [] : [[partition, time] as const]))
  })

interface From {
  readonly topic: string
  readonly partition: number
  readonly isolation: Isolation
}

const timeOf = (
  options: KafkaClientOptions,
  nodes: Nodes,
  broker: Broker,
  from: From,
  first: bigint
): Effect.Effect<number | "none" | undefined, KafkaError> =>
  Effect.gen(function*() {
    const { partition, topic } = from
    const doing = `read ${topic}-${partition}`
    let offset = first
    for (let fetches = 0; fetches < fetchesMax; fetches++) {
      const answer = yield* nodes.request(doing, () =>
        fetchPartition(broker, { ...from, offset, waitMs: 0, maxBytes: fetchBytes }))
      if (answer !== undefined && answer.errorCode !== 0 && answer.errorCode !== offsetOutOfRange) {
        return yield* classify(options.brokers, doing, errorOfCode(answer.errorCode))
      }
      // Decoded within the request: a compression that nobody can undo is the broker's data, not a bug here.
      const fetched = answer === undefined || answer.errorCode === offsetOutOfRange
        ? undefined
        : yield* nodes.request(doing, () =>
          decodeRecordSet(answer, offset))
      const time = fetched?.records[0]?.timestampMs
      if (time !== undefined) return time < 0 ? undefined : time
      if (fetched?.unreadable !== undefined && fetched.nextOffset === offset) return undefined
      if (fetched !== undefined && fetched.nextOffset > offset) {
        offset = fetched.nextOffset
        continue
      }
      const [range] = yield* nodes.request(`list offsets of ${topic}`, () => rangesAt(broker, topic, [partition]))
      // Retention may have passed by: the next record is then the first that it has left.
      if (range === undefined || offset >= range.low) return "none"
      offset = range.low
    }
    return undefined
  })
