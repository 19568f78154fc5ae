import type * as Either from "effect/Either"
import * as Option from "effect/Option"
import type { ConfigProblem } from "./config/ConfigProblem.js"
import { javaProducer, producerKeys } from "./javaKeys.js"
import {
  cannotCombine,
  finishProperties,
  type JavaSettings,
  makePropertyReader,
  type PropertyReader,
  type PropertySources
} from "./javaProperties.js"

export type ProducerSettings = Option.Option.Value<ReturnType<typeof readAll>>

/** The producer's settings, with the Java client's defaults, or everything that is wrong with them. */
export const readProducerProperties = (
  sources: PropertySources
): Either.Either<JavaSettings<ProducerSettings>, ReadonlyArray<ConfigProblem>> => {
  const reader = makePropertyReader(javaProducer, sources)
  const settings = Option.map(readAll(reader), (read) => ({ ...read, ...idempotence(read, reader) }))
  return finishProperties(reader, settings, (read) => ({
    problems: contradictions(read, reader),
    warnings: notIdempotent(read, reader)
  }))
}

const readAll = ({ optional, value }: PropertyReader) =>
  Option.all({
    /** Undefined: the configuration's. */
    bootstrapServers: optional(producerKeys.bootstrapServers),
    keyFormat: value(producerKeys.keyFormat),
    valueFormat: value(producerKeys.valueFormat),
    acks: value(producerKeys.acks),
    bufferMemory: value(producerKeys.bufferMemory),
    enableIdempotence: value(producerKeys.enableIdempotence),
    maxInFlight: value(producerKeys.maxInFlight),
    batchSize: value(producerKeys.batchSize),
    lingerMs: value(producerKeys.lingerMs),
    compression: value(producerKeys.compression),
    retries: value(producerKeys.retries),
    retryBackoffMs: value(producerKeys.retryBackoffMs),
    requestTimeoutMs: value(producerKeys.requestTimeoutMs),
    /** Undefined: no transactions. */
    transactionalId: optional(producerKeys.transactionalId),
    transactionTimeoutMs: value(producerKeys.transactionTimeoutMs)
  })

/** As in the Java client: what excludes idempotence turns its default off, and contradicts it where it is asked for. */
const idempotence = (read: ProducerSettings, reader: PropertyReader): { readonly enableIdempotence: boolean } => ({
  enableIdempotence: read.enableIdempotence && (asked(read, reader) || obstacles(read).length === 0)
})

const asked = (read: ProducerSettings, { given }: PropertyReader): boolean =>
  read.transactionalId !== undefined || (given.has(producerKeys.enableIdempotence.key) && read.enableIdempotence)

/** The source of idempotence where it was asked for: what a person has to look at. */
const obstacles = (read: ProducerSettings) => [
  ...(read.acks === "all" ? [] : [{
    key: producerKeys.acks,
    setting: `acks=${read.acks}`,
    why: "a leader that alone has a batch may die with it, and the next one does not know its number",
    expected: "acks=all"
  }]),
  ...(read.maxInFlight <= 5 ? [] : [{
    key: producerKeys.maxInFlight,
    setting: `${producerKeys.maxInFlight.key}=${read.maxInFlight}`,
    why: "a broker remembers the last five batches of a producer and no more",
    expected: `${producerKeys.maxInFlight.key} at most 5`
  }]),
  ...(read.retries > 0 ? [] : [{
    key: producerKeys.retries,
    setting: "retries=0",
    why: "a batch that is never tried again leaves a gap in the numbers",
    expected: "retries at least 1"
  }])
]

const contradictions = (read: ProducerSettings, reader: PropertyReader): ReadonlyArray<ConfigProblem> => {
  const problems: Array<ConfigProblem> = []
  const cause = read.transactionalId === undefined ? producerKeys.enableIdempotence : producerKeys.transactionalId
  const because = read.transactionalId === undefined ? "enable.idempotence=true" : "transactional.id"
  if (read.transactionalId !== undefined && !read.enableIdempotence) {
    problems.push(cannotCombine(
      reader,
      [producerKeys.enableIdempotence],
      "does not go with transactional.id: a transaction counts its records by their numbers",
      "enable.idempotence=true, or no transactional.id"
    ))
  } else if (asked(read, reader)) {
    for (const { expected, key, setting, why } of obstacles(read)) {
      problems.push(
        cannotCombine(reader, [key, cause], `${setting} does not go with ${because}: ${why}`, expected)
      )
    }
  }
  if (read.batchSize > read.bufferMemory) {
    problems.push(cannotCombine(
      reader,
      [producerKeys.batchSize, producerKeys.bufferMemory],
      `batch.size=${read.batchSize} does not fit buffer.memory=${read.bufferMemory}: no batch could ever be full`,
      "batch.size at most buffer.memory"
    ))
  }
  return problems
}

const notIdempotent = (read: ProducerSettings, { given }: PropertyReader): ReadonlyArray<string> =>
  given.has(producerKeys.enableIdempotence.key) || read.transactionalId !== undefined
    ? []
    : obstacles(read).map(({ setting }) => `not idempotent, because ${setting}: a batch that is sent again may repeat`)
