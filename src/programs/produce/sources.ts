import * as FileSystem from "@effect/platform/FileSystem"
import type { PlatformError } from "@effect/platform/Error"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Stream from "effect/Stream"
import { fileURLToPath } from "node:url"
import type { AvroRefused } from "../../domain/avro/AvroRefused.js"
import { randomValues } from "../../domain/avro/randomValue.js"
import { type Dataset, datasetRecord, datasets } from "../../domain/datasets.js"
import { jsonRecord, type LineRecord, LineSplitter, textRecord } from "../../domain/inputLines.js"
import { makeRandom, seedOf } from "../../domain/random.js"
import { writeFrame } from "../../domain/WireFormat.js"
import { Admin } from "../../layers/Admin.js"
import { compile } from "../../layers/avro/AvroCodec.js"
import { SchemaRegistry } from "../../layers/SchemaRegistry.js"
import { CommandError, ExitCode } from "../exitCodes.js"
import { commandError } from "../serviceErrors.js"
import type { PlacedRecord } from "./accumulator.js"
import { makeTarget, type Target } from "./place.js"
import type { ProducePlan, SourcePlan } from "./plan.js"

/** Some records of one topic, in order. */
export interface Piece {
  readonly topic: string
  readonly records: ReadonlyArray<PlacedRecord>
}

export interface Source {
  readonly targets: ReadonlyArray<Target>
  /** Undefined: nobody knows. */
  readonly total: number | undefined
  readonly pieces: Stream.Stream<Piece, CommandError>
}

type Of<Kind extends SourcePlan["kind"]> = Extract<SourcePlan, { readonly kind: Kind }>
type Services = Admin | SchemaRegistry | FileSystem.FileSystem
type Bytes = Stream.Stream<Uint8Array, PlatformError>

/** Longest line; a broker takes records of 1 MiB by default. */
const lineBytesMax = 64 * 1024 * 1024

/**
 * Creates the topics that do not exist, registers what schemas there are, and opens the source. `pieceRecords`: most
 * records that are made at once where they are made here. `input`: lines, where no file is named.
 */
export const openSource = (
  plan: ProducePlan,
  named: ReadonlyArray<string>,
  pieceRecords: number,
  input: Bytes
): Effect.Effect<Source, CommandError, Services> => {
  const { source } = plan
  switch (source.kind) {
    case "data sets":
      return datasetSource(source, plan, named, pieceRecords)
    case "schema":
      return schemaSource(source, plan, pieceRecords)
    case "numbers":
      return Effect.map(openTopic(plan, source.topic), (target) => {
        const make = (index: number): LineRecord => ({ key: null, value: Buffer.from(String(source.first + index)) })
        const count = source.last - source.first + 1
        return { targets: [target], total: count, pieces: inTurn([{ target, make }], 0, count, pieceRecords) }
      })
    case "lines":
      return Effect.gen(function*() {
        const target = yield* openTopic(plan, source.topic)
        const fs = yield* FileSystem.FileSystem
        const bytes = source.file === undefined ? input : fs.stream(source.file)
        return { targets: [target], total: undefined, pieces: lines(source, target, bytes) }
      })
  }
}

/** A topic that is filled with records which are made by their index. */
interface Made {
  readonly target: Target
  readonly make: (index: number) => LineRecord
}

/** Topics in turn, so that all of them fill at the same time. */
const inTurn = (
  made: ReadonlyArray<Made>,
  first: number,
  count: number,
  pieceRecords: number
): Stream.Stream<Piece> =>
  Stream.unfold(0, (turn) => {
    const done = Math.floor(turn / made.length) * pieceRecords
    const now = made[turn % made.length]
    if (now === undefined || done >= count) return Option.none()
    const { make, target } = now
    const records = Array.from(
      { length: Math.min(pieceRecords, count - done) },
      (_, index) => target.place(make(first + done + index))
    )
    return Option.some([{ topic: target.topic, records }, turn + 1])
  })

/** A topic that is called like a data set gets that one, others get them in turn. */
const datasetSource = (
  source: Of<"data sets">,
  plan: ProducePlan,
  named: ReadonlyArray<string>,
  pieceRecords: number
): Effect.Effect<Source, CommandError, Services> =>
  Effect.gen(function*() {
    const wanted = source.topics ?? named
    const made = yield* Effect.forEach(wanted.length === 0 ? datasets : wanted, (topic, index) =>
      Effect.gen(function*() {
        const dataset = datasets.find((each) => each === topic) ?? datasets[index % datasets.length] ?? "dataset1"
        const target = yield* openTopic(plan, topic)
        const encode = yield* avroEncoder(topic, yield* schemaOf(dataset), dataset)
        const make = (at: number): LineRecord => {
          const { key, value } = datasetRecord(dataset, plan.seed, at)
          return { key: Buffer.from(key), value: encode(value) }
        }
        return { target, make }
      }))
    const { count, first } = source
    return {
      targets: made.map(({ target }) => target),
      total: count * made.length,
      pieces: inTurn(made, first, count, pieceRecords)
    }
  })

/** The schemas are part of the package, beside `src` and `dist` alike. */
const schemaOf = (dataset: Dataset): Effect.Effect<string, never, FileSystem.FileSystem> =>
  Effect.flatMap(
    FileSystem.FileSystem,
    (fs) => Effect.orDie(fs.readFileString(fileURLToPath(new URL(`../../../schemas/${dataset}.avsc`, import.meta.url))))
  )

const schemaSource = (
  { count, file, first, topic }: Of<"schema">,
  plan: ProducePlan,
  pieceRecords: number
): Effect.Effect<Source, CommandError, Services> =>
  Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    const text = yield* Effect.mapError(fs.readFileString(file), (error) => unreadable(file, error))
    // Looked at before the topic is made: a schema that is wrong leaves nothing behind.
    const codec = yield* compiled(text, file)
    const valueOf = yield* Effect.mapError(randomValues(codec.schema), (refused) => refusedSchema(refused, file))
    const target = yield* openTopic(plan, topic)
    const encode = yield* avroEncoder(topic, text, file)
    const make = (at: number): LineRecord => ({ key: null, value: encode(valueOf(makeRandom(seedOf(plan.seed, at)))) })
    return { targets: [target], total: count, pieces: inTurn([{ target, make }], first, count, pieceRecords) }
  })

const compiled = (schemaText: string, where: string) =>
  Effect.mapError(compile(schemaText), (refused) => refusedSchema(refused, where))

const refusedSchema = (refused: AvroRefused, where: string): CommandError =>
  new CommandError({
    code: "TRB-1201",
    exit: ExitCode.undecodable,
    what: "values of the schema cannot be made",
    where,
    why: refused.message,
    cure: "correct the schema"
  })

/** Registers the schema for the topic's values. */
const avroEncoder = (topic: string, schemaText: string, name: string) =>
  Effect.gen(function*() {
    const registry = yield* SchemaRegistry
    const codec = yield* compiled(schemaText, name)
    const schemaId = yield* Effect.mapError(registry.register(`${topic}-value`, schemaText), commandError)
    yield* Effect.logInfo(`schema of ${topic}: ${name}`).pipe(Effect.annotateLogs({ schema: schemaId }))
    return (value: unknown): Uint8Array => writeFrame(schemaId, codec.encode(value))
  })

const openTopic = (
  { headers, partitioner, partitions: wanted }: ProducePlan,
  topic: string
): Effect.Effect<Target, CommandError, Admin> =>
  Effect.gen(function*() {
    const admin = yield* Admin
    const created = yield* Effect.mapError(admin.createTopic({ topic, partitions: wanted }), commandError)
    const { partitions } = yield* Effect.mapError(admin.describeTopic(topic), commandError)
    yield* Effect.logInfo(`topic ${topic} ${created}`).pipe(Effect.annotateLogs({ partitions: partitions.length }))
    if (typeof partitioner === "number" && partitioner >= partitions.length) {
      return yield* noSuchPartition(topic, partitioner, partitions.length, "--partition")
    }
    return makeTarget(topic, partitions.length, partitioner, headers)
  })

const noSuchPartition = (topic: string, partition: number, partitions: number, where: string): CommandError =>
  new CommandError({
    code: "TRB-1202",
    exit: ExitCode.usage,
    what: `topic ${topic} has no partition ${partition}`,
    where,
    cure: `choose one from 0 to ${partitions - 1}`
  })

const lines = (
  { file, format }: Of<"lines">,
  target: Target,
  bytes: Bytes
): Stream.Stream<Piece, CommandError> =>
  Stream.suspend(() => {
    const where = file ?? "stdin"
    const splitter = new LineSplitter()
    let line = 0
    /** The records up to a line that is none, and then why it is none. */
    const place = (found: ReadonlyArray<Uint8Array>): Stream.Stream<Piece, CommandError> => {
      const records: Array<PlacedRecord> = []
      const piece = { topic: target.topic, records }
      for (const text of found) {
        line += 1
        const record = readLine(text, format, target, `${where}, line ${line}`)
        if (record instanceof CommandError) return Stream.concat(Stream.succeed(piece), Stream.fail(record))
        records.push(target.place(record))
      }
      return Stream.succeed(piece)
    }
    const whole = bytes.pipe(
      Stream.mapError((error) => unreadable(where, error)),
      Stream.flatMap((bytesRead) => {
        const placed = place(splitter.push(bytesRead))
        if (splitter.pendingBytes <= lineBytesMax) return placed
        return Stream.concat(
          placed,
          Stream.fail(badLine(`${where}, line ${line + 1}`, `longer than ${lineBytesMax} bytes`))
        )
      })
    )
    return Stream.concat(whole, Stream.suspend(() => place(splitter.end())))
  })

const readLine = (
  text: Uint8Array,
  format: "text" | "json",
  { partitions, topic }: Target,
  where: string
): LineRecord | CommandError => {
  if (format === "text") return textRecord(text)
  const record = jsonRecord(text)
  if (record._tag === "Left") return badLine(where, record.left)
  const { partition } = record.right
  return partition === undefined || partition < partitions
    ? record.right
    : noSuchPartition(topic, partition, partitions, where)
}

/** What the line holds is not shown. */
const badLine = (where: string, why: string): CommandError =>
  new CommandError({
    code: "TRB-1203",
    exit: ExitCode.undecodable,
    what: "a line is not a record; the ones before it were sent",
    where,
    why,
    cure: "correct the line; --format json wants {\"key\": …, \"value\": …} on each"
  })

const unreadable = (where: string, error: PlatformError): CommandError =>
  new CommandError({
    code: "TRB-1204",
    exit: ExitCode.io,
    what: Predicate.isTagged(error, "SystemError") && error.reason === "NotFound" ? "no such file" : "cannot be read",
    where,
    cure: "name a file that this account may read"
  })
