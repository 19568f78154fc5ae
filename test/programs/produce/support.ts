import { FileSystem } from "@effect/platform"
import { SystemError } from "@effect/platform/Error"
import { Effect, Either, Fiber, Layer, Logger, LogLevel, Stream } from "effect"
import { readFileSync } from "node:fs"
import type { PropertySources } from "../../../src/domain/javaProperties.js"
import { readProducerProperties } from "../../../src/domain/producerProperties.js"
import type { Isolation } from "../../../src/layers/Consumer.js"
import { MemoryKafka } from "../../../src/layers/memory/MemoryKafka.js"
import { SchemaRegistry } from "../../../src/layers/SchemaRegistry.js"
import type { CommandError } from "../../../src/programs/exitCodes.js"
import { planProduce } from "../../../src/programs/produce/plan.js"
import { produceCommand } from "../../../src/programs/produce/produce.js"
import type { ProduceOptions } from "../../../src/programs/produce/ProduceOptions.js"
import { captured } from "../captured.js"

/** What `tributary produce` without options asks for. */
export const nothingAsked: ProduceOptions = {
  topic: undefined,
  topics: undefined,
  count: undefined,
  from: undefined,
  to: undefined,
  intervalMs: undefined,
  rate: 0,
  seed: 7,
  partitions: 3,
  file: undefined,
  format: "text",
  schema: undefined,
  mode: "async",
  partitioner: "key",
  partition: undefined,
  headers: [],
  print: false,
  transactionSize: undefined,
  abortRate: undefined,
  java: { properties: [], propertyFiles: [], flags: [] }
}

export const javaSettingsOf = (...properties: ReadonlyArray<string>) => {
  const sources: PropertySources = { files: [], properties, flags: [] }
  return Either.getOrThrow(readProducerProperties(sources))
}

export const planOf = (
  options: Partial<ProduceOptions>,
  ...properties: ReadonlyArray<string>
): Either.Either<Effect.Effect.Success<ReturnType<typeof planProduce>>, CommandError> =>
  planProduce({ ...nothingAsked, ...options }, javaSettingsOf(...properties))

export interface Run {
  readonly options?: Partial<ProduceOptions>
  readonly properties?: ReadonlyArray<string>
  /** Of the configuration. */
  readonly topics?: ReadonlyArray<string>
  readonly output?: "table" | "json"
  /** Pieces of stdin. */
  readonly input?: Stream.Stream<string>
  /** When the command is interrupted, as by a signal. */
  readonly signalMs?: number
}

/** Runs the command; its exit, and what it has said on both streams. */
export const produced = (
  { input = Stream.empty, options = {}, output = "json", properties = [], signalMs, topics = [] }: Run
) =>
  Effect.gen(function*() {
    const { console, err, out } = captured()
    const plan = yield* planOf(options, ...properties)
    const surroundings = { output, input: Stream.map(input, (text) => new Uint8Array(Buffer.from(text))) }
    const running = yield* produceCommand({ topics, shutdownTimeoutMs: 1_000 }, plan, surroundings).pipe(
      Effect.withConsole(console),
      Logger.withMinimumLogLevel(LogLevel.None),
      Effect.fork
    )
    if (signalMs !== undefined) yield* Effect.delay(Fiber.interrupt(running), signalMs)
    return { exit: yield* Fiber.await(running), out, err }
  })

/** What is in a topic, by partition. */
export const partitionsOf = (topic: string, isolation: Isolation = "read_uncommitted") =>
  Effect.map(MemoryKafka, (cluster) => (cluster.topics.get(topic)?.logs ?? []).map((log) => log.records(isolation)))

export const recordsOf = (topic: string, isolation?: Isolation) =>
  Effect.map(partitionsOf(topic, isolation), (partitions) => partitions.flat())

/** A registry that remembers what was registered, in order; the schema id is the place in it, from 1. */
export const makeRegistry = () => {
  const registered: Array<readonly [subject: string, schema: string]> = []
  const layer = Layer.mock(SchemaRegistry, {
    register: (subject, schema) => Effect.sync(() => registered.push([subject, schema]))
  })
  return { registered, layer }
}

/** Reads at once: what waits for the disk is not ruled by the test's clock. `files` go before those of the disk. */
export const fileSystem = (files: Readonly<Record<string, string>> = {}) =>
  FileSystem.layerNoop({
    readFileString: (path) => Effect.sync(() => files[path] ?? readFileSync(path, "utf8")),
    stream: (path) => {
      const text = files[path]
      return text === undefined
        ? Stream.fail(
          new SystemError({ reason: "NotFound", module: "FileSystem", method: "stream", pathOrDescriptor: path })
        )
        : Stream.make(new Uint8Array(Buffer.from(text)))
    }
  })
