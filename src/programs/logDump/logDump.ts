import * as Effect from "effect/Effect"
import { batchCodecs } from "../../layers/kafka/codecs.js"
import { Admin } from "../../layers/Admin.js"
import { RawLog, SegmentFiles, type SegmentUnreadable } from "../../layers/RawLog.js"
import type { Topics } from "../../layers/Topics.js"
import { CommandError, ExitCode } from "../exitCodes.js"
import type { Printing } from "../execute.js"
import { commandError } from "../serviceErrors.js"
import { withTopic } from "../topics/missing.js"
import { dumpLog, type Seen } from "./dump.js"
import type { LogDumpOptions } from "./options.js"

/** Prints segment files as Kafka's own tool does. Exit 65 where something in them is damaged. */
export const dumpFilesCommand = (
  options: LogDumpOptions & Printing
): Effect.Effect<ExitCode, CommandError, SegmentFiles> =>
  Effect.gen(function*() {
    const segments = yield* SegmentFiles
    const seen = yield* Effect.forEach(options.files, (given) => {
      // As Java prints a path.
      const name = given.replaceAll(/\/{2,}/g, "/")
      const shortName = name.slice(name.lastIndexOf("/") + 1)
      const start = /^(\d+)(?:\.|$)/.exec(shortName)?.[1]
      const title = [`Dumping ${name}`, ...start === undefined ? [] : [`Log starting offset: ${BigInt(start)}`]]
      const pieces = segments.pieces(given)
      return dumpLog({ name, shortName, title }, pieces, batchCodecs, options, options.output).pipe(
        Effect.mapError(unreadable)
      )
    })
    return yield* verdict(seen)
  }).pipe(Effect.annotateLogs(logger))

/** Prints the logs of partitions, fetched from their leaders, in the same form. Exit 65 where something is damaged. */
export const dumpTopicsCommand = (
  options: LogDumpOptions & Printing
): Effect.Effect<ExitCode, CommandError, RawLog | Admin | Topics> =>
  Effect.gen(function*() {
    const admin = yield* Admin
    const raw = yield* RawLog
    const seen: Array<Seen> = []
    for (const { partition, topic } of options.logs) {
      const ranges = yield* withTopic(topic, admin.logRanges(topic))
      const wanted = ranges.filter((range) => partition === undefined || range.partition === partition)
      if (wanted.length === 0) return yield* noPartition(topic, partition, ranges.length)
      for (const range of wanted) {
        const name = `${topic}-${range.partition}`
        const from = options.from > range.low ? options.from : range.low
        const to = options.to !== undefined && options.to < range.end ? options.to : range.end
        const title = [
          `Dumping ${name} as its leader sends it: positions count from the first batch`,
          `Log starting offset: ${range.low}`
        ]
        const pieces = raw.pieces({ topic, partition: range.partition, from, to })
        const dumped = dumpLog({ name, shortName: name, title }, pieces, batchCodecs, options, options.output)
        seen.push(yield* Effect.mapError(dumped, commandError))
      }
    }
    return yield* verdict(seen)
  }).pipe(Effect.annotateLogs(logger))

const logger = { logger: "tributary.LogDump" } as const

const verdict = (seen: ReadonlyArray<Seen>): Effect.Effect<ExitCode, CommandError> =>
  Effect.gen(function*() {
    for (const { firstGap, gapCount } of seen) {
      if (firstGap === undefined) continue
      yield* Effect.logWarning(
        `offsets are not consecutive at ${gapCount} places, which compaction does; the first: ` +
          `${firstGap[0]} is followed by ${firstGap[1]}`
      )
    }
    const damages = seen.flatMap((each) => each.damages)
    const count = seen.reduce((sum, { damageCount }) => sum + damageCount, 0)
    if (count === 0) return ExitCode.done
    const more = count - damages.length
    return yield* new CommandError({
      code: "TRB-3120",
      exit: ExitCode.undecodable,
      what: count === 1 ? "the log is damaged" : `the log is damaged at ${count} places`,
      details: [
        ...damages.map(({ log, position, what }) => `${log} at byte ${position}: ${what}`),
        ...more > 0 ? [`${more} more`] : []
      ],
      cure: "bytes at the end may be a write in progress: look again. Else restore the file, or let the broker do so " +
        "from another replica: stop it, move the partition's folder away, start it"
    })
  })

const unreadable = ({ message }: SegmentUnreadable): CommandError =>
  new CommandError({
    code: "TRB-3121",
    exit: ExitCode.io,
    what: message,
    cure: "name a file that exists and may be read; a topic's log is dumped by --topic TOPIC --partition P"
  })

const noPartition = (topic: string, partition: number | undefined, count: number): CommandError =>
  new CommandError({
    code: "TRB-2008",
    exit: ExitCode.configuration,
    what: `topic ${topic} has no partition ${partition}`,
    cure: `choose one from 0 to ${count - 1}`
  })
