import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import type { ClientConfig, Config, DatabaseConfig } from "../Config.js"
import type { DatabaseAddress } from "./addresses.js"
import type { ConfigProblem } from "./ConfigProblem.js"
import { contradictions } from "./contradictions.js"
import { allKeys, keys } from "./keys.js"
import type { KeySpec } from "./KeySpec.js"
import { makeReader, missing, type Reader } from "./reader.js"
import { readRegistryAccess } from "./registryAccess.js"
import { readTables } from "./readTables.js"
import { type ConfigSources, mergeSources, type Setting } from "./settings.js"
import type { Topics } from "./topicContradictions.js"
import { topicKey } from "./topicKey.js"

/** The whole configuration, or everything that is wrong with it. */
export const parseConfig = (sources: ConfigSources): Either.Either<Config, ReadonlyArray<ConfigProblem>> => {
  const reader = makeReader(sources)
  const client = readClient(reader, { topics: "required", registry: "required" })
  const mysql = readDatabase(reader)
  const config = Option.zipWith(client.config, mysql, (kafka, database) => ({ ...kafka, mysql: database }))
  return finish(reader, config, contradictions(reader, client.topics, true))
}

/**
 * The part that commands need which use Kafka alone: no database has to be named, and topics may be left out (empty).
 * What is given of the rest must still be right.
 */
export const parseClientConfig = (
  sources: ConfigSources
): Either.Either<ClientConfig, ReadonlyArray<ConfigProblem>> => {
  const reader = makeReader(sources)
  const client = readClient(reader, { topics: "optional", registry: "required" })
  if (reader.given.has(keys.mysqlUrl.key)) readDatabase(reader)
  return finish(reader, client.config, contradictions(reader, client.topics, false))
}

/** The part that commands need which look at the brokers: the registry may be left out too (empty). */
export const parseBrokersConfig = (
  sources: ConfigSources
): Either.Either<ClientConfig, ReadonlyArray<ConfigProblem>> => {
  const reader = makeReader(sources)
  const client = readClient(reader, { topics: "optional", registry: "optional" })
  if (reader.given.has(keys.mysqlUrl.key)) readDatabase(reader)
  return finish(reader, client.config, contradictions(reader, client.topics, false))
}

/** Every key's value as people may see it, and where it comes from; then what is said of single topics. */
export const effectiveSettings = (
  sources: ConfigSources
): ReadonlyArray<{ readonly key: string; readonly value: string | undefined; readonly source: string }> => {
  const { given, ofTopics } = mergeSources(sources)
  const forAll = allKeys.map(({ display, fallback, key }) => {
    const setting = given.get(key)
    if (setting !== undefined) return { key, value: display(setting.text), source: setting.source }
    return { key, value: fallback, source: fallback === undefined ? "not set" : "default" }
  })
  const forOne = [...ofTopics].toSorted(([a], [b]) => a < b ? -1 : 1).flatMap(([topic, settings]) =>
    [...settings].map(([key, { source, text }]) => ({ key: topicKey(topic, key), value: text, source }))
  )
  return [...forAll, ...forOne]
}

const finish = <A>(
  { problems }: Reader,
  config: Option.Option<A>,
  contradicting: ReadonlyArray<ConfigProblem>
): Either.Either<A, ReadonlyArray<ConfigProblem>> => {
  const all = [...problems, ...contradicting]
  return Option.isSome(config) && all.length === 0 ? Either.right(config.value) : Either.left(all)
}

/** An optional list is empty where nobody gives it. */
type Need = "required" | "optional"

const readList = (
  { optional, required }: Reader,
  spec: KeySpec<ReadonlyArray<string>>,
  need: Need
): Option.Option<ReadonlyArray<string>> =>
  need === "required" ? required(spec) : Option.orElse(optional(spec), () => Option.some([]))

/** Named, or by a pattern: then none is named. */
const readTopics = (
  reader: Reader,
  need: Need
): Option.Option<Pick<ClientConfig, "topics" | "topicPattern">> => {
  const { complain, given, required } = reader
  const exclude = required(keys.topicsExclude)
  const regex = given.get(keys.topicsRegex.key)
  if (regex === undefined || regex.text === "") {
    return Option.map(readList(reader, keys.topics, need), (named) => ({ topics: named, topicPattern: undefined }))
  }
  if (given.has(keys.topics.key)) {
    complain({
      code: "TRB-1005",
      key: keys.topicsRegex.key,
      value: regex.text,
      source: regex.source,
      what: `stands beside ${keys.topics.key} (${given.get(keys.topics.key)?.source ?? ""})`,
      expected: "keep one"
    })
  }
  const pattern = Option.all({ include: required(keys.topicsRegex), exclude })
  return Option.map(pattern, (topicPattern) => ({ topics: [], topicPattern }))
}

const readClient = (
  reader: Reader,
  needs: { readonly topics: Need; readonly registry: Need }
): { readonly config: Option.Option<ClientConfig>; readonly topics: Topics } => {
  const { given, optional, required } = reader
  const topics = readTopics(reader, needs.topics)
  const tables = readTables(reader)
  const registryUrls = readList(reader, keys.registryUrls, needs.registry)
  required(keys.autoCommit)
  const blockingQueueSize = required(keys.blockingQueueSize)
  // The default follows a smaller queue: whoever sets only the queue's size did not ask for an impossible slice.
  const maxPollRecords = Option.map(
    required(keys.maxPollRecords),
    (records) =>
      given.has(keys.maxPollRecords.key)
        ? records
        : Math.min(records, Option.getOrElse(blockingQueueSize, () => records))
  )
  const known = Option.all({
    pipelineName: required(keys.pipelineName),
    bootstrapServers: required(keys.bootstrapServers),
    metadataMaxAgeMs: required(keys.metadataMaxAgeMs),
    registryUrls,
    registryAccess: Option.some(readRegistryAccess(reader)),
    consumerGroup: required(keys.consumerGroup),
    sessionTimeoutMs: required(keys.sessionTimeoutMs),
    heartbeatIntervalMs: required(keys.heartbeatIntervalMs),
    autoOffsetReset: required(keys.autoOffsetReset),
    stateDir: Option.map(optional(keys.stateDir), (folder) => folder === "" ? undefined : folder),
    maxPollRecords,
    pollIntervalMs: required(keys.pollIntervalMs),
    blockingQueueSize,
    queueMaxBytes: required(keys.queueMaxBytes),
    fetchMaxBytesPerPartition: required(keys.fetchMaxBytesPerPartition),
    batchMaxRows: required(keys.batchMaxRows),
    batchMaxBytes: required(keys.batchMaxBytes),
    lingerMs: required(keys.lingerMs),
    autoCreate: required(keys.autoCreate),
    tables: Option.some(tables),
    ddlLockTimeoutMs: required(keys.ddlLockTimeoutMs),
    retryBackoffMs: required(keys.retryBackoffMs),
    retryBackoffMaxMs: required(keys.retryBackoffMaxMs),
    shutdownTimeoutMs: required(keys.shutdownTimeoutMs),
    kafkaCommitAdvisory: required(keys.kafkaCommitAdvisory),
    logLevel: required(keys.logLevel),
    logFormat: required(keys.logFormat)
  })
  return {
    config: Option.zipWith(topics, known, (chosen, rest) => ({ ...chosen, ...rest })),
    topics: { ...Option.getOrElse(topics, () => ({ topics: [], topicPattern: undefined })), tables }
  }
}

const readDatabase = (reader: Reader): Option.Option<DatabaseConfig> => {
  const address = reader.required(keys.mysqlUrl)
  const username = reader.optional(keys.mysqlUsername)
  const password = reader.optional(keys.mysqlPassword)
  const limits = Option.all({
    maxPoolSize: reader.required(keys.mysqlMaxPoolSize),
    connectTimeoutMs: reader.required(keys.mysqlConnectTimeoutMs),
    statementTimeoutMs: reader.required(keys.mysqlStatementTimeoutMs)
  })
  return Option.flatMap(address, (to): Option.Option<DatabaseConfig> => {
    if (to.kind === "libsql") return Option.some(to)
    for (const problem of accountProblems(to, username, password, reader.given)) reader.complain(problem)
    return Option.map(limits, (checked) => ({
      kind: "mysql",
      host: to.host,
      port: to.port,
      database: to.database,
      username: Option.getOrElse(username, () => to.username ?? ""),
      password: Option.getOrElse(password, () => to.password ?? Redacted.make("")),
      ...checked
    }))
  })
}

/** User and password can stand in the URL and beside it: none is an error, and so are two that differ. */
const accountProblems = (
  address: Extract<DatabaseAddress, { kind: "mysql" }>,
  username: Option.Option<string>,
  password: Option.Option<Redacted.Redacted>,
  given: ReadonlyMap<string, Setting>
): ReadonlyArray<ConfigProblem> => {
  const twice = (key: string): ConfigProblem => ({
    code: "TRB-1004",
    key,
    value: undefined,
    source: given.get(key)?.source,
    what: `differs from what ${keys.mysqlUrl.key} (${given.get(keys.mysqlUrl.key)?.source ?? ""}) says`,
    expected: "keep one"
  })
  const problems: Array<ConfigProblem> = []
  if (address.username === undefined && !given.has(keys.mysqlUsername.key)) problems.push(missing(keys.mysqlUsername))
  if (Option.isSome(username) && address.username !== undefined && username.value !== address.username) {
    problems.push(twice(keys.mysqlUsername.key))
  }
  if (
    Option.isSome(password) && address.password !== undefined &&
    Redacted.value(password.value) !== Redacted.value(address.password)
  ) problems.push(twice(keys.mysqlPassword.key))
  if (address.tlsDemandedBy !== undefined) {
    problems.push({
      code: "TRB-1003",
      key: keys.mysqlUrl.key,
      value: undefined,
      source: given.get(keys.mysqlUrl.key)?.source,
      what: `${address.tlsDemandedBy} demands an encrypted connection, which this version cannot make`,
      expected: "leave it out only where the network is trusted"
    })
  }
  return problems
}
