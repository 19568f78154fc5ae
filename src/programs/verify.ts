import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { type Config, groupOf, tableOf } from "../domain/Config.js"
import {
  addDifferences,
  type Differences,
  judge,
  noDifferences,
  overall,
  type PartitionFacts,
  type PartitionVerdict,
  type Stretch,
  stretchToCompare
} from "../domain/verification.js"
import { Admin } from "../layers/Admin.js"
import { Destination, type PartitionRows } from "../layers/Destination.js"
import { LogReader } from "../layers/LogReader.js"
import type { Globals } from "./argv.js"
import { CommandError, ExitCode } from "./exitCodes.js"
import { commandError } from "./serviceErrors.js"
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
      yield* Effect.logWarning("only offsets were compared where a table lacks _source, _partition and _offset")
    }
    return overall(verdicts) === "DIFFERENT" ? ExitCode.different : ExitCode.done
  }).pipe(Effect.annotateLogs({ logger: "tributary.Verify" }))

/** A verdict on each partition of each topic, in order. */
export const verifyTopics = (config: VerifiedConfig, topics: ReadonlyArray<string>) =>
  Effect.gen(function*() {
    const admin = yield* Admin
    const destination = yield* Destination
    const wanted = topics.map((topic) => ({ topic, group: groupOf(config, topic), table: tableOf(config, topic) }))
    // Rows before the log: an offset stored meanwhile then lies within the log as it is read afterwards. The other way
    // round a running instance could be called ahead of the log's end.
    const rows = yield* destination.snapshot(wanted)
    return yield* Effect.forEach(wanted, ({ group, table, topic }) =>
      Effect.gen(function*() {
        const known = rows.some((one) => one.topic === topic)
        const stored = known ? yield* destination.stored(topic, group) : []
        const ranges = yield* admin.logRanges(topic)
        const unknown = rows.filter((one) =>
          one.topic === topic && !ranges.some((log) => log.partition === one.partition)
        )
        // A partition that the topic does not have: an empty log, so that whatever is stored of it lies beyond its end.
        const empty = unknown.map(({ partition }) => ({ partition, low: 0n, lastStable: 0n, end: 0n }))
        return yield* Effect.forEach([...ranges, ...empty], (log) => {
          const found = rows.find((one) => one.topic === topic && one.partition === log.partition)
          const facts = factsOf(config, topic, log, found)
          const sourceId = stored.find(({ partition }) => partition === log.partition)?.sourceId ?? 0
          return Effect.map(differencesIn(facts, table, sourceId), (differences) => judge(facts, differences))
        })
      })).pipe(Effect.map((perTopic): ReadonlyArray<PartitionVerdict> => perTopic.flat()))
  })

const factsOf = (
  config: VerifiedConfig,
  topic: string,
  log: PartitionFacts["log"],
  found: PartitionRows | undefined
): PartitionFacts => ({
  topic,
  log,
  stored: found?.storedOffset,
  rows: found?.rows,
  fromEarliest: config.autoOffsetReset === "earliest"
})

/**
 * Reads the whole stretch back, not only where rows are missing: an aborted record that became a row lies beside the gap
 * that its transaction's marker leaves.
 */
const differencesIn = (facts: PartitionFacts, table: string, sourceId: number) =>
  Effect.gen(function*() {
    const stretch = stretchToCompare(facts)
    let differences = noDifferences
    if (stretch === undefined) return differences
    for (let from = stretch.from; from < stretch.to; from += BigInt(windowOffsets)) {
      const to = from + BigInt(windowOffsets) < stretch.to ? from + BigInt(windowOffsets) : stretch.to
      differences = yield* differencesInWindow(facts, table, sourceId, { from, to }, differences)
    }
    return differences
  })

const differencesInWindow = (
  { log: { partition }, topic }: PartitionFacts,
  table: string,
  sourceId: number,
  window: Stretch,
  before: Differences
) =>
  Effect.gen(function*() {
    const destination = yield* Destination
    const reader = yield* LogReader
    const rows = yield* destination.rowOffsets({ table, sourceId, partition, ...window, limit: windowOffsets })
    const present = new Set(rows)
    return yield* reader.entries({ topic, partition, ...window }).pipe(
      Stream.runFold(before, (differences, entries) => addDifferences(differences, entries, present))
    )
  })

const notConfigured = (foreign: ReadonlyArray<string>, topics: ReadonlyArray<string>): CommandError =>
  new CommandError({
    code: "TRB-1101",
    exit: ExitCode.usage,
    what: `not among kafka.topics: ${foreign.join(", ")}`,
    cure: `choose from ${topics.join(", ")}, or name the topic in kafka.topics`
  })
