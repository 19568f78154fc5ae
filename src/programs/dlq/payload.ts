import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import { avroJson } from "../../domain/avroJson.js"
import { type Config, settingsOf } from "../../domain/Config.js"
import { parseExactJson } from "../../domain/exactJson.js"
import type { KafkaRecord } from "../../domain/KafkaRecord.js"
import type { StoredLetter } from "../../domain/StoredLetter.js"
import type { SchemaRegistry } from "../../layers/SchemaRegistry.js"
import { makePartDecoder } from "../decode/makePartDecoder.js"
import { base64 } from "./letterText.js"

/** A key, a value or a header's value, as far as it can be read. */
export interface Shown {
  readonly bytes: Uint8Array
  /** What it says, as JSON; left: why it cannot be decoded. */
  readonly json: Either.Either<string, string>
}

export interface Payload {
  readonly key: Shown | null
  readonly value: Shown | null
  readonly headers: ReadonlyArray<readonly [name: string, value: Shown | null]>
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })

/** As text, where it is some. */
const textIn = (bytes: Uint8Array): Either.Either<string, string> =>
  Either.try({ try: () => JSON.stringify(utf8.decode(bytes)), catch: () => "it is no text" }).pipe(
    Either.filterOrLeft((text) => !/\\u00/u.test(text), () => "it is no text")
  )

const decoded = (config: Config, part: "key" | "value", { record, topic }: StoredLetter) =>
  Effect.gen(function*() {
    const bytes: Uint8Array | null = record[part]
    if (bytes === null) return null
    const backoff = { baseMs: config.retryBackoffMs, maxMs: config.retryBackoffMaxMs }
    const decoder = yield* makePartDecoder({ part, topic, settings: settingsOf(config, topic), backoff })
    const json = yield* Effect.gen(function*() {
      const { schemaKey, start } = yield* decoder.frame(record, bytes)
      const codec = yield* Effect.mapError(decoder.load(schemaKey), ({ what }) => what)
      return avroJson(yield* codec.decode(bytes, start))
    }).pipe(Effect.either)
    // Keys are text more often than what the settings say of them, because most modes do not look into them.
    return { bytes, json: Either.orElse(json, (why) => Either.mapLeft(textIn(bytes), () => why)) }
  })

/** Decodes what can be decoded by the topic's settings. */
export const payloadOf = (config: Config, letter: StoredLetter): Effect.Effect<Payload, never, SchemaRegistry> =>
  Effect.gen(function*() {
    const key = yield* decoded(config, "key", letter)
    const value = yield* decoded(config, "value", letter)
    return { key, value, headers: headersOf(letter.record) }
  })

/** Where nobody could be asked. */
export const undecoded = (why: string, { record }: StoredLetter): Payload => ({
  key: record.key === null ? null : { bytes: record.key, json: Either.left(why) },
  value: record.value === null ? null : { bytes: record.value, json: Either.left(why) },
  headers: headersOf(record)
})

const headersOf = ({ headers }: KafkaRecord): Payload["headers"] =>
  headers.map(([name, bytes]) => [name, bytes === null ? null : { bytes, json: textIn(bytes) }] as const)

export const shownText = (shown: Shown | null): string => {
  if (shown === null) return "null"
  const { bytes, json } = shown
  return Either.match(json, {
    onLeft: (why) => `${Buffer.from(bytes).toString("hex")} (${bytes.length} bytes; not decoded: ${why})`,
    onRight: (text) => text
  })
}

export const shownJson = (shown: Shown | null) =>
  shown === null ? null : {
    bytes: shown.bytes.length,
    base64: base64(shown.bytes),
    ...Either.match(Either.flatMap(shown.json, parseExactJson), {
      onLeft: (problem) => ({ problem }),
      onRight: (json) => ({ json })
    })
  }
