import type * as FileSystem from "@effect/platform/FileSystem"
import * as Cause from "effect/Cause"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import { Admin } from "../../layers/Admin.js"
import type { Consumer } from "../../layers/Consumer.js"
import type { RecordTimes } from "../../layers/RecordTimes.js"
import type { SchemaRegistry } from "../../layers/SchemaRegistry.js"
import { CommandError, ExitCode } from "../exitCodes.js"
import { groupsFailed } from "../groupsFailed.js"
import { listen, makeMemberStops, type MemberStops } from "../memberStops.js"
import { errorAsText } from "../report.js"
import type { PreparedGroup } from "./prepareGroups.js"
import { type LockFile, openSinks, readInto } from "./readCommand.js"
import type { Sinks } from "./sink.js"

type Services = Admin | Consumer | FileSystem.FileSystem | RecordTimes | SchemaRegistry

/**
 * Members of several groups in one process, until they are interrupted or all have ended. What one group fails with is
 * said at once and does not touch the others; the end tells that there was something. `input` takes `stop MEMBER`.
 */
export const readGroupsCommand = <E>(
  groups: ReadonlyArray<PreparedGroup>,
  lock: LockFile,
  input: Stream.Stream<Uint8Array, E>
): Effect.Effect<ExitCode, CommandError, Services> =>
  Effect.suspend(() => {
    const failed: Array<string> = []
    return Effect.scoped(readAll(groups, lock, input, failed)).pipe(
      Effect.onInterrupt(() =>
        Effect.zipRight(
          Console.error("Bye"),
          // Stopped by a signal, the process has nothing else left that could tell.
          failed.length === 0 ? Effect.void : Effect.die(groupsFailed(failed, groups.length))
        )
      ),
      Effect.zipRight(
        Effect.suspend(() => failed.length === 0 ? Effect.succeed(ExitCode.done) : groupsFailed(failed, groups.length))
      )
    )
  }).pipe(Effect.annotateLogs({ logger: "tributary.Read" }))

/** Runs all groups to their ends; adds the names of those that fail to `failed`. */
const readAll = <E>(
  groups: ReadonlyArray<PreparedGroup>,
  lock: LockFile,
  input: Stream.Stream<Uint8Array, E>,
  failed: Array<string>
) =>
  Effect.gen(function*() {
    const stops = makeMemberStops()
    // All groups share most settings, and what is to be said about these.
    for (const warning of new Set(groups.flatMap(({ warnings }) => warnings))) yield* Effect.logWarning(warning)
    const opened = yield* openAll(groups, lock)
    yield* announce(groups)
    yield* Effect.forkScoped(listen(stops, input))
    const reading = opened.map(({ group, sinks }) =>
      Either.match(sinks, { onLeft: Effect.fail, onRight: (own) => readOne(group, own, stops) }).pipe(
        Effect.catchAll((error) => {
          failed.push(nameOf(group))
          return Console.error(`${nameOf(group)} has failed, the others go on:\n${errorAsText(error)}`)
        })
      )
    )
    yield* Effect.all(reading, { concurrency: "unbounded", discard: true })
  })

const nameOf = ({ settings: { group, topic } }: PreparedGroup): string => `group ${group} on ${topic}`

/** Entries of one group that name one folder share it: its positions are the group's. */
const openAll = (
  groups: ReadonlyArray<PreparedGroup>,
  lock: LockFile
): Effect.Effect<
  ReadonlyArray<{ readonly group: PreparedGroup; readonly sinks: Either.Either<Sinks, CommandError> }>,
  never,
  Admin | FileSystem.FileSystem | SchemaRegistry | Scope.Scope
> => {
  const folders = new Map<string, Either.Either<Sinks, CommandError>>()
  return Effect.forEach(groups, (group) =>
    Effect.gen(function*() {
      const { config, settings } = group
      const known = settings.file === undefined ? undefined : folders.get(settings.file)
      const sinks = known ?? (yield* Effect.either(openSinks(config, settings, lock, true)))
      if (settings.file !== undefined) folders.set(settings.file, sinks)
      return { group, sinks }
    }))
}

const readOne = (group: PreparedGroup, sinks: Sinks, stops: MemberStops) =>
  readInto(group, sinks, { names: group.names, until: stops.until }).pipe(
    // A bug that one group meets must not end the others either.
    Effect.catchAllDefect((defect) =>
      defect instanceof CommandError ? defect : new CommandError({
        code: "TRB-7000",
        exit: ExitCode.bug,
        what: `this is a bug in tributary: ${Cause.pretty(Cause.die(defect))}`,
        cure: "please report it, with the command line and the lines above"
      })
    )
  )

/** How many members there are, and which can have nothing to do: a partition is read by one member of a group. */
const announce = (groups: ReadonlyArray<PreparedGroup>): Effect.Effect<void, never, Admin> =>
  Effect.gen(function*() {
    const admin = yield* Admin
    const total = groups.reduce((sum, { names }) => sum + names.length, 0)
    const parts = groups.map((group) => `${group.names.length} of ${nameOf(group)}`)
    yield* Console.error(`${total} members: ${parts.join(", ")}`)
    yield* Effect.forEach(groups, (group) =>
      Effect.gen(function*() {
        const { topic } = group.settings
        const { partitions } = yield* admin.describeTopic(topic)
        const idle = group.names.length - partitions.length
        if (idle <= 0) return
        yield* Console.error(
          `${
            nameOf(group)
          }: ${idle} of ${group.names.length} members stand by, ${topic} has ${partitions.length} partitions`
        )
      }).pipe(
        // Why a topic cannot be described, its group is going to say.
        Effect.catchTags({
          KafkaRefused: () => Effect.void,
          KafkaUnavailable: () => Effect.void,
          TopicMissing: () => Effect.void
        })
      ), { discard: true, concurrency: 8 })
  })
