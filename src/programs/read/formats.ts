import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import { type ConsumerRecord, javaDate, javaLine, textOf } from "../../domain/consumerRecord.js"
import type { Isolation } from "../../layers/Consumer.js"

/** What is shown of a record. `avro` is the value, decoded by the schema that it names, as JSON. */
export const formatNames = ["value", "key+value", "json", "avro", "record", "labelled"] as const
export type FormatName = typeof formatNames[number]

/** The text of a record's value; null where there is none. Left: why it cannot be decoded. */
export type ValueText = (record: ConsumerRecord) => Either.Either<string | null, string>

/**
 * How values become text. Asked once for each poll, so that what decoding needs (schemas) can be fetched before; what it
 * answers is called for each record.
 */
export type Values = (records: ReadonlyArray<ConsumerRecord>) => Effect.Effect<ValueText>

/** The text of one record, its line end included. */
export type Layout = (record: ConsumerRecord, value: string | null, nowMs: number) => string

/** The texts of a poll's records, in order; undefined for one that cannot be decoded, which has been reported. */
export type Render = (records: ReadonlyArray<ConsumerRecord>) => Effect.Effect<ReadonlyArray<string | undefined>>

const plainText: ValueText = ({ value }) => Either.right(value === null ? null : textOf(value))
export const plainValues: Values = () => Effect.succeed(plainText)

/** One line for each record (`labelled`: two). A null shows as `null`, as in Kafka's console consumer. */
export const lines = (format: FormatName, isolation: Isolation): Layout => {
  switch (format) {
    case "value":
    case "avro":
      return (_, value) => `${value}\n`
    case "key+value":
      return ({ key }, value) => `${key === null ? null : textOf(key)}\t${value}\n`
    case "json":
      return jsonLine
    case "record":
      return (record, value) => `${javaLine(record, value)}\n`
    case "labelled": {
      const label = `Reading ${isolation === "read_committed" ? "committed" : "uncommitted"} messages , now time is `
      return (record, value, nowMs) => `${label}${javaDate(nowMs)}  value is\n\t${javaLine(record, value)}\n`
    }
  }
}

const jsonLine: Layout = ({ headers, key, offset, partition, timestampMs, topic }, value) => {
  const before = JSON.stringify({ topic, partition }).slice(0, -1)
  const after = JSON.stringify({
    timestamp: timestampMs,
    key: key === null ? null : textOf(key),
    value,
    headers: headers.map(([name, bytes]) => ({ key: name, value: bytes === null ? null : textOf(bytes) }))
  }).slice(1)
  // An offset has more digits than a JavaScript number may hold; a JSON number may have any.
  return `${before},"offset":${offset},${after}\n`
}

export const render = (values: Values, layout: Layout): Render => (records) =>
  Effect.gen(function*() {
    const nowMs = yield* Clock.currentTimeMillis
    const textOfValue = yield* values(records)
    const texts: Array<string | undefined> = []
    const undecodable: Array<string> = []
    for (const record of records) {
      const value = textOfValue(record)
      if (Either.isRight(value)) texts.push(layout(record, value.right, nowMs))
      else {
        texts.push(undefined)
        undecodable.push(`${record.topic}-${record.partition}@${record.offset} cannot be decoded: ${value.left}`)
      }
    }
    for (const what of undecodable) yield* Effect.logError(`${what}; it is left out, and reading goes on`)
    return texts
  })
