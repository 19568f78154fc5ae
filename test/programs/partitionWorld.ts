import { Effect, Layer, Mailbox } from "effect"
import type { FetchedBatch, KafkaRecord, LogRange } from "../../src/domain/KafkaRecord.js"
import { Admin } from "../../src/layers/Admin.js"
import type { GroupEvent, KafkaRefused, Membership } from "../../src/layers/Consumer.js"
import { type Claim, Destination, WriteOutcome, type WriteRequest } from "../../src/layers/Destination.js"
import type { TopicEncoders } from "../../src/programs/encoders.js"
import type { Held } from "../../src/programs/held.js"
import { partitionMetrics } from "../../src/programs/metrics.js"
import { runPartition } from "../../src/programs/partition.js"
import type { PartitionEnv } from "../../src/programs/PartitionEnv.js"
import { makeByteBudget, makePartitionQueue } from "../../src/programs/PartitionQueue.js"
import { testConfig } from "../support/pipeline.js"

export const recordAt = (offset: bigint): KafkaRecord => ({
  offset,
  timestampMs: 0,
  key: null,
  value: Buffer.from(String(offset)),
  headers: []
})

/** A fetch from `from` to `next` with a record at each offset; `empty`: with none. */
export const fetched = (from: bigint, next: bigint, empty = false): FetchedBatch => {
  const records: Array<KafkaRecord> = []
  for (let at = from; at < (empty ? from : next); at += 1n) records.push(recordAt(at))
  return { topic: "orders", partition: 0, generation: 1, fetchedOffset: from, nextOffset: next, records, bytes: 0 }
}

/** One statement for a batch; what it says is of no interest here. */
const encoders: TopicEncoders = {
  encode: (records) =>
    Effect.succeed({
      statements: records.map(({ offset }) => `row ${offset}`),
      letters: [],
      count: records.length,
      tombstonesIgnored: 0,
      problem: undefined
    }),
  change: () => Effect.dieMessage("nobody writes a record by itself here"),
  letter: () => {
    throw new Error("nothing is refused here")
  },
  forget: Effect.void
}

/** One partition's writer between a membership and a database that do as the test says. */
export const makePartitionWorld = (sameLife: PartitionEnv["sameLife"] = Effect.void) => {
  /** What was asked of the membership and the database, in order. */
  const log: Array<string> = []
  const range: { low: bigint; lastStable: bigint; end: bigint } = { low: 0n, lastStable: 1000n, end: 1000n }
  const stopped: Array<Held> = []
  const written: Array<WriteRequest> = []
  const state = {
    /** What the row of `kafka_offsets` says. */
    stored: 0n,
    range,
    /** Whether the next heartbeat is answered. */
    confirms: true,
    outcome: (_request: WriteRequest): WriteOutcome => WriteOutcome.Committed()
  }
  const queue = makePartitionQueue({ records: 300, sliceRecords: 10 }, makeByteBudget(1 << 25), () => {})
  const say = (what: string) => Effect.sync(() => void log.push(what))
  const membership = (events: Mailbox.ReadonlyMailbox<GroupEvent, KafkaRefused>): Membership => ({
    events,
    seek: (_, offset) => say(`seek ${offset}`),
    pause: () => say("pause"),
    resume: () => say("resume"),
    confirmed: Effect.zipRight(
      say("confirmed?"),
      Effect.repeat(Effect.sleep("1 second"), { until: () => state.confirms })
    ),
    commit: () => Effect.void
  })
  let generation = 0n
  const destination = Layer.mock(Destination, {
    stored: (topic, group, partition = 0) =>
      Effect.sync(() => [{ topic, partition, group, offset: state.stored, sourceId: 1 }]),
    acquire: ({ owner, ...request }) =>
      Effect.sync((): Claim => {
        log.push("acquire")
        generation += 1n
        return { ...request, generation, owner, offset: state.stored }
      }),
    write: (request) =>
      Effect.sync(() => {
        const outcome = state.outcome(request)
        log.push(`write ${request.expected}-${request.next} ${outcome._tag}`)
        if (outcome._tag === "Committed") {
          written.push(request)
          state.stored = request.next
        }
        return outcome
      })
  })
  const admin = Layer.mock(Admin, {
    logRanges: () => Effect.sync((): ReadonlyArray<LogRange> => [{ partition: 0, ...state.range }])
  })
  const run = Effect.gen(function*() {
    const events = yield* Mailbox.make<GroupEvent, KafkaRefused>()
    return yield* runPartition({
      config: testConfig({ "linger.ms": "0" }),
      topic: "orders",
      partition: 0,
      group: "g",
      sourceId: 1,
      initial: 0n,
      sameLife,
      membership: membership(events),
      queue,
      encoders,
      metrics: partitionMetrics("orders", 0),
      onCommitted: () => {},
      onStopped: (held) => void stopped.push(held)
    })
  }).pipe(Effect.provide(Layer.merge(destination, admin)))
  return { log, queue, run, state, stopped, written }
}
