import * as Effect from "effect/Effect"
import { KafkaRefused } from "../Consumer.js"
import { ProducerFenced, type TransactionalProducer, Transactions } from "../Transactions.js"
import type { MemoryCluster } from "./MemoryCluster.js"
import { makeSend } from "./MemoryProducer.js"
import type { ProducerIdentity } from "./MemoryTransactionLog.js"

const producerOf = (cluster: MemoryCluster, producer: ProducerIdentity): TransactionalProducer => {
  const { transactions } = cluster
  const send = makeSend(cluster)
  /** What the coordinator or a log does only for the current producer of the id. */
  const asCurrent = <A>(act: () => A): Effect.Effect<A, ProducerFenced> =>
    Effect.suspend(() =>
      transactions.isCurrent(producer)
        ? Effect.sync(act)
        : Effect.fail(new ProducerFenced({ transactionalId: producer.transactionalId }))
    )
  return {
    send: (topic, records) => send(topic, records, (log) => asCurrent(() => transactions.enlist(producer, log, topic))),
    sendOffsets: (group, topic, offsets) =>
      asCurrent(() => transactions.addOffsets(producer, { group, topic, offsets })),
    commit: asCurrent(() => transactions.end(producer, "COMMIT")),
    abort: asCurrent(() => transactions.end(producer, "ABORT"))
  }
}

export const makeTransactions = (cluster: MemoryCluster): Transactions["Type"] =>
  Transactions.of({
    open: ({ timeoutMs, transactionalId }) =>
      Effect.gen(function*() {
        const max = cluster.options.transactionTimeoutMsMax
        if (timeoutMs > max) {
          return yield* new KafkaRefused({
            what: `the transaction time-out of ${timeoutMs} ms is above the broker's maximum`,
            cure: `choose at most ${max} ms (transaction.max.timeout.ms)`
          })
        }
        const init = Effect.sync(() => cluster.transactions.init(transactionalId, timeoutMs))
        const identity = yield* Effect.acquireRelease(init, (producer) =>
          Effect.sync(() => {
            if (cluster.transactions.isCurrent(producer)) cluster.transactions.end(producer, "ABORT")
          }))
        return producerOf(cluster, identity)
      })
  })
