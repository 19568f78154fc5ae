import * as Either from "effect/Either"
import { isTopicName } from "../../domain/config/addresses.js"
import { producerKeys } from "../../domain/javaKeys.js"
import type { JavaSettings } from "../../domain/javaProperties.js"
import type { ProducerSettings } from "../../domain/producerProperties.js"
import { usageError } from "../argv.js"
import { CommandError } from "../exitCodes.js"
import type { Partitioner } from "./place.js"
import type { Mode, ProduceOptions } from "./ProduceOptions.js"

export type SourcePlan =
  | {
    readonly kind: "data sets"
    readonly topics: ReadonlyArray<string> | undefined
    readonly first: number
    readonly count: number
  }
  | {
    readonly kind: "lines"
    readonly topic: string
    readonly file: string | undefined
    readonly format: "text" | "json"
  }
  | { readonly kind: "numbers"; readonly topic: string; readonly first: number; readonly last: number }
  | {
    readonly kind: "schema"
    readonly topic: string
    readonly file: string
    readonly first: number
    readonly count: number
  }

export interface TransactionPlan {
  readonly transactionalId: string
  readonly timeoutMs: number
  /** Records in each, but the last. */
  readonly records: number
  readonly abortRate: number
}

/** What `produce` does, checked: no two options contradict each other. */
export interface ProducePlan {
  readonly source: SourcePlan
  readonly mode: Mode
  readonly partitioner: Partitioner
  readonly headers: ReadonlyArray<readonly [name: string, value: Uint8Array]>
  readonly print: boolean
  /** Least time between two records over all topics; 0: no limit. */
  readonly recordMs: number
  readonly seed: number
  /** Of a topic that has to be created. */
  readonly partitions: number
  readonly transactions: TransactionPlan | undefined
  readonly settings: ProducerSettings
}

const countDefault = 1_000
const lastNumberDefault = 10_000
const transactionRecordsDefault = 1_000

/** The plan, or all that contradicts itself. */
export const planProduce = (
  options: ProduceOptions,
  java: JavaSettings<ProducerSettings>
): Either.Either<ProducePlan, CommandError> => {
  const source = sourceOf(options)
  const headers = options.headers.map(headerOf)
  const problems = [
    ...topicProblems(options),
    ...sourceProblems(options, source),
    ...formatProblems(source, java),
    ...sendingProblems(options, java.settings),
    ...headers.flatMap((header, index) =>
      header === undefined ? [`--header ${options.headers[index] ?? ""}: expected NAME=VALUE`] : []
    )
  ]
  if (problems.length > 0) return Either.left(contradiction(problems))
  const { settings } = java
  const { transactionalId } = settings
  return Either.right({
    source,
    mode: options.mode,
    partitioner: options.partition ?? (source.kind === "numbers" ? "round-robin" : options.partitioner),
    headers: headers.filter((header) => header !== undefined),
    print: options.print,
    recordMs: options.intervalMs ?? (options.rate === 0 ? 0 : 1_000 / options.rate),
    seed: options.seed,
    partitions: options.partitions,
    transactions: transactionalId === undefined ? undefined : {
      transactionalId,
      timeoutMs: settings.transactionTimeoutMs,
      records: options.transactionSize ?? transactionRecordsDefault,
      abortRate: options.abortRate ?? 0
    },
    settings
  })
}

const contradiction = (problems: ReadonlyArray<string>): CommandError => {
  const help = "See: tributary produce --help"
  const [only = ""] = problems
  if (problems.length === 1) return usageError(only, help)
  const { code, cure, exit } = usageError("", help)
  return new CommandError({ code, exit, cure, what: `the options have ${problems.length} problems`, details: problems })
}

const sourceOf = ({ count, file, format, from, intervalMs, schema, to, topic, topics }: ProduceOptions): SourcePlan => {
  const first = from ?? 0
  if (topic === undefined) return { kind: "data sets", topics, first, count: count ?? countDefault }
  if (schema !== undefined) return { kind: "schema", topic, file: schema, first, count: count ?? countDefault }
  if (file !== undefined) return { kind: "lines", topic, file, format }
  if (to !== undefined || (intervalMs !== undefined && count === undefined)) {
    return { kind: "numbers", topic, first: from ?? 1, last: to ?? lastNumberDefault }
  }
  if (count !== undefined) return { kind: "data sets", topics: [topic], first, count }
  return { kind: "lines", topic, file, format }
}

const topicProblems = ({ file, schema, to, topic, topics }: ProduceOptions): ReadonlyArray<string> => {
  if (topic === undefined) {
    const wanting = Object.entries({ file, schema, to }).flatMap(([name, value]) => value === undefined ? [] : [name])
    return wanting.map((name) => `--${name} wants a TOPIC: tributary produce TOPIC --${name} …`)
  }
  return [
    ...(topics === undefined ? [] : [`TOPIC ${topic} and --topics ${topics.join(",")} both name topics: keep one`]),
    ...(isTopicName(topic) ? [] : [`${topic} cannot be a topic's name: letters, digits, . _ - and at most 249 of them`])
  ]
}

const sourceProblems = (options: ProduceOptions, source: SourcePlan): ReadonlyArray<string> => {
  const { count, file, format, from, intervalMs, rate, schema, to, topic } = options
  const given = Object.entries({ schema, file, to }).flatMap(([name, value]) =>
    value === undefined ? [] : [`--${name}`]
  )
  const countless = source.kind === "lines" || source.kind === "numbers"
  return [
    ...(topic === undefined || given.length < 2 ? [] : [`${given.join(" and ")} name different sources: keep one`]),
    ...(count !== undefined && countless ? [`--count does not go with ${source.kind}`] : []),
    ...(from !== undefined && source.kind === "lines" ? ["--from does not go with lines"] : []),
    ...(format === "json" && source.kind !== "lines" ? [`--format json is for lines, not for ${source.kind}`] : []),
    ...(source.kind === "numbers" && source.first > source.last
      ? [`--from ${source.first} lies behind --to ${source.last}`]
      : []),
    ...(rate > 0 && intervalMs !== undefined ? [`--rate ${rate} and --interval say the same: keep one`] : [])
  ]
}

const formatProblems = (
  { kind }: SourcePlan,
  { given, settings }: JavaSettings<ProducerSettings>
): ReadonlyArray<string> => {
  const { keyFormat, valueFormat } = producerKeys
  const said = ({ key }: { readonly key: string }) => `${key}=${given.get(key)?.text ?? ""}`
  const avro = kind === "data sets" || kind === "schema"
  return [
    ...(settings.keyFormat === "avro" ? [`${said(keyFormat)}: keys are text or bytes here`] : []),
    ...(settings.valueFormat === "avro" && !avro
      ? [`${said(valueFormat)} wants a schema (--schema) or the data sets`]
      : []),
    ...(settings.valueFormat !== "avro" && avro && given.has(valueFormat.key)
      ? [`${said(valueFormat)} does not go with ${kind === "schema" ? "--schema" : "the data sets"}: they are Avro`]
      : [])
  ]
}

const sendingProblems = (
  { abortRate, mode, partition, partitioner, print, transactionSize }: ProduceOptions,
  { transactionalId }: ProducerSettings
): ReadonlyArray<string> => {
  const forget = mode === "fire-and-forget"
  const wanting = Object.entries({ "transaction-size": transactionSize, "abort-rate": abortRate })
  return [
    ...(partition !== undefined && partitioner === "round-robin"
      ? [`--partition ${partition} and --partitioner round-robin choose differently: keep one`]
      : []),
    ...(forget && transactionalId !== undefined
      ? [
        "--mode fire-and-forget does not go with --transactional-id: only what is known to have arrived can be committed"
      ]
      : []),
    ...(forget && print ? ["--print wants the answers that --mode fire-and-forget does not wait for"] : []),
    ...wanting.flatMap(([name, value]) =>
      value === undefined || transactionalId !== undefined ? [] : [`--${name} wants --transactional-id`]
    )
  ]
}

const headerOf = (text: string): readonly [name: string, value: Uint8Array] | undefined => {
  const [, name, value] = /^([^=]+)=(.*)$/s.exec(text) ?? []
  return name === undefined || value === undefined ? undefined : [name, Buffer.from(value)]
}
