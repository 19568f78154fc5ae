import type * as Either from "effect/Either"
import * as Option from "effect/Option"
import type { ConfigProblem } from "./config/ConfigProblem.js"
import { consumerKeys, javaConsumer } from "./javaKeys.js"
import {
  cannotCombine,
  finishProperties,
  type JavaSettings,
  makePropertyReader,
  type PropertyReader,
  type PropertySources
} from "./javaProperties.js"

export type ConsumerSettings = Option.Option.Value<ReturnType<typeof readAll>>

/** The consumer's settings, or everything that is wrong with them. */
export const readConsumerProperties = (
  sources: PropertySources
): Either.Either<JavaSettings<ConsumerSettings>, ReadonlyArray<ConfigProblem>> => {
  const reader = makePropertyReader(javaConsumer, sources)
  return finishProperties(reader, readAll(reader), (read) => ({
    problems: contradictions(read, reader),
    warnings: read.heartbeatIntervalMs * 3 > read.sessionTimeoutMs
      ? [
        `heartbeat.interval.ms=${read.heartbeatIntervalMs} is above a third of session.timeout.ms=` +
        `${read.sessionTimeoutMs}: one lost heartbeat may cost the membership`
      ]
      : []
  }))
}

const readAll = ({ optional, value }: PropertyReader) =>
  Option.all({
    /** Undefined: the configuration's. */
    bootstrapServers: optional(consumerKeys.bootstrapServers),
    keyFormat: value(consumerKeys.keyFormat),
    valueFormat: value(consumerKeys.valueFormat),
    fetchMinBytes: value(consumerKeys.fetchMinBytes),
    fetchMaxBytes: value(consumerKeys.fetchMaxBytes),
    /** Undefined: nobody named one. */
    groupId: optional(consumerKeys.groupId),
    sessionTimeoutMs: value(consumerKeys.sessionTimeoutMs),
    heartbeatIntervalMs: value(consumerKeys.heartbeatIntervalMs),
    enableAutoCommit: value(consumerKeys.enableAutoCommit),
    autoCommitIntervalMs: value(consumerKeys.autoCommitIntervalMs),
    autoOffsetReset: value(consumerKeys.autoOffsetReset),
    isolation: value(consumerKeys.isolation),
    maxPollRecords: value(consumerKeys.maxPollRecords)
  })

const contradictions = (read: ConsumerSettings, reader: PropertyReader): ReadonlyArray<ConfigProblem> => {
  const problems: Array<ConfigProblem> = []
  // In the warning zone a member is merely at risk; from here on it is sure to be evicted.
  if (read.heartbeatIntervalMs >= read.sessionTimeoutMs) {
    problems.push(cannotCombine(
      reader,
      [consumerKeys.heartbeatIntervalMs, consumerKeys.sessionTimeoutMs],
      `heartbeat.interval.ms=${read.heartbeatIntervalMs} does not fit session.timeout.ms=${read.sessionTimeoutMs}: ` +
        "the session would end between two heartbeats",
      "heartbeat.interval.ms below session.timeout.ms, better a third of it"
    ))
  }
  if (read.fetchMinBytes > read.fetchMaxBytes) {
    problems.push(cannotCombine(
      reader,
      [consumerKeys.fetchMinBytes, consumerKeys.fetchMaxBytes],
      `fetch.min.bytes=${read.fetchMinBytes} does not fit fetch.max.bytes=${read.fetchMaxBytes}`,
      "fetch.min.bytes at most fetch.max.bytes"
    ))
  }
  return problems
}
