import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type { ClientConfig, Config, DatabaseConfig } from "../Config.js"
import { defaultTopicSettings, type TopicSettings } from "../TopicSettings.js"
import type { DatabaseAddress } from "./addresses.js"
import type { ConfigProblem } from "./ConfigProblem.js"
import { contradictions } from "./contradictions.js"
import { allKeys, environmentName, keys } from "./keys.js"
import type { KeySpec } from "./KeySpec.js"
import { type ConfigSources, mergeSources, type Setting } from "./settings.js"

/** The whole configuration, or everything that is wrong with it. */
export const parseConfig = (sources: ConfigSources): Either.Either<Config, ReadonlyArray<ConfigProblem>> => {
  const reader = makeReader(sources)
  const client = readClient(reader, reader.required(keys.topics), reader.required(keys.registryUrls))
  const mysql = readDatabase(reader)
  return reader.finish(Option.zipWith(client, mysql, (kafka, database) => ({ ...kafka, mysql: database })))
}

/**
 * The part that commands need which use Kafka alone: no database has to be named, and topics may be left out (empty).
 * What is given of the rest must still be right.
 */
export const parseClientConfig = (
  sources: ConfigSources
): Either.Either<ClientConfig, ReadonlyArray<ConfigProblem>> => {
  const reader = makeReader(sources)
  const topics = Option.orElse(reader.optional(keys.topics), () => Option.some([]))
  const client = readClient(reader, topics, reader.required(keys.registryUrls))
  if (reader.given.has(keys.mysqlUrl.key)) readDatabase(reader)
  return reader.finish(client)
}

/** The part that commands need which look at the brokers: the registry may be left out too (empty). */
export const parseBrokersConfig = (
  sources: ConfigSources
): Either.Either<ClientConfig, ReadonlyArray<ConfigProblem>> => {
  const reader = makeReader(sources)
  const topics = Option.orElse(reader.optional(keys.topics), () => Option.some([]))
  const registryUrls = Option.orElse(reader.optional(keys.registryUrls), () => Option.some([]))
  const client = readClient(reader, topics, registryUrls)
  if (reader.given.has(keys.mysqlUrl.key)) readDatabase(reader)
  return reader.finish(client)
}

/** Every key's value as people may see it, and where it comes from. */
export const effectiveSettings = (
  sources: ConfigSources
): ReadonlyArray<{ readonly key: string; readonly value: string | undefined; readonly source: string }> => {
  const { given } = mergeSources(sources)
  return allKeys.map(({ display, fallback, key }) => {
    const setting = given.get(key)
    if (setting !== undefined) return { key, value: display(setting.text), source: setting.source }
    return { key, value: fallback, source: fallback === undefined ? "not set" : "default" }
  })
}

/** Reads keys one by one and remembers everything that is wrong, so that a person sees all of it at once. */
interface Reader {
  readonly given: ReadonlyMap<string, Setting>
  /** The value, its default, or nothing and a problem. */
  readonly required: <A>(spec: KeySpec<A>) => Option.Option<A>
  /** The same, but a value that nobody gives is no problem. */
  readonly optional: <A>(spec: KeySpec<A>) => Option.Option<A>
  readonly complain: (problem: ConfigProblem) => void
  readonly finish: <A extends ClientConfig & { readonly mysql?: DatabaseConfig }>(
    config: Option.Option<A>
  ) => Either.Either<A, ReadonlyArray<ConfigProblem>>
}

const makeReader = (sources: ConfigSources): Reader => {
  const { given, problems: nameProblems } = mergeSources(sources)
  const problems = Array.from(nameProblems)
  const decode = <A>(spec: KeySpec<A>, text: string, source: string): Option.Option<A> => {
    const value = Schema.decodeOption(spec.schema)(text)
    if (Option.isNone(value)) {
      const shown = spec.display(text)
      const expected = `expected ${spec.expected}`
      problems.push({ code: "TRB-1003", key: spec.key, value: shown, source, what: "not understood", expected })
    }
    return value
  }
  const optional = <A>(spec: KeySpec<A>): Option.Option<A> => {
    const setting = given.get(spec.key)
    if (setting !== undefined) return decode(spec, setting.text, setting.source)
    return spec.fallback === undefined ? Option.none() : decode(spec, spec.fallback, "default")
  }
  return {
    given,
    optional,
    required: (spec) => {
      if (!given.has(spec.key) && spec.fallback === undefined) problems.push(missing(spec))
      return optional(spec)
    },
    complain: (problem) => void problems.push(problem),
    finish: (config) => {
      if (Option.isSome(config)) problems.push(...contradictions(config.value, given))
      return Option.isSome(config) && problems.length === 0 ? Either.right(config.value) : Either.left(problems)
    }
  }
}

const missing = (spec: { readonly key: string; readonly expected: string }): ConfigProblem => ({
  code: "TRB-1002",
  key: spec.key,
  value: undefined,
  source: undefined,
  what: "missing",
  expected: `expected ${spec.expected}, in a file (-c), as ${environmentName(spec.key)} or by --set`
})

const readClient = (
  { given, optional, required }: Reader,
  topics: Option.Option<ReadonlyArray<string>>,
  registryUrls: Option.Option<ReadonlyArray<string>>
): Option.Option<ClientConfig> => {
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
  return Option.all({
    pipelineName: required(keys.pipelineName),
    bootstrapServers: required(keys.bootstrapServers),
    topics,
    registryUrls,
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
    tables: Option.map(required(keys.tableNameFormat), (tableNameFormat) => ({
      defaults: { ...defaultTopicSettings, tableNameFormat },
      byTopic: new Map<string, TopicSettings>()
    })),
    ddlLockTimeoutMs: required(keys.ddlLockTimeoutMs),
    retryBackoffMs: required(keys.retryBackoffMs),
    retryBackoffMaxMs: required(keys.retryBackoffMaxMs),
    shutdownTimeoutMs: required(keys.shutdownTimeoutMs),
    kafkaCommitAdvisory: required(keys.kafkaCommitAdvisory),
    logLevel: required(keys.logLevel),
    logFormat: required(keys.logFormat)
  })
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
