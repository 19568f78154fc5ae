import * as Context from "effect/Context"
import * as Data from "effect/Data"
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { KafkaRefused, KafkaUnavailable } from "./Consumer.js"
import type { Appended, OutgoingRecord } from "./Producer.js"

/**
 * Another producer has initialised the same transactional id, or the coordinator has aborted a transaction that was open
 * for too long; brokers tell both in the same way. What was open is aborted; this producer can do no more.
 */
export class ProducerFenced extends Data.TaggedError("ProducerFenced")<{ readonly transactionalId: string }> {
  override get message(): string {
    return `another producer has taken over transactional id ${this.transactionalId}, or its transaction timed out`
  }
}

export type TransactionError = ProducerFenced | KafkaUnavailable | KafkaRefused

/**
 * A producer whose records become visible together or not at all (KIP-98). One user at a time. After an error the
 * transaction can only be aborted; after one of `commit` or `abort` its outcome is not known, and only opening the
 * transactional id again settles it.
 */
export interface TransactionalProducer {
  /** Appends inside the open transaction, at once: read_uncommitted readers see the records. The first one opens it. */
  readonly send: (
    topic: string,
    records: ReadonlyArray<OutgoingRecord>
  ) => Effect.Effect<ReadonlyArray<Appended>, TransactionError>
  /** The group's offsets (next to read) become committed with the records, or not at all. */
  readonly sendOffsets: (
    group: string,
    topic: string,
    offsets: ReadonlyArray<{ readonly partition: number; readonly offset: bigint }>
  ) => Effect.Effect<void, TransactionError>
  /** Does nothing where no transaction is open. */
  readonly commit: Effect.Effect<void, TransactionError>
  /** Does nothing where no transaction is open. */
  readonly abort: Effect.Effect<void, TransactionError>
}

export class Transactions extends Context.Tag("tributary/Transactions")<Transactions, {
  /**
   * Initialises the transactional id: its older producers are fenced, and what they left open is aborted (or, if its
   * commit had begun, completed) when this returns. `timeoutMs`: the coordinator aborts a transaction that is open for
   * longer; refused above the broker's transaction.max.timeout.ms. Closing the scope aborts what is open.
   */
  readonly open: (
    options: { readonly transactionalId: string; readonly timeoutMs: number }
  ) => Effect.Effect<TransactionalProducer, TransactionError, Scope.Scope>
}>() {}
