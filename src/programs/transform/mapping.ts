import * as Either from "effect/Either"
import type { OutgoingRecord } from "../../layers/Producer.js"

/** What a mapping is given: one record of the input topic. */
export interface InputRecord {
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: ReadonlyArray<readonly [name: string, value: Buffer | null]>
  /** CreateTime or LogAppendTime, milliseconds since the epoch. */
  readonly timestampMs: number
  readonly topic: string
  readonly partition: number
  readonly offset: bigint
}

/** A record for the output topic. Its partition follows from the input's and the key (outgoing.ts). */
export type OutputRecord = Required<Pick<OutgoingRecord, "key" | "value" | "timestampMs" | "headers">>

/**
 * One record into any number, or a reason why it cannot be mapped: then it is poison. A plain function of the record
 * alone: it is called again for what a transaction that was aborted had held.
 */
export type Mapping = (record: InputRecord) => Either.Either<ReadonlyArray<OutputRecord>, string>

/** Kafka's header values may be null, kafkajs writes bytes only: such a one becomes empty. */
const unchanged = ({ headers, key, timestampMs, value }: InputRecord): OutputRecord => ({
  key,
  value,
  timestampMs,
  headers: headers.map(([name, bytes]) => [name, bytes ?? Buffer.alloc(0)])
})

/** Copies key, value, headers and timestamp. */
export const identity: Mapping = (record) => Either.right([unchanged(record)])

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })

/** `aa,bb` → `EVENT(aa,bb)`. Poison is what is not text of exactly two fields, neither of them empty. */
export const event: Mapping = (record) => {
  const { value } = record
  if (value === null) return Either.left("the value is null, not a,b")
  return Either.try({ try: () => utf8.decode(value), catch: () => "the value is not UTF-8 text" }).pipe(
    Either.filterOrLeft((text) => /^[^,\r\n]+,[^,\r\n]+$/.test(text), () => "the value is not of the form a,b"),
    Either.map((text) => [{ ...unchanged(record), value: Buffer.from(`EVENT(${text})`) }])
  )
}

/** Completes what a module's function leaves out: such fields stay as they are. */
export const completed = (record: InputRecord, changes: Partial<OutputRecord>): OutputRecord => ({
  ...unchanged(record),
  ...changes
})
