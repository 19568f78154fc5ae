import type * as FileSystem from "@effect/platform/FileSystem"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import type { Config } from "../../domain/Config.js"
import { refusalOf } from "../../domain/sql/evolution/Evolution.js"
import { Catalog, type OnStep, type TableState } from "../../layers/Catalog.js"
import type { SchemaRegistry } from "../../layers/SchemaRegistry.js"
import { elapsedMillis } from "../../layers/elapsed.js"
import type { Globals } from "../argv.js"
import { CommandError, ExitCode } from "../exitCodes.js"
import { printData } from "../report.js"
import { commandError } from "../serviceErrors.js"
import { type PlanOptions } from "./PlanOptions.js"
import { countOf, planJson, planSql, planText, type TopicState } from "./report.js"
import { topicPlan } from "./sources.js"

type PlannedConfig = Pick<Config, "topics" | "tables">
type Services = SchemaRegistry | Catalog | FileSystem.FileSystem

interface Printed {
  readonly output: Globals["output"]
}

const oneTopic = (what: string): CommandError =>
  new CommandError({
    code: "TRB-2804",
    exit: ExitCode.usage,
    what: `${what} is about one topic`,
    cure: "name it: --topic TOPIC"
  })

/** Looks at the registry and the catalog; changes nothing. */
const look = (
  config: PlannedConfig,
  options: PlanOptions
): Effect.Effect<ReadonlyArray<TopicState>, CommandError, Services> =>
  Effect.gen(function*() {
    const topics = options.topics.length === 0 ? config.topics : options.topics
    const single = Object.entries({
      "--schema": options.schemaFile,
      "--schema-version": options.version,
      "--subject": options.subject
    }).find(([, value]) => value !== undefined)
    if (single !== undefined && topics.length !== 1) return yield* oneTopic(single[0])
    const catalog = yield* Catalog
    return yield* Effect.forEach(topics, (topic) =>
      Effect.gen(function*() {
        const plan = yield* topicPlan(config, options, topic)
        const state: TableState = Either.isRight(plan.planned)
          ? yield* Effect.mapError(catalog.inspect(plan.planned.right, plan.policy), commandError)
          : {
            steps: [],
            refused: plan.planned.left,
            notes: [],
            ignored: new Set(),
            size: undefined
          }
        return { plan, state }
      }))
  })

const isSettled = ({ state: { refused, steps } }: TopicState): boolean => steps.length === 0 && refused.length === 0

/** Shows what `apply` would do. With `check`: exit 2 where anything is to be done. */
export const planCommand = (
  config: PlannedConfig,
  options: PlanOptions & Printed & { readonly check: boolean; readonly sql: boolean }
): Effect.Effect<ExitCode, CommandError, Services> =>
  Effect.gen(function*() {
    const states = yield* look(config, options)
    yield* printData(options.output, {
      table: () => options.sql ? planSql(states) : planText(states, options),
      json: () => planJson(states)
    })
    return options.check && !states.every(isSettled) ? ExitCode.different : ExitCode.done
  })

const refusedError = (states: ReadonlyArray<TopicState>): CommandError =>
  new CommandError({
    code: "TRB-2805",
    exit: ExitCode.configuration,
    what: "nothing was changed: tables have differences that no allowed statement settles",
    details: states.flatMap(({ plan, state: { refused } }) => {
      if (refused.length === 0) return []
      const { cure, what } = refusalOf(refused)
      return [`${plan.topic}, table ${plan.table}: ${what}; ${cure}`]
    }),
    cure: "see what each of them names; --allow-widen and --allow-copy allow more than the configuration"
  })

const unconfirmed = new CommandError({
  code: "TRB-2806",
  exit: ExitCode.failed,
  what: "nothing was changed: apply alters tables only with --yes",
  cure: "look at the plan above, then add --yes"
})

/** On stderr, because a rebuild takes its time and stdout is for the result. */
const progress = (table: string, total: number): Effect.Effect<OnStep> =>
  Effect.gen(function*() {
    let done = 0
    let sinceMs = yield* elapsedMillis
    return (event, step) =>
      Effect.gen(function*() {
        const nowMs = yield* elapsedMillis
        if (event === "begin") {
          sinceMs = nowMs
          return yield* Console.error(`${table} ${done + 1}/${Math.max(total, done + 1)}: ${step.sql};`)
        }
        done += 1
        yield* Console.error(`${table} ${done}/${Math.max(total, done)}: done in ${(nowMs - sinceMs) / 1000} s`)
      })
  })

/** Runs the plan, table by table, and looks again. */
export const applyCommand = (
  config: PlannedConfig,
  options: PlanOptions & Printed & { readonly yes: boolean }
): Effect.Effect<ExitCode, CommandError, Services> =>
  Effect.gen(function*() {
    const catalog = yield* Catalog
    const states = yield* look(config, options)
    const counts = countOf(states)
    if (counts.refused > 0) return yield* refusedError(states)
    const print = (shown: ReadonlyArray<TopicState>) =>
      printData(options.output, { table: () => planText(shown, options), json: () => planJson(shown) })
    if (!options.yes && !states.every(isSettled)) {
      yield* print(states)
      return yield* unconfirmed
    }
    yield* Effect.forEach(states, ({ plan: { planned, policy, table }, state: { steps } }) =>
      Effect.gen(function*() {
        if (Either.isLeft(planned) || steps.length === 0) return
        const onStep = yield* progress(table, steps.length)
        yield* Effect.mapError(catalog.apply(planned.right, policy, onStep), commandError)
      }))
    const after = yield* look(config, options)
    yield* print(after)
    return after.every(isSettled) ? ExitCode.done : yield* unsettled
  })

/** Somebody has altered a table, or registered a schema, since. */
const unsettled = new CommandError({
  code: "TRB-2807",
  exit: ExitCode.tryAgain,
  what: "there is something to do again: a schema or a table has changed meanwhile",
  cure: "look at the plan above and run apply again"
})
