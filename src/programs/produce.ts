import * as FileSystem from "@effect/platform/FileSystem"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { fileURLToPath } from "node:url"
import type { ClientConfig } from "../domain/Config.js"
import { type Dataset, datasetRecord, datasets } from "../domain/datasets.js"
import { writeFrame } from "../domain/WireFormat.js"
import { Admin } from "../layers/Admin.js"
import { type AvroCodec, compile } from "../layers/avro/AvroCodec.js"
import { type Compression, type OutgoingRecord, Producer } from "../layers/Producer.js"
import { SchemaRegistry } from "../layers/SchemaRegistry.js"
import type { Globals } from "./argv.js"
import { type CommandError, ExitCode } from "./exitCodes.js"
import { printProduced, type TopicTotals } from "./producedReport.js"
import { commandError } from "./serviceErrors.js"

export interface ProduceOptions {
  /** Undefined: the configuration's, or the data sets' own names where it names none. */
  readonly topics: ReadonlyArray<string> | undefined
  /** Records for each topic. */
  readonly count: number
  /** Records a second over all topics; 0: no limit. */
  readonly rate: number
  readonly seed: number
  /** Index of the first record. */
  readonly from: number
  /** Of a topic that has to be created. */
  readonly partitions: number
  readonly tasks: number
  /** Of the producer that the caller provides; it is not chosen here. */
  readonly compression: Compression
}

/** Largest number of records sent at once: enough for good batches, little enough to encode between two heartbeats. */
const chunkRecordsMax = 500

/**
 * Fills topics with the demonstration data sets. A topic that is called like a data set gets that one, others get them
 * in turn. The same seed, count and start give the same records; with one task, in the same order.
 */
export const produceCommand = (
  config: Pick<ClientConfig, "topics">,
  options: ProduceOptions & { readonly output: Globals["output"] }
): Effect.Effect<ExitCode, CommandError, Admin | Producer | SchemaRegistry | FileSystem.FileSystem> =>
  Effect.gen(function*() {
    const named = options.topics ?? config.topics
    const sources = yield* Effect.forEach(
      named.length === 0 ? datasets : named,
      (topic, index) => prepareTopic(topic, datasetFor(topic, index), options)
    )
    const totals = new Map(sources.map(({ partitions, topic }) => [topic, emptyTotals(topic, partitions)]))
    const startedMs = yield* Clock.currentTimeMillis
    const report = Effect.flatMap(
      Clock.currentTimeMillis,
      (nowMs) => printProduced(options.output, Array.from(totals.values()), nowMs - startedMs)
    )
    const progress = Effect.forever(Effect.delay(logProgress(totals, options.count), "1 second"))
    yield* sendAll(sources, options, totals, startedMs).pipe(
      // What has arrived is told however it ends: a stopped producer's records stay in the topic.
      Effect.onExit(() => report),
      Effect.raceFirst(progress),
      Effect.mapError(commandError)
    )
    return ExitCode.done
  }).pipe(Effect.annotateLogs({ logger: "tributary.Producer" }))

interface Source {
  readonly topic: string
  readonly dataset: Dataset
  readonly codec: AvroCodec
  readonly schemaId: number
  readonly partitions: number
}

const datasetFor = (topic: string, index: number): Dataset =>
  datasets.find((dataset) => dataset === topic) ?? datasets[index % datasets.length] ?? "dataset1"

const emptyTotals = (topic: string, partitions: number): TopicTotals => ({
  topic,
  partitions,
  records: 0,
  bytes: 0,
  errors: 0,
  elapsedMs: 0
})

const prepareTopic = (topic: string, dataset: Dataset, options: ProduceOptions) =>
  Effect.gen(function*() {
    const admin = yield* Admin
    const registry = yield* SchemaRegistry
    const schemaText = yield* schemaOf(dataset)
    const codec = yield* Effect.orDie(compile(schemaText))
    const created = yield* admin.createTopic({ topic, partitions: options.partitions })
    const { partitions } = yield* admin.describeTopic(topic)
    const schemaId = yield* registry.register(`${topic}-value`, schemaText)
    yield* Effect.logInfo(`topic ${topic} ${created}`).pipe(
      Effect.annotateLogs({ dataset, partitions: partitions.length, schema: schemaId })
    )
    return { topic, dataset, codec, schemaId, partitions: partitions.length } satisfies Source
  }).pipe(Effect.mapError(commandError))

/** The schemas are part of the package, beside `src` and `dist` alike. */
const schemaOf = (dataset: Dataset): Effect.Effect<string, never, FileSystem.FileSystem> =>
  Effect.flatMap(
    FileSystem.FileSystem,
    (fs) => Effect.orDie(fs.readFileString(fileURLToPath(new URL(`../../schemas/${dataset}.avsc`, import.meta.url))))
  )

/** Tasks take the next piece of work as they become free, topics in turn, so that all topics fill at the same time. */
const sendAll = (
  sources: ReadonlyArray<Source>,
  options: ProduceOptions,
  totals: Map<string, TopicTotals>,
  startedMs: number
) => {
  const { count, from, rate, tasks } = options
  // A tenth of a second's worth, so that a rate is a flow and not a burst each second.
  const chunk = rate === 0 ? chunkRecordsMax : Math.min(chunkRecordsMax, Math.max(1, Math.round(rate / 10)))
  const rounds = Math.ceil(count / chunk)
  let next = 0
  let allowed = 0
  const task = Effect.gen(function*() {
    const producer = yield* Producer
    while (next < rounds * sources.length) {
      const turn = next++
      const source = sources[turn % sources.length]
      if (source === undefined) return
      const first = from + Math.floor(turn / sources.length) * chunk
      const records = encodeChunk(source, options.seed, first, Math.min(chunk, from + count - first))
      // Counted from the start, not from the last chunk: what one was late, the next ones make up for.
      const dueMs = rate === 0 ? 0 : startedMs + (allowed / rate) * 1000
      allowed += records.length
      const waitMs = dueMs - (yield* Clock.currentTimeMillis)
      if (waitMs > 0) yield* Effect.sleep(waitMs)
      yield* producer.send(source.topic, records).pipe(
        Effect.tapError(() => Effect.sync(() => add(totals, source.topic, { errors: records.length })))
      )
      const elapsedMs = (yield* Clock.currentTimeMillis) - startedMs
      const bytes = records.reduce((sum, record) => sum + (record.key?.length ?? 0) + (record.value?.length ?? 0), 0)
      add(totals, source.topic, { records: records.length, bytes, elapsedMs })
      // Encoding is plain work; without a turn of the scheduler a fast cluster would leave progress and signals waiting.
      yield* Effect.yieldNow()
    }
  })
  return Effect.all(Array.from({ length: tasks }, () => task), { concurrency: "unbounded", discard: true })
}

const encodeChunk = (
  { codec, dataset, schemaId }: Source,
  seed: number,
  first: number,
  length: number
): ReadonlyArray<OutgoingRecord> =>
  Array.from({ length }, (_, index) => {
    const { key, value } = datasetRecord(dataset, seed, first + index)
    return { key: Buffer.from(key), value: writeFrame(schemaId, codec.encode(value)) }
  })

const add = (totals: Map<string, TopicTotals>, topic: string, sent: Partial<TopicTotals>): void => {
  const sum = totals.get(topic)
  if (sum === undefined) return
  totals.set(topic, {
    ...sum,
    records: sum.records + (sent.records ?? 0),
    bytes: sum.bytes + (sent.bytes ?? 0),
    errors: sum.errors + (sent.errors ?? 0),
    elapsedMs: sent.elapsedMs ?? sum.elapsedMs
  })
}

const logProgress = (totals: ReadonlyMap<string, TopicTotals>, count: number): Effect.Effect<void> =>
  Effect.suspend(() => {
    const done = Array.from(totals.values()).reduce((sum, { records }) => sum + records, 0)
    return Effect.logInfo(`produced ${done} of ${count * totals.size} records`)
  })
