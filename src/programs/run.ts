import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import { type Config, groupOf } from "../domain/Config.js"
import { Admin } from "../layers/Admin.js"
import type { Consumer } from "../layers/Consumer.js"
import { Destination } from "../layers/Destination.js"
import type { SchemaRegistry } from "../layers/SchemaRegistry.js"
import type { Topics } from "../layers/Topics.js"
import { type CommandError, ExitCode } from "./exitCodes.js"
import { groupsFailed } from "./groupsFailed.js"
import { type Backoff, throughOutage } from "./outage.js"
import { comingTopics, withPresentTopics } from "./patternTopics.js"
import { listen, makeMemberStops, type MemberStops } from "./memberStops.js"
import { makeByteBudget } from "./PartitionQueue.js"
import { groupsOf, type Job, topicJobs } from "./runGroups.js"
import { commandError } from "./serviceErrors.js"
import { drain, keepRunning } from "./supervise.js"
import { runTopic } from "./topicPipeline.js"

const endStoredEvery = "200 millis"
/** Whatever is wrong is said, and stopped, by the partitions; here it only means "not yet". */
const anyError = [
  "KafkaUnavailable",
  "KafkaRefused",
  "TopicMissing",
  "DestinationUnavailable",
  "DestinationRefused"
] as const

type Services = Admin | Consumer | Destination | SchemaRegistry | Topics

export interface RunOptions {
  /** Stop when the ends that the topics have at the start are stored. */
  readonly untilEnd: boolean
  /** Members of several groups, instead of one for each topic. */
  readonly groups?: RunGroups
}

export interface RunGroups {
  readonly jobs: ReadonlyArray<Job>
  /** Takes `stop MEMBER`, a line each. */
  readonly input: Stream.Stream<Uint8Array, unknown>
}

/**
 * The main job: consumes every topic into its table until it is interrupted. An interruption stops the intake, lets the
 * running transactions finish, leaves the groups, and drops what is queued: it is safe in Kafka. Of several groups one
 * that fails does not touch the others; the end tells that there was one.
 */
export const runCommand = (
  configured: Config,
  options: RunOptions
): Effect.Effect<ExitCode, CommandError, Services> =>
  Effect.gen(function*() {
    yield* Effect.logInfo("kafka consumer application start...")
    const destination = yield* Destination
    const backoff = { baseMs: configured.retryBackoffMs, maxMs: configured.retryBackoffMaxMs }
    yield* throughOutage("database", backoff, destination.prepare, ["DestinationUnavailable"]).pipe(
      Effect.mapError(commandError)
    )
    const config = yield* throughOutage("list of topics", backoff, withPresentTopics(configured), ["KafkaUnavailable"])
      .pipe(Effect.mapError(commandError))
    const budget = makeByteBudget(config.queueMaxBytes)
    const { groups } = options
    const jobs = (groups?.jobs ?? topicJobs(config)).map(withPositions)
    const stops = makeMemberStops()
    const active = new Set<Job>(jobs)
    const failed = new Set<string>()
    const keptRunning = (job: PositionedJob) =>
      keepRunning(job.topic, runTopic(job.config, job.topic, budget, job.positions))
    const memberships = jobs.map((job) => {
      const running = keptRunning(job)
      if (job.member === undefined) return running
      return groupMember(job.member, running, stops, () => failed.add(groupName(job))).pipe(
        Effect.ensuring(Effect.sync(() => active.delete(job)))
      )
    })
    if (groups !== undefined) yield* announceMembers(groups.jobs)
    const listening = groups === undefined ? Effect.never : Effect.zipRight(listen(stops, groups.input), Effect.never)
    const joining = joinComing(config, (job) => Effect.suspend(() => (jobs.push(job), keptRunning(job))))
    const running = yield* Effect.forkDaemon(
      Effect.raceFirst(Effect.all([...memberships, joining], { concurrency: "unbounded", discard: true }), listening)
    )
    // Not a child of this fiber: its end is awaited here, and only for so long.
    const ended = Fiber.join(running)
    const done = options.untilEnd ? Effect.raceFirst(endStored(active, backoff), ended) : ended
    const failure = Effect.suspend(() =>
      failed.size === 0 ? Effect.void : groupsFailed([...failed], groupsOf(jobs).length)
    )
    yield* done.pipe(
      Effect.onExit(() => drain(config, running, reportStored(jobs))),
      // Stopped by a signal, the process has nothing else left that could tell.
      Effect.onInterrupt(() => Effect.orDie(failure))
    )
    yield* failure
    return ExitCode.done
  })

type PositionedJob = Job & { readonly positions: Map<number, bigint> }

/** With the stored offsets as this instance has committed them. */
const withPositions = (job: Job): PositionedJob => ({ ...job, positions: new Map<number, bigint>() })

/** Topics that the pattern matches later are read from their beginning: nobody was there to choose an end of theirs. */
const joinComing = <E, R>(
  config: Config,
  run: (job: PositionedJob) => Effect.Effect<never, E, R>
): Effect.Effect<void, E, R | Topics> => {
  const { autoOffsetReset, topicPattern, topics } = config
  if (topicPattern === undefined) return Effect.void
  const own: Config = { ...config, autoOffsetReset: autoOffsetReset === "latest" ? "earliest" : autoOffsetReset }
  return comingTopics(config, topicPattern, topics).pipe(
    Stream.mapEffect(
      (topic) =>
        Effect.zipRight(
          Effect.logInfo(`topic ${topic} is new and matches kafka.topics.regex: it is read from its beginning`),
          run(withPositions({ config: own, topic, member: undefined }))
        ),
      { concurrency: "unbounded" }
    ),
    Stream.runDrain
  )
}

const groupName = ({ config, topic }: Job): string => `group ${groupOf(config, topic)} on ${topic}`

/**
 * Returns when the stored offsets have reached the ends that the topics have now, but for those of groups of which no
 * member is active any more.
 */
const endStored = (active: ReadonlySet<Job>, backoff: Backoff): Effect.Effect<void, never, Admin | Destination> =>
  Effect.gen(function*() {
    const pairs = groupsOf([...active])
    const admin = yield* Admin
    const destination = yield* Destination
    const ends = Effect.forEach(pairs, ({ topic }) => admin.logRanges(topic))
    const ranges = yield* throughOutage("ends of the topics", backoff, ends, anyError)
    const stored = Effect.forEach(pairs, ({ group, topic }) => destination.stored(topic, group))
    const reached = Effect.map(
      throughOutage("stored offsets", backoff, stored, anyError),
      (rows) => {
        const left = new Set(groupsOf([...active]).map(keyOf))
        return pairs.every((pair, index) => {
          if (!left.has(keyOf(pair))) return true
          const topicRanges = ranges[index] ?? []
          const offsets = new Map(rows[index]?.map(({ offset, partition }) => [partition, offset]))
          return topicRanges.every(({ lastStable, partition }) => (offsets.get(partition) ?? 0n) >= lastStable)
        })
      }
    )
    yield* Effect.repeat(reached, { until: (done) => done, schedule: Schedule.spaced(endStoredEvery) })
  })

const keyOf = ({ group, topic }: { readonly group: string; readonly topic: string }): string =>
  JSON.stringify([group, topic])

/** What one membership fails with does not end the others. */
const groupMember = <R>(
  member: string,
  running: Effect.Effect<never, CommandError, R>,
  stops: MemberStops,
  onFailure: () => void
): Effect.Effect<void, never, R> =>
  stops.until(member, running).pipe(
    Effect.zipRight(Effect.logInfo(`${member} has stopped`)),
    Effect.catchAll((error) =>
      Effect.zipRight(Effect.sync(onFailure), Effect.logError(`${member} is stopped: ${error.what}; ${error.cure}`))
    ),
    Effect.annotateLogs({ member })
  )

/** How many members there are, and which can have nothing to do: a partition is read by one member of a group. */
const announceMembers = (jobs: ReadonlyArray<Job>): Effect.Effect<void, never, Admin> =>
  Effect.gen(function*() {
    const admin = yield* Admin
    const groups = groupsOf(jobs)
    const parts = groups.map(({ group, members, topic }) => `${members} of group ${group} on ${topic}`)
    yield* Effect.logInfo(`${jobs.length} members: ${parts.join(", ")}`)
    for (const { group, members, topic } of groups) {
      // Why a topic cannot be described, its members are going to say.
      const described = yield* Effect.option(admin.describeTopic(topic))
      const idle = Option.isNone(described) ? 0 : members - described.value.partitions.length
      if (idle > 0) yield* Effect.logInfo(`group ${group} on ${topic}: ${idle} of ${members} members stand by`)
    }
  })

const reportStored = (
  jobs: ReadonlyArray<{ readonly topic: string; readonly positions: ReadonlyMap<number, bigint> }>
): Effect.Effect<void> =>
  Effect.suspend(() => {
    const reached = jobs.flatMap(({ positions, topic }) =>
      [...positions].toSorted(([a], [b]) => a - b).map(([partition, offset]) => `${topic}-${partition}=${offset}`)
    )
    return Effect.logInfo(`stored offsets: ${reached.join(" ") || "none were moved"}`)
  })
