import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type { KafkaRefused, KafkaUnavailable } from "./Consumer.js"

export interface OutgoingRecord {
  /** Undefined: by key (murmur2, as the Java client), round robin without a key. */
  readonly partition?: number
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  readonly timestampMs?: number
  readonly headers?: ReadonlyArray<readonly [name: string, value: Uint8Array]>
}

export type Compression = "none" | "gzip" | "snappy" | "lz4" | "zstd"

/** Where records have gone that were sent as one batch: one after the other, from `baseOffset` on. */
export interface Appended {
  readonly partition: number
  /** Undefined where the producer asks for no acknowledgement (acks=0). */
  readonly baseOffset: bigint | undefined
  readonly count: number
}

export class Producer extends Context.Tag("tributary/Producer")<Producer, {
  /**
   * Appends the records, acknowledged as the layer is told to (by every in-sync replica, unless told otherwise) when it
   * returns. Order is kept per partition, also between calls that overlap. Answers one element per batch, those of a
   * partition in the order of its records.
   */
  readonly send: (
    topic: string,
    records: ReadonlyArray<OutgoingRecord>
  ) => Effect.Effect<ReadonlyArray<Appended>, KafkaUnavailable | KafkaRefused>
}>() {}
