import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { type Config, groupOf } from "../domain/Config.js"
import { Admin } from "../layers/Admin.js"
import type { Consumer } from "../layers/Consumer.js"
import { Destination } from "../layers/Destination.js"
import type { SchemaRegistry } from "../layers/SchemaRegistry.js"
import type { Topics } from "../layers/Topics.js"
import { endStored } from "./endStored.js"
import { type CommandError, ExitCode } from "./exitCodes.js"
import { groupsFailed } from "./groupsFailed.js"
import type { Held } from "./held.js"
import { throughOutage } from "./outage.js"
import { sharingOutages } from "./outages.js"
import { comingTopics, withPresentTopics } from "./patternTopics.js"
import { listen, makeMemberStops, type MemberStops } from "./memberStops.js"
import { makeByteBudget } from "./PartitionQueue.js"
import { groupsOf, type Job, topicJobs } from "./runGroups.js"
import { commandError } from "./serviceErrors.js"
import { drainable, drainedAfter, keepRunning } from "./supervise.js"
import { runTopic, type TopicProgress } from "./topicPipeline.js"

type Services = Admin | Consumer | Destination | SchemaRegistry | Topics

export interface RunOptions {
  /** Stop when the ends that the topics have at the start are stored, or when all that is missing is stopped. */
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
    const config = yield* throughOutage("database", backoff, destination.prepare, ["DestinationUnavailable"]).pipe(
      Effect.zipRight(throughOutage("list of topics", backoff, withPresentTopics(configured), ["KafkaUnavailable"])),
      Effect.mapError(commandError),
      drainable(configured)
    )
    const budget = makeByteBudget(config.queueMaxBytes)
    const { groups } = options
    const jobs = (groups?.jobs ?? topicJobs(config)).map(withProgress)
    const stops = makeMemberStops()
    const active = new Set(jobs)
    const failed = new Set<string>()
    const keptRunning = (job: RunningJob) => keepRunning(job.topic, runTopic(job.config, job.topic, budget, job))
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
    const all = Effect.raceFirst(
      Effect.all([...memberships, joining], { concurrency: "unbounded", discard: true }),
      listening
    )
    const untilDone = <A, E>(ended: Effect.Effect<A, E>) =>
      options.untilEnd ? Effect.raceFirst(endStored(active, backoff), ended) : ended
    const failure = Effect.suspend(() =>
      failed.size === 0 ? Effect.void : groupsFailed([...failed], groupsOf(jobs).length)
    )
    yield* drainedAfter(config, all, untilDone, reportStored(jobs)).pipe(
      // Stopped by a signal, the process has nothing else left that could tell.
      Effect.onInterrupt(() => Effect.orDie(failure))
    )
    yield* failure
    return ExitCode.done
  }).pipe(sharingOutages)

type RunningJob = Job & TopicProgress

const withProgress = (job: Job): RunningJob => ({
  ...job,
  positions: new Map<number, bigint>(),
  stopped: new Map<number, Held>()
})

/** Topics that the pattern matches later are read from their beginning: nobody was there to choose an end of theirs. */
const joinComing = <E, R>(
  config: Config,
  run: (job: RunningJob) => Effect.Effect<never, E, R>
): Effect.Effect<void, E, R | Topics> => {
  const { autoOffsetReset, topicPattern, topics } = config
  if (topicPattern === undefined) return Effect.void
  const own: Config = { ...config, autoOffsetReset: autoOffsetReset === "latest" ? "earliest" : autoOffsetReset }
  return comingTopics(config, topicPattern, topics).pipe(
    Stream.mapEffect(
      (topic) =>
        Effect.zipRight(
          Effect.logInfo(`topic ${topic} is new and matches kafka.topics.regex: it is read from its beginning`),
          run(withProgress({ config: own, topic, member: undefined }))
        ),
      { concurrency: "unbounded" }
    ),
    Stream.runDrain
  )
}

const groupName = ({ config, topic }: Job): string => `group ${groupOf(config, topic)} on ${topic}`

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
