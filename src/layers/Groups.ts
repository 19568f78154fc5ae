import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Either from "effect/Either"
import type { KafkaRefused, KafkaUnavailable } from "./Consumer.js"

export interface GroupMember {
  readonly memberId: string
  /** As the client names itself (`client.id`). */
  readonly clientId: string
  /** The address that the coordinator sees. */
  readonly host: string
  /** Partitions by topic. */
  readonly assignment: ReadonlyMap<string, ReadonlyArray<number>>
}

export interface CommittedOffset {
  readonly topic: string
  readonly partition: number
  /** Next offset to read. */
  readonly offset: bigint
}

/** A consumer group as its coordinator knows it, whichever program its members belong to. */
export interface GroupDescription {
  readonly group: string
  /**
   * Kafka's word: Stable, Empty, PreparingRebalance, CompletingRebalance; Dead is a group that does not exist. "" where
   * there is no coordinator.
   */
  readonly state: string
  readonly members: ReadonlyArray<GroupMember>
  /** Of all topics. */
  readonly committed: ReadonlyArray<CommittedOffset>
}

export type GroupError = KafkaUnavailable | KafkaRefused

export interface GroupListing {
  /** Ascending. */
  readonly groups: ReadonlyArray<string>
  /** Brokers whose groups are not among them. */
  readonly failures: ReadonlyArray<GroupError>
}

/** Looks at consumer groups and leaves no trace in them: nothing joins, nothing is committed. */
export class Groups extends Context.Tag("tributary/Groups")<Groups, {
  /** The consumer groups of all brokers. Fails where no broker answers at all. */
  readonly list: Effect.Effect<GroupListing, GroupError>
  /** One answer for each of the groups: a coordinator that is away hides its own groups and no others. */
  readonly describe: (
    groups: ReadonlyArray<string>
  ) => Effect.Effect<ReadonlyMap<string, Either.Either<GroupDescription, GroupError>>>
}>() {}
