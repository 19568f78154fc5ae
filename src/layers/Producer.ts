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

export class Producer extends Context.Tag("tributary/Producer")<Producer, {
  /** Appends the records, all acknowledged by every in-sync replica when it returns. Order is kept per partition. */
  readonly send: (
    topic: string,
    records: ReadonlyArray<OutgoingRecord>
  ) => Effect.Effect<void, KafkaUnavailable | KafkaRefused>
}>() {}
