import * as Effect from "effect/Effect"
import type { KafkaRefused, KafkaUnavailable } from "../Consumer.js"
import { ProducerFenced, type TransactionError } from "../Transactions.js"
import { type KafkaError, typeOf } from "./errors.js"
import type { TransactionBroker, TransactionOwner } from "./internals.js"
import type { Nodes } from "./nodes.js"
import { askIdentity, type ProducerIdentity } from "./producerIdentity.js"
import { isUnavailable, retrying, type RetryPolicy } from "./retrying.js"

/** The broker that keeps the state of one transactional id, wherever it is now. */
export interface TransactionCoordinator {
  /** With `current`, the next epoch of the same producer; without, a new producer that fences all others. */
  readonly initialise: (
    timeoutMs: number,
    current?: ProducerIdentity
  ) => Effect.Effect<ProducerIdentity, TransactionError>
  /** The partitions belong to the transaction, which begins with the first of them. */
  readonly addPartitions: (
    owner: ProducerIdentity,
    topic: string,
    partitions: ReadonlyArray<number>
  ) => Effect.Effect<void, TransactionError>
  readonly addOffsets: (owner: ProducerIdentity, group: string) => Effect.Effect<void, TransactionError>
  readonly end: (owner: ProducerIdentity, how: "commit" | "abort") => Effect.Effect<void, TransactionError>
}

/** What brokers say to a producer that is not the newest of its transactional id, or whose transaction timed out. */
const fencedTypes = new Set(["INVALID_PRODUCER_EPOCH", "INVALID_PRODUCER_ID_MAPPING"])

/** Whether somebody else has the transactional id now. */
export const fencedOr = (transactionalId: string) => (error: KafkaUnavailable | KafkaRefused): TransactionError =>
  fencedTypes.has(typeOf(error.cause) ?? "") ? new ProducerFenced({ transactionalId }) : error

/**
 * While the end of a transaction is written its coordinator takes nothing else: a matter of milliseconds, unless a leader
 * is away. No failure, so that it is waited for, a minute at most, whatever the number of retries.
 */
const concluding: RetryPolicy = { retries: 60, retryBackoffMs: 20 }
const isConcluding = (error: KafkaError) => typeOf(error.cause) === "CONCURRENT_TRANSACTIONS"

export const makeCoordinator = (
  nodes: Nodes,
  brokers: ReadonlyArray<string>,
  transactionalId: string,
  policy: RetryPolicy
): TransactionCoordinator => {
  let known: TransactionBroker | undefined
  const found = Effect.suspend(() =>
    known === undefined || !known.isConnected()
      ? Effect.tap(nodes.transactionCoordinator(transactionalId), (broker) => {
        known = broker
      })
      : Effect.succeed(known)
  )
  const asked = <A>(ask: (broker: TransactionBroker) => Effect.Effect<A, KafkaError>) =>
    Effect.flatMap(found, ask).pipe(
      retrying(concluding, isConcluding),
      Effect.tapError(() =>
        Effect.sync(() => {
          known = undefined
        })
      ),
      retrying(policy, (error) => isUnavailable(error) && !isConcluding(error)),
      Effect.mapError(fencedOr(transactionalId))
    )
  const told = (
    doing: string,
    owner: ProducerIdentity,
    tell: (broker: TransactionBroker, to: TransactionOwner) => Promise<unknown>
  ) => Effect.asVoid(asked((broker) => nodes.ask(broker, doing, () => tell(broker, { transactionalId, ...owner }))))

  return {
    initialise: (timeoutMs, current) =>
      asked((broker) =>
        askIdentity(nodes, brokers, broker, {
          transactionalId,
          timeoutMs,
          ...(current === undefined ? {} : { current })
        })
      ),
    addPartitions: (owner, topic, partitions) =>
      told(
        `add partitions of ${topic} to the transaction`,
        owner,
        (broker, to) => broker.addPartitionsToTxn({ ...to, topics: [{ topic, partitions }] })
      ),
    addOffsets: (owner, group) =>
      told(
        `add the offsets of group ${group} to the transaction`,
        owner,
        (broker, to) => broker.addOffsetsToTxn({ ...to, groupId: group })
      ),
    end: (owner, how) =>
      told(
        `${how} the transaction`,
        owner,
        (broker, to) => broker.endTxn({ ...to, transactionResult: how === "commit" })
      )
  }
}
