import * as Effect from "effect/Effect"
import { Admin, type TopicMissing } from "../../layers/Admin.js"
import type { KafkaRefused, KafkaUnavailable } from "../../layers/Consumer.js"
import type { RawLog } from "../../layers/RawLog.js"
import { type NewTopic, Topics } from "../../layers/Topics.js"
import { CommandError, ExitCode } from "../exitCodes.js"
import type { Printing } from "../execute.js"
import { printData } from "../report.js"
import { commandError } from "../serviceErrors.js"
import { contentOf } from "./content.js"
import { lastRecords } from "./lastRecords.js"
import { withTopic } from "./missing.js"
import { type ListedTopic, listReport, showReport } from "./report.js"
import type { AddPartitionsRequest, ShowRequest, TopicsRequest } from "./request.js"

type Services = Topics | Admin | RawLog
type Outcome = Effect.Effect<ExitCode, CommandError, Services>

/** The topic browser. */
export const topicsCommand = (request: TopicsRequest, printing: Printing): Outcome =>
  Effect.annotateLogs(answer(request, printing), { logger: "tributary.Topics" })

const answer = (request: TopicsRequest, printing: Printing): Outcome => {
  switch (request.kind) {
    case "list":
      return list(request.internal, printing)
    case "show":
      return show(request, printing)
    case "create":
      return create(request, printing)
    case "add-partitions":
      return addPartitions(request, printing)
  }
}

/** Requests to the brokers at the same time. */
const concurrency = 8

const list = (internal: boolean, { output }: Printing): Outcome =>
  Effect.gen(function*() {
    const topics = yield* Topics
    const found = yield* Effect.mapError(topics.list, commandError)
    const wanted = found.filter((topic) => internal || !topic.internal)
    const listed = yield* Effect.forEach(wanted, (layout) =>
      Effect.map(recordsOf(layout.topic), (records): ListedTopic => ({ layout, records })), { concurrency })
    yield* printData(output, listReport(listed, found.length - wanted.length))
    return ExitCode.done
  })

/** One topic that cannot be asked for its offsets hides none of the others. */
const recordsOf = (topic: string): Effect.Effect<bigint | undefined, never, Admin> =>
  Effect.flatMap(Admin, (admin) => admin.logRanges(topic)).pipe(
    Effect.map((ranges) => ranges.reduce((sum, { end, low }) => sum + end - low, 0n)),
    Effect.catchAll((error: TopicMissing | KafkaRefused | KafkaUnavailable) =>
      Effect.as(Effect.logWarning(`the records of ${topic} are not known: ${error.message}`), undefined)
    )
  )

const show = ({ all, last, topic }: ShowRequest, { output }: Printing): Outcome =>
  Effect.gen(function*() {
    const topics = yield* Topics
    const admin = yield* Admin
    const layout = yield* withTopic(topic, topics.describe(topic))
    const ranges = yield* withTopic(topic, admin.logRanges(topic))
    const settings = yield* withTopic(topic, topics.settings(topic))
    const records = yield* Effect.forEach(ranges, (range) =>
      Effect.map(lastRecords(topic, range, last), (found) =>
        found.map((record) => ({ ...record, partition: range.partition }))), { concurrency }).pipe(
        Effect.map((perPartition) =>
          perPartition.flat()
        ),
        Effect.mapError(commandError)
      )
    const content = yield* contentOf(records.map(({ record }) =>
      record
    ))
    yield* printData(output, showReport({ layout, ranges, settings, records, content, all }))
    return ExitCode.done
  })

const create = (topic: NewTopic, { output }: Printing): Outcome =>
  Effect.gen(function*() {
    const topics = yield* Topics
    const outcome = yield* Effect.mapError(topics.create(topic), cannotCreate)
    if (outcome === "exists") {
      return yield* new CommandError({
        code: "TRB-2006",
        exit: ExitCode.cannotCreate,
        what: `topic ${topic.topic} exists already`,
        cure: `tributary topics show ${topic.topic}`
      })
    }
    yield* printData(output, {
      table: () => `created ${topic.topic} with ${counted(topic.partitions)}`,
      json: () => ({ topic: topic.topic, partitions: topic.partitions, created: true })
    })
    return ExitCode.done
  })

const addPartitions = ({ to, topic }: AddPartitionsRequest, { output }: Printing): Outcome =>
  Effect.gen(function*() {
    const topics = yield* Topics
    const { partitions } = yield* withTopic(topic, topics.describe(topic))
    const before = partitions.length
    if (to < before) return yield* cannotShrink(topic, before, to)
    if (to > before) {
      yield* withTopic(topic, topics.addPartitions(topic, to))
      yield* Effect.logWarning(
        `from now on producers choose among ${to} partitions: records of one key may lie in an old and a new one, ` +
          `and are in order only within each; what was written before stays where it is`
      )
    }
    yield* printData(output, {
      table: () =>
        to === before ? `${topic} has ${counted(to)} already` : `${topic} grew from ${before} to ${counted(to)}`,
      json: () => ({ topic, before, partitions: to })
    })
    return ExitCode.done
  })

/** What the brokers refuse here is mostly not about rights: a replication factor, a key, a value. */
const cannotCreate = (error: KafkaRefused | KafkaUnavailable): CommandError =>
  error._tag === "KafkaUnavailable"
    ? commandError(error)
    : new CommandError({ code: "TRB-2002", exit: ExitCode.cannotCreate, what: error.what, cure: error.cure })

const counted = (partitions: number): string => `${partitions} partition${partitions === 1 ? "" : "s"}`

const cannotShrink = (topic: string, before: number, to: number): CommandError =>
  new CommandError({
    code: "TRB-1102",
    exit: ExitCode.usage,
    what: `topic ${topic} has ${before} partitions and cannot shrink to ${to}`,
    why: "Kafka never takes a partition away: its records and the offsets that groups have committed would be lost",
    cure: `make a topic with ${to} partitions and copy: tributary topics create NEW --partitions ${to}, ` +
      `then tributary transform ${topic} NEW`
  })
