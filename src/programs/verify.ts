import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { type Config, groupOf, settingsOf, tableOf } from "../domain/Config.js"
import {
  addDifferences,
  type Differences,
  joinRows,
  judge,
  noDifferences,
  overall,
  type PartitionFacts,
  type PartitionVerdict,
  type Stretch,
  stretchToCompare,
  sumRows
} from "../domain/verification.js"
import { Admin } from "../layers/Admin.js"
import { Destination, type PartitionRows } from "../layers/Destination.js"
import { LogReader } from "../layers/LogReader.js"
import type { Globals } from "./argv.js"
import { CommandError, ExitCode } from "./exitCodes.js"
import { commandError } from "./serviceErrors.js"
import { topicTables } from "./topicTables.js"
import { printVerdicts } from "./verdictReport.js"

export interface VerifyOptions {
  /** Undefined: all of the configuration's. */
  readonly topics: ReadonlyArray<string> | undefined
}

type VerifiedConfig = Pick<Config, "topics" | "consumerGroup" | "tables" | "autoOffsetReset">
type Services = Admin | Destination | LogReader

/** Offsets compared at once: bounds memory, whatever the size of the table, and reads little of the log twice. */
const windowOffsets = 50_000

/**
 * Whether every record is a row, once. Exit 2 where it is not; lag alone is no difference, because instances may run
 * meanwhile.
 */
export const verifyCommand = (
  config: VerifiedConfig,
  options: VerifyOptions & { readonly output: Globals["output"] }
): Effect.Effect<ExitCode, CommandError, Services> =>
  Effect.gen(function*() {
    const topics = options.topics ?? config.topics
    const foreign = topics.filter((topic) => !config.topics.includes(topic))
    if (foreign.length > 0) return yield* notConfigured(foreign, config.topics)
    const verdicts = yield* verifyTopics(config, topics).pipe(Effect.mapError(commandError))
    yield* printVerdicts(options.output, verdicts)
    if (verdicts.some(({ result }) => result === "offsets only")) {
      yield* Effect.logWarning(
        "where the rows of a table cannot be counted against records, only offsets were compared"
      )
    }
    return overall(verdicts) === "DIFFERENT" ? ExitCode.different : ExitCode.done
  }).pipe(Effect.annotateLogs({ logger: "tributary.Verify" }))

/** A verdict on each partition of each topic, in order. */
export const verifyTopics = (config: VerifiedConfig, topics: ReadonlyArray<string>) =>
  Effect.gen(function*() {
    const admin = yield* Admin
    const destination = yield* Destination
    // Rows before the log: an offset stored meanwhile then lies within the log as it is read afterwards. The other way
    // round a running instance could be called ahead of the log's end.
    const { rows, wanted } = yield* rowsOf(config, topics)
    return yield* Effect.forEach(wanted, ({ group, tables, topic }) =>
      Effect.gen(function*() {
        const inTopic = rows.filter((one) => one.topic === topic)
        const stored = inTopic.length > 0 ? yield* destination.stored(topic, group) : []
        const ranges = yield* admin.logRanges(topic)
        const known = new Set(ranges.map(({ partition }) => partition))
        const unknown = new Set(inTopic.map(({ partition }) => partition).filter((partition) => !known.has(partition)))
        // A partition that the topic does not have: an empty log, so that whatever is stored of it lies beyond its end.
        const empty = [...unknown].map((partition) => ({ partition, low: 0n, lastStable: 0n, end: 0n }))
        return yield* Effect.forEach([...ranges, ...empty], (log) => {
          const found = inTopic.filter(({ partition }) => partition === log.partition)
          const facts = factsOf(config, topic, log, found)
          const sourceId = stored.find(({ partition }) => partition === log.partition)?.sourceId ?? 0
          return Effect.map(differencesIn(facts, tables, sourceId), (differences) => judge(facts, differences))
        })
      })).pipe(Effect.map((perTopic): ReadonlyArray<PartitionVerdict> => perTopic.flat()))
  })

/** One snapshot of all tables. A table for a new record type that is made meanwhile would be missing in it: once more. */
const rowsOf = (config: VerifiedConfig, topics: ReadonlyArray<string>) =>
  Effect.gen(function*() {
    const destination = yield* Destination
    const tablesNow = Effect.forEach(topics, (topic) => topicTables(config, topic))
    let tables = yield* tablesNow
    while (true) {
      const wanted = topics.map((topic, index) => ({
        topic,
        group: groupOf(config, topic),
        tables: tables[index] ?? []
      }))
      const rows = yield* destination.snapshot(wanted.flatMap(({ group, tables: own, topic }) =>
        // Stored offsets are to be told also of a topic that has no table yet.
        (own.length === 0 ? [tableOf(config, topic)] : own).map((table) => ({ topic, group, table }))
      ))
      const after = yield* tablesNow
      if (after.flat().length === tables.flat().length) return { rows, wanted }
      tables = after
    }
  })

const factsOf = (
  config: VerifiedConfig,
  topic: string,
  log: PartitionFacts["log"],
  found: ReadonlyArray<PartitionRows>
): PartitionFacts => ({
  topic,
  log,
  stored: found[0]?.storedOffset,
  rows: found.length === 0 ? undefined : sumRows(found.map(({ rows }) => rows)),
  tables: found.length,
  mode: settingsOf(config, topic).insertMode,
  fromEarliest: config.autoOffsetReset === "earliest"
})

/**
 * Reads the whole stretch back, not only where rows are missing: an aborted record that became a row lies beside the gap
 * that its transaction's marker leaves.
 */
const differencesIn = (facts: PartitionFacts, tables: ReadonlyArray<string>, sourceId: number) =>
  Effect.gen(function*() {
    const stretch = stretchToCompare(facts)
    let differences = noDifferences
    if (stretch === undefined) return differences
    for (let from = stretch.from; from < stretch.to; from += BigInt(windowOffsets)) {
      const to = from + BigInt(windowOffsets) < stretch.to ? from + BigInt(windowOffsets) : stretch.to
      differences = yield* differencesInWindow(facts, tables, sourceId, { from, to }, differences)
    }
    return differences
  })

const differencesInWindow = (
  { log: { partition }, topic }: PartitionFacts,
  tables: ReadonlyArray<string>,
  sourceId: number,
  window: Stretch,
  before: Differences
) =>
  Effect.gen(function*() {
    const destination = yield* Destination
    const reader = yield* LogReader
    const request = { sourceId, partition, ...window, limit: windowOffsets }
    const rows = yield* Effect.forEach(tables, (table) => destination.rowOffsets({ ...request, table }))
    const letters = new Set(yield* destination.letterOffsets(request))
    const { differences: joined, present } = joinRows(before, rows)
    return yield* reader.entries({ topic, partition, ...window }).pipe(
      Stream.runFold(joined, (differences, entries) => addDifferences(differences, entries, present, letters))
    )
  })

const notConfigured = (foreign: ReadonlyArray<string>, topics: ReadonlyArray<string>): CommandError =>
  new CommandError({
    code: "TRB-1101",
    exit: ExitCode.usage,
    what: `not among kafka.topics: ${foreign.join(", ")}`,
    cure: `choose from ${topics.join(", ")}, or name the topic in kafka.topics`
  })
