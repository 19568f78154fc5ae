import type * as Terminal from "@effect/platform/Terminal"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import type { ClientConfig } from "../../domain/Config.js"
import type { Admin } from "../../layers/Admin.js"
import { Groups } from "../../layers/Groups.js"
import type { Positions } from "../../layers/Positions.js"
import type { RecordTimes } from "../../layers/RecordTimes.js"
import { type Globals, usageError } from "../argv.js"
import { CommandError, ExitCode } from "../exitCodes.js"
import { printData, printError } from "../report.js"
import { commandError } from "../serviceErrors.js"
import { groupState, lagJson, lagText, type LagView } from "./lagReport.js"
import { observe } from "./observe.js"
import { type GroupsAsked, type LagTarget, ownTargets, targetsOf } from "./targets.js"
import { makeTimes, type TimedGroup } from "./times.js"
import { makeScreen } from "./screen.js"
import { makeWindows } from "./windows.js"

export interface LagOptions extends GroupsAsked {
  /** Samples again and again, and shows each. */
  readonly watch: boolean
  /** Samples one window, and the exit code tells what it shows. Neither of the two: one sample. */
  readonly check: boolean
  /** Between two samples. */
  readonly intervalMs: number
  /** Intervals of a window. */
  readonly window: number
  readonly allowedLag: number
  /** `check` fails on WARNING too. */
  readonly denyWarnings: boolean
}

export interface StatusOptions {
  readonly watch: boolean
  readonly intervalMs: number
  readonly window: number
}

interface Printing {
  readonly output: Globals["output"]
}

type LagConfig = Pick<ClientConfig, "topics" | "consumerGroup" | "autoOffsetReset">
type Services = Admin | Groups | Positions | RecordTimes

/** How far groups are behind. Nothing joins them and nothing is committed, whether somebody reads or not. */
export const lagCommand = (
  config: LagConfig,
  options: LagOptions & Printing
): Effect.Effect<ExitCode, CommandError, Services | Terminal.Terminal> => {
  const looking = Effect.gen(function*() {
    const contradiction = contradictionIn(options)
    if (contradiction !== undefined) return yield* usageError(contradiction, "See: tributary lag --help")
    const look = yield* makeLook(config, options)
    if (options.watch) return yield* watch(look, options, "window")
    return yield* options.check ? check(look, options) : once(look, options, "lag")
  }).pipe(Effect.annotateLogs({ logger: "tributary.Lag" }))
  // Of a check every end but a verdict says that there is none, whatever the reason.
  return options.check
    ? Effect.catchIf(
      looking,
      ({ exit }) => exit !== ExitCode.usage,
      (error) => Effect.as(printError(options.output, error), ExitCode.failed)
    )
    : looking
}

const contradictionIn = ({ allGroups, check, denyWarnings, groups, watch }: LagOptions): string | undefined =>
  watch && check
    ? "--watch goes on for ever, --check ends with a verdict"
    : denyWarnings && !check
    ? "--deny-warnings is for --check"
    : allGroups && groups.length > 0
    ? "--all-groups leaves no choice of groups"
    : undefined

/** The configured pipeline: where it is in the database and what it has told Kafka, whether it runs or not. */
export const statusCommand = (
  config: LagConfig,
  options: StatusOptions & Printing
): Effect.Effect<ExitCode, CommandError, Services | Terminal.Terminal> =>
  Effect.gen(function*() {
    const asked = { groups: [], allGroups: false, allowedLag: 0, window: options.window }
    const look = yield* makeLook(config, asked)
    return yield* options.watch ? watch(look, options, "status") : once(look, options, "status")
  }).pipe(Effect.annotateLogs({ logger: "tributary.Status" }))

type Look = (withTimes: boolean) => Effect.Effect<ReadonlyArray<TimedGroup>, CommandError, Services>

/** Takes a sample and judges it with those before. Lags in time cost a read for each partition that lags. */
const makeLook = (
  config: LagConfig,
  options: GroupsAsked & { readonly allowedLag: number; readonly window: number }
): Effect.Effect<Look, CommandError, Groups> =>
  Effect.gen(function*() {
    const windows = makeWindows({ intervals: options.window, allowedLag: BigInt(options.allowedLag) })
    const times = makeTimes()
    const targets = yield* findTargets(config, options)
    return (withTimes) =>
      Effect.gen(function*() {
        const judged = windows.judge(yield* observe(config, targets))
        if (withTimes) return yield* times(judged)
        return judged.map((group) => ({
          ...group,
          partitions: group.partitions.map((one) => ({ ...one, lagMs: undefined }))
        }))
      })
  })

/** `--all-groups` means those that there are now: one that comes later is not looked at. */
const findTargets = (
  config: LagConfig,
  asked: GroupsAsked
): Effect.Effect<ReadonlyArray<LagTarget>, CommandError, Groups> =>
  Effect.gen(function*() {
    if (!asked.allGroups && asked.groups.length === 0 && ownTargets(config).length === 0) {
      return yield* usageError("no group is named, and kafka.topics names no topic", "name a group, or --all-groups")
    }
    if (!asked.allGroups) return targetsOf(config, asked, [])
    const groups = yield* Groups
    const { failures, groups: listed } = yield* Effect.mapError(groups.list, commandError)
    for (const failure of failures) yield* Effect.logWarning(`some groups are not listed: ${failure.message}`)
    return targetsOf(config, asked, listed)
  })

const once = (look: Look, { output }: Printing, view: LagView) =>
  Effect.gen(function*() {
    const groups = yield* look(true)
    yield* requireSome(groups)
    yield* printData(output, { table: () => lagText(view, groups), json: () => lagJson(groups) })
    yield* printProblems(output, groups)
    return groups.some(({ problems }) => problems.length > 0) ? ExitCode.failed : ExitCode.done
  })

/** Where nothing at all is known, the first reason is the error of the command. */
const requireSome = (groups: ReadonlyArray<TimedGroup>): Effect.Effect<void, CommandError> => {
  const problem = groups.flatMap(({ problems }) => problems)[0]
  return problem !== undefined && groups.every(({ partitions }) => partitions.length === 0)
    ? Effect.fail(problem)
    : Effect.void
}

const printProblems = (output: Globals["output"], groups: ReadonlyArray<TimedGroup>): Effect.Effect<void> =>
  Effect.forEach(
    groups.flatMap(({ group, problems }) =>
      problems.map(({ code, cure, exit, what }) => new CommandError({ code, exit, what: `${group}: ${what}`, cure }))
    ),
    (problem) => printError(output, problem),
    { discard: true }
  )

const watch = (look: Look, options: Printing & { readonly intervalMs: number }, view: LagView) =>
  Effect.gen(function*() {
    const screen = yield* makeScreen(options.output)
    return yield* look(true).pipe(
      Effect.flatMap((groups) => screen.show({ text: () => watchText(view, groups), json: () => lagJson(groups) })),
      // Not later for a sample that takes long, and never two at once.
      Effect.repeat(Schedule.fixed(options.intervalMs)),
      Effect.zipRight(Effect.never)
    )
  }).pipe(Effect.scoped)

const watchText = (view: LagView, groups: ReadonlyArray<TimedGroup>): string =>
  [
    lagText(view, groups),
    ...groups.flatMap(({ group, problems }) => problems.map(({ code, what }) => `${group}   ${code}: ${what}`))
  ].join("\n")

const check = (look: Look, options: LagOptions & Printing) =>
  Effect.gen(function*() {
    const { denyWarnings, intervalMs, output, window } = options
    const seconds = window * intervalMs / 1000
    yield* Effect.logInfo(`sampling for ${seconds} s: ${window} intervals of ${intervalMs / 1000} s`)
    // The last sample is taken below, with the lags in time.
    yield* Effect.repeat(look(false), Schedule.intersect(Schedule.fixed(intervalMs), Schedule.recurs(window - 1)))
    yield* Effect.sleep(intervalMs)
    const groups = yield* look(true)
    yield* requireSome(groups)
    yield* printData(output, { table: () => lagText("window", groups), json: () => lagJson(groups) })
    yield* printProblems(output, groups)
    const states = groups.map(groupState)
    if (states.includes("ERROR") || (denyWarnings && states.includes("WARNING"))) return ExitCode.different
    return groups.some(({ problems }) => problems.length > 0) ? ExitCode.failed : ExitCode.done
  })
