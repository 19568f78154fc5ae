/**
 * Requests about topics with the answers that kafkajs's own functions throw away: why a broker refuses, in its words
 * ("Unknown topic config name: foo").
 */
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import type { NewTopic, TopicSetting } from "../Topics.js"
import type { Broker } from "./internals.js"
import { type ApiName, errorOfCode, requests } from "./library.js"

/** How long the controller may take until all brokers know of a change. */
const timeoutMs = 4000
const topicResource = 2

/** What a broker says of one topic that a request named. */
export interface TopicAnswer {
  /** 0: done. */
  readonly errorCode: number
  readonly reason: string
}

const TopicErrors = Schema.Struct({
  topicErrors: Schema.NonEmptyArray(
    Schema.Struct({ errorCode: Schema.Int, errorMessage: Schema.optional(Schema.NullOr(Schema.String)) })
  )
})

export const createTopicOn = async (broker: Broker, topic: NewTopic): Promise<TopicAnswer> => {
  const answer = await send(broker, "CreateTopics", 2, {
    topics: [{
      topic: topic.topic,
      numPartitions: topic.partitions,
      replicationFactor: topic.replicationFactor ?? -1,
      configEntries: topic.settings
    }],
    validateOnly: false,
    timeout: timeoutMs
  }, TopicErrors)
  return answerOf(answer.topicErrors[0])
}

export const addPartitionsOn = async (broker: Broker, topic: string, to: number): Promise<TopicAnswer> => {
  const answer = await send(broker, "CreatePartitions", 1, {
    topicPartitions: [{ topic, count: to }],
    validateOnly: false,
    timeout: timeoutMs
  }, TopicErrors)
  return answerOf(answer.topicErrors[0])
}

const Configs = Schema.Struct({
  resources: Schema.NonEmptyArray(Schema.Struct({
    errorCode: Schema.Int,
    errorMessage: Schema.NullOr(Schema.String),
    configEntries: Schema.Array(Schema.Struct({
      configName: Schema.String,
      configValue: Schema.NullOr(Schema.String),
      configSource: Schema.Int
    }))
  }))
})

export const settingsOn = async (
  broker: Broker,
  topic: string
): Promise<TopicAnswer & { readonly settings: ReadonlyArray<TopicSetting> }> => {
  const { resources: [found] } = await send(broker, "DescribeConfigs", 1, {
    resources: [{ type: topicResource, name: topic }],
    includeSynonyms: false
  }, Configs)
  const settings = found.configEntries.map(({ configName, configSource, configValue }): TopicSetting => ({
    name: configName,
    value: configValue,
    source: configSource === 1 ? "topic" : configSource === 5 ? "default" : "broker"
  }))
  return { ...answerOf(found), settings: settings.toSorted((a, b) => a.name < b.name ? -1 : 1) }
}

const answerOf = (answer: { readonly errorCode: number; readonly errorMessage?: string | null | undefined }) => ({
  errorCode: answer.errorCode,
  reason: answer.errorMessage ?? (answer.errorCode === 0 ? "" : errorOfCode(answer.errorCode).message)
})

const send = async <A, I>(
  broker: Broker,
  api: ApiName,
  version: number,
  request: object,
  answer: Schema.Schema<A, I>
): Promise<A> => {
  const protocol = requests[api].protocol({ version })(request)
  const decoded = await broker.connectionPool.send({
    ...protocol,
    // kafkajs would throw for an error code, without the reason beside it.
    response: { decode: protocol.response.decode, parse: async (parts) => parts }
  })
  return Either.getOrThrowWith(
    Schema.decodeUnknownEither(answer)(decoded),
    (cause) => new Error(`the answer to ${api} was not understood: ${cause.message}`)
  )
}
