import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import type { Config } from "../../domain/Config.js"
import type { LogRange } from "../../domain/KafkaRecord.js"
import { Admin } from "../../layers/Admin.js"
import type { DestinationError } from "../../layers/Destination.js"
import { type GroupDescription, type GroupError, Groups } from "../../layers/Groups.js"
import { type Position, Positions } from "../../layers/Positions.js"
import { CommandError, ExitCode } from "../exitCodes.js"
import { commandError, type ServiceError } from "../serviceErrors.js"
import type { LagTarget } from "./targets.js"

/** One partition of one group at one moment. Undefined is what is not there, or could not be learned. */
export interface PartitionView {
  readonly topic: string
  readonly partition: number
  /** Where the group is: in the database for our own groups, in Kafka for others. */
  readonly committed: bigint | undefined
  /** What our own group has committed to Kafka beside it, for other tools to see. */
  readonly kafkaCommitted: bigint | undefined
  /** From where the lag counts: `committed`, or the log's start where a group of ours begins there. */
  readonly position: bigint | undefined
  /** End of what the group reads: the last stable offset for our own groups, the high watermark for others. */
  readonly end: bigint | undefined
  /** The member that has the partition: client id and address. */
  readonly owner: string | undefined
  /** Since the stored offset was last written. */
  readonly commitAgeMs: number | undefined
}

export interface GroupView extends LagTarget {
  /** Kafka's word for the group's state; "" where it is not known. */
  readonly kafkaState: string
  readonly members: number
  /** By topic and partition. */
  readonly partitions: ReadonlyArray<PartitionView>
  /** Why something of it, or all of it, is not known. */
  readonly problems: ReadonlyArray<CommandError>
}

export interface Observation {
  readonly atMs: number
  readonly groups: ReadonlyArray<GroupView>
}

type Answer<A> = Either.Either<A, ServiceError>

/** Topics whose ends are asked for at once. */
const concurrency = 8

/**
 * One look at all groups. Offsets first, then the ends of the logs, so that no offset seems to lie beyond its log; each
 * topic is asked for once, however many groups read it. What fails is the problem of the groups that it belongs to.
 */
export const observe = (
  config: Pick<Config, "autoOffsetReset">,
  targets: ReadonlyArray<LagTarget>
): Effect.Effect<Observation, never, Admin | Groups | Positions> =>
  Effect.gen(function*() {
    const atMs = yield* Clock.currentTimeMillis
    const [groups, admin, positions] = [yield* Groups, yield* Admin, yield* Positions]
    const own = targets.flatMap(({ group, topics = [] }) => topics.map((topic) => ({ topic, group })))
    const stored = own.length === 0 ? Either.right([]) : yield* Effect.either(positions.stored(own))
    const described = yield* groups.describe(targets.map(({ group }) => group))
    const topics = new Set(targets.flatMap((target) => [...topicsOf(target, described.get(target.group))]))
    const ends = new Map(
      yield* Effect.forEach(
        topics,
        (topic) => Effect.map(Effect.either(admin.logRanges(topic)), (ranges) => [topic, ranges] as const),
        { concurrency }
      )
    )
    return {
      atMs,
      groups: targets.map((target) => viewOf(config, target, described.get(target.group), stored, ends))
    }
  })

type Described = Either.Either<GroupDescription, GroupError> | undefined

/** Topics of which the group has offsets or partitions. */
const topicsOf = (target: LagTarget, described: Described): ReadonlySet<string> => {
  if (target.topics !== undefined) return new Set(target.topics)
  if (described === undefined || Either.isLeft(described)) return new Set()
  const { committed, members } = described.right
  return new Set([
    ...committed.map(({ topic }) => topic),
    ...members.flatMap(({ assignment }) => [...assignment.keys()])
  ])
}

const viewOf = (
  config: Pick<Config, "autoOffsetReset">,
  target: LagTarget,
  described: Described,
  stored: Either.Either<ReadonlyArray<Position>, DestinationError>,
  ends: ReadonlyMap<string, Answer<ReadonlyArray<LogRange>>>
): GroupView => {
  const { group } = target
  const isOwn = target.topics !== undefined
  const description = described === undefined ? undefined : Either.getOrUndefined(described)
  const rows = Either.getOrElse(stored, (): ReadonlyArray<Position> => []).filter((one) => one.group === group)
  const topics = [...topicsOf(target, described)].toSorted()
  const fromStart = config.autoOffsetReset === "earliest" && Either.isRight(stored)
  const failures = [
    ...(described === undefined ? [] : leftOf(described)),
    ...(isOwn ? leftOf(stored) : []),
    ...topics.flatMap((topic) => leftOf(ends.get(topic) ?? Either.right([])))
  ]
  const isMissing = !isOwn && topics.length === 0 && description?.state === "Dead"
  return {
    ...target,
    kafkaState: description?.state ?? "",
    members: description?.members.length ?? 0,
    partitions: topics.flatMap((topic) => {
      const ranges = Either.getOrElse(ends.get(topic) ?? Either.right([]), (): ReadonlyArray<LogRange> => [])
      const inTopic = { topic, ranges, owners: ownersOf(description, topic), kafka: committedOf(description, topic) }
      return isOwn ? ownPartitions(inTopic, rows, fromStart) : otherPartitions(inTopic)
    }),
    problems: [...failures.map(commandError), ...(isMissing ? [groupMissing(group)] : [])]
  }
}

interface InTopic {
  readonly topic: string
  readonly ranges: ReadonlyArray<LogRange>
  readonly owners: ReadonlyMap<number, string>
  /** Offsets committed to Kafka. */
  readonly kafka: ReadonlyMap<number, bigint>
}

/** All partitions of a topic of the pipeline. */
const ownPartitions = (
  { kafka, owners, ranges, topic }: InTopic,
  rows: ReadonlyArray<Position>,
  fromStart: boolean
): ReadonlyArray<PartitionView> => {
  const stored = new Map(rows.flatMap((one) => one.topic === topic ? [[one.partition, one] as const] : []))
  return ascending([...ranges.map(({ partition }) => partition), ...stored.keys()]).map((partition) => {
    const range = ranges.find((one) => one.partition === partition)
    const row = stored.get(partition)
    return {
      topic,
      partition,
      committed: row?.offset,
      kafkaCommitted: kafka.get(partition),
      position: row?.offset ?? (fromStart ? range?.low : undefined),
      end: range?.lastStable,
      owner: owners.get(partition),
      commitAgeMs: row?.ageMs
    }
  })
}

/** The partitions that another program's group has offsets of, or holds. */
const otherPartitions = ({ kafka, owners, ranges, topic }: InTopic): ReadonlyArray<PartitionView> =>
  ascending([...kafka.keys(), ...owners.keys()]).map((partition) => {
    const committed = kafka.get(partition)
    return {
      topic,
      partition,
      committed,
      kafkaCommitted: undefined,
      position: committed,
      end: ranges.find((one) => one.partition === partition)?.end,
      owner: owners.get(partition),
      commitAgeMs: undefined
    }
  })

const ascending = (partitions: ReadonlyArray<number>): ReadonlyArray<number> =>
  [...new Set(partitions)].toSorted((a, b) => a - b)

const committedOf = (description: GroupDescription | undefined, topic: string): ReadonlyMap<number, bigint> =>
  new Map(description?.committed.flatMap((one) => one.topic === topic ? [[one.partition, one.offset] as const] : []))

const ownersOf = (description: GroupDescription | undefined, topic: string): ReadonlyMap<number, string> =>
  new Map(
    description?.members.flatMap(({ assignment, clientId, host }) =>
      (assignment.get(topic) ?? []).map((partition) => [partition, `${clientId}@${host}`] as const)
    )
  )

const leftOf = (answer: Answer<unknown>): ReadonlyArray<ServiceError> => Either.isLeft(answer) ? [answer.left] : []

const groupMissing = (group: string): CommandError =>
  new CommandError({
    code: "TRB-2007",
    exit: ExitCode.failed,
    what: `Kafka knows no consumer group ${group}`,
    cure: "tributary lag --all-groups shows those that it knows"
  })
