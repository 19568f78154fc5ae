import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { sequenceAfter } from "../../domain/sequence.js"
import { KafkaRefused } from "../Consumer.js"
import type { OutgoingRecord } from "../Producer.js"
import { type TransactionalProducer, type TransactionError, Transactions } from "../Transactions.js"
import { nowMs } from "./appending.js"
import { disconnectWithin } from "./client.js"
import { typeOf } from "./errors.js"
import type { PartitionBatches } from "./partitioning.js"
import type { ProducerIdentity } from "./producerIdentity.js"
import { isUnavailable, retrying } from "./retrying.js"
import { type KafkaProducerOptions, makeSending, type Sending } from "./sending.js"
import { fencedOr, makeCoordinator } from "./transactionCoordinator.js"

/** What KafkaProducerOptions says, but for acks and idempotence: a transaction needs acks=all, and sequence numbers. */
export type KafkaTransactionsOptions = Omit<KafkaProducerOptions, "acks" | "idempotent">

/** Real brokers, from 2.5 on. All transactional ids share the connections. */
export const layer = (options: KafkaTransactionsOptions): Layer.Layer<Transactions, KafkaRefused> =>
  Layer.scoped(
    Transactions,
    Effect.map(makeSending(options), (sending) =>
      Transactions.of({
        open: Effect.fn("KafkaTransactions.open")(function*({ timeoutMs, transactionalId }) {
          const opened = yield* open(sending, options.brokers, transactionalId, timeoutMs)
          yield* Effect.addFinalizer(() => opened.close)
          return opened.producer
        })
      }))
  )

/**
 * - `Ready`: no transaction is open
 * - `Open`: records or offsets have been added, or may have been
 * - `Broken`: open, and something failed: only an abort is left
 * - `Undecided`: whether the end was written is not known: another `open` settles it
 */
type State = "Ready" | "Open" | "Broken" | "Undecided"

const open = (sending: Sending, brokers: ReadonlyArray<string>, transactionalId: string, timeoutMs: number) =>
  Effect.gen(function*() {
    const { append, nodes, retryPolicy } = sending
    const coordinator = makeCoordinator(nodes, brokers, transactionalId, retryPolicy)
    let identity: ProducerIdentity = yield* coordinator.initialise(timeoutMs)
    let state: State = "Ready"
    /** What the coordinator knows to be part of the transaction. */
    const added = new Set<string>()
    /** Number of the next record, by partition; they go on from one transaction to the next. */
    const sequences = new Map<string, number>()

    /** Whatever comes of `work` but success, only an abort is left. */
    const inside = <A>(work: Effect.Effect<A, TransactionError>) =>
      Effect.suspend(() => {
        if (state === "Broken" || state === "Undecided") return Effect.fail(mustEnd(transactionalId, state))
        state = "Open"
        return Effect.onExit(work, (exit) =>
          Effect.sync(() => {
            if (exit._tag === "Failure") state = "Broken"
          }))
      })

    const addPartitions = (topic: string, partitions: ReadonlyArray<number>) => {
      const fresh = partitions.filter((partition) => !added.has(`${topic}-${partition}`))
      if (fresh.length === 0) return Effect.void
      return Effect.tap(coordinator.addPartitions(identity, topic, fresh), () => {
        for (const partition of fresh) added.add(`${topic}-${partition}`)
      })
    }
    const appendAll = (topic: string, { batches, partition }: PartitionBatches) =>
      Effect.forEach(batches, (batch) => {
        const key = `${topic}-${partition}`
        const baseSequence = sequences.get(key) ?? 0
        return append({ topic, partition, transactionalId }, batch, { ...identity, baseSequence, transactional: true })
          .pipe(
            Effect.mapError(({ error }) => fencedOr(transactionalId)(error)),
            Effect.tap(() => {
              sequences.set(key, sequenceAfter(baseSequence, batch.length))
            })
          )
      })
    const send = Effect.fn("KafkaTransactions.send")(function*(topic: string, records: ReadonlyArray<OutgoingRecord>) {
      const partitions = yield* sending.batches(topic, records, yield* nowMs)
      if (partitions.length === 0) return []
      const work = Effect.zipRight(
        addPartitions(topic, partitions.map(({ partition }) => partition)),
        Effect.forEach(partitions, (each) => appendAll(topic, each), { concurrency: "unbounded" })
      )
      return (yield* inside(work)).flat()
    })

    const sendOffsets: TransactionalProducer["sendOffsets"] = Effect.fn("KafkaTransactions.sendOffsets")(
      function*(group, topic, offsets) {
        if (offsets.length === 0) return
        const partitions = offsets.map(({ offset, partition }) => ({ partition, offset: String(offset) }))
        const request = { transactionalId, groupId: group, topics: [{ topic, partitions }] }
        const commit = Effect.flatMap(
          nodes.coordinator(group),
          (broker) =>
            nodes.ask(
              broker,
              `commit offsets of group ${group} in the transaction`,
              () => broker.txnOffsetCommit({ ...request, ...identity })
            )
        )
        yield* inside(
          Effect.zipRight(
            coordinator.addOffsets(identity, group),
            commit.pipe(retrying(retryPolicy, isUnavailable), Effect.mapError(fencedOr(transactionalId)))
          )
        )
      }
    )

    /** Afterwards nothing of the transaction is left, or nobody knows. */
    const ended = <A>(end: Effect.Effect<A, TransactionError>) =>
      Effect.suspend(() => {
        state = "Undecided"
        return Effect.tap(end, () => {
          state = "Ready"
          added.clear()
        })
      })
    const commit = Effect.suspend(() => {
      if (state === "Ready") return Effect.void
      if (state !== "Open") return Effect.fail(mustEnd(transactionalId, state))
      return ended(coordinator.end(identity, "commit"))
    })
    // A request that failed may still be on its way, and the numbers of its records may be taken or not. The next epoch
    // keeps it out and begins at 0.
    const reset = Effect.gen(function*() {
      // The request that would have begun the transaction may never have come: then there is nothing to abort.
      yield* Effect.catchIf(coordinator.end(identity, "abort"), isNotOpen, () => Effect.void)
      identity = yield* coordinator.initialise(timeoutMs, identity)
      sequences.clear()
    })
    const abort = Effect.suspend(() => {
      if (state === "Ready") return Effect.void
      if (state === "Undecided") return Effect.fail(mustEnd(transactionalId, state))
      return ended(state === "Broken" ? reset : coordinator.end(identity, "abort"))
    })

    return {
      producer: { send, sendOffsets, commit, abort },
      close: Effect.suspend(() => (state === "Open" || state === "Broken" ? abort : Effect.void)).pipe(
        Effect.interruptible,
        Effect.timeoutOption(disconnectWithin),
        Effect.ignoreLogged
      )
    }
  })

const isNotOpen = (error: TransactionError): boolean =>
  error._tag === "KafkaRefused" && typeOf(error.cause) === "INVALID_TXN_STATE"

const mustEnd = (transactionalId: string, state: "Broken" | "Undecided") =>
  new KafkaRefused(
    state === "Broken"
      ? { what: `the transaction of ${transactionalId} has failed`, cure: "abort it" }
      : {
        what: `how the transaction of ${transactionalId} ended is not known`,
        cure: "open the transactional id again"
      }
  )
