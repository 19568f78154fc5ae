import * as Effect from "effect/Effect"
import type { CatalogTable } from "../../domain/sql/CatalogTable.js"
import { refusalOf } from "../../domain/sql/evolution/Evolution.js"
import { evolve, hasKeyColumns } from "../../domain/sql/evolution/evolve.js"
import { keyDifferences } from "../../domain/sql/evolution/upsertKey.js"
import { schemaText } from "../../domain/sql/schemaText.js"
import type { TablePlan } from "../../domain/sql/TablePlan.js"
import type { EvolutionPolicy } from "../../domain/TopicSettings.js"
import type { OnStep, TableState } from "../Catalog.js"
import { type DestinationError, DestinationRefused, type TableReady } from "../Destination.js"
import { readTable } from "./catalog.js"
import { ensureSteps } from "./ddl.js"
import { destinationError } from "./errors.js"
import type { LanePool } from "./LanePool.js"
import type { MysqlConfig } from "./MysqlConfig.js"
import type { MysqlFailure } from "./MysqlFailure.js"

const missing = (config: MysqlConfig, plan: TablePlan): DestinationRefused =>
  new DestinationRefused({
    what: `table ${plan.table} for topic ${plan.topic} is not there, and auto.create is off`,
    cure: config.dialect.createTable(plan),
    kind: "configuration"
  })

/** The steps that are needed; or all that is wrong with the table. */
const decide = (config: MysqlConfig, plan: TablePlan, policy: EvolutionPolicy) => (found: CatalogTable | undefined) => {
  if (found === undefined && config.autoCreate === false) return Effect.fail(missing(config, plan))
  const { refused, steps } = evolve(config.dialect, plan, found, policy)
  if (refused.length === 0) return Effect.succeed(steps)
  const { cure, what } = refusalOf(refused)
  return Effect.fail(
    new DestinationRefused({
      what: `table ${plan.table} cannot take the records of topic ${plan.topic} (${schemaText(plan)}): ${what}`,
      cure,
      kind: "configuration"
    })
  )
}

const named = (config: MysqlConfig, doing: string) => (failure: MysqlFailure) =>
  Effect.fail(destinationError(config, doing)(failure))

/** Creates what is missing, changes what the policy allows, and says whether rows can carry their source and offset. */
export const ensureTable =
  (config: MysqlConfig, lanes: LanePool) =>
  (plan: TablePlan, policy: EvolutionPolicy): Effect.Effect<TableReady, DestinationError> =>
    lanes.use((lane) =>
      Effect.gen(function*() {
        yield* ensureSteps(lane, config, plan.table, decide(config, plan, policy), (event, step) =>
          event === "done" ? Effect.logInfo(`table ${plan.table}: ${step.why.join("; ")}`) : Effect.void)
        const found = yield* readTable(lane, plan.table)
        const { ignored } = evolve(config.dialect, plan, found, policy)
        return { keyColumns: found !== undefined && hasKeyColumns(found), ignored }
      })
    ).pipe(Effect.catchTag("MysqlFailure", named(config, `creating or checking table ${plan.table}`)))

/** Deletions change nothing of the table, so the catalog is only read. */
export const deletable =
  (config: MysqlConfig, lanes: LanePool) => (plan: TablePlan): Effect.Effect<boolean, DestinationError> =>
    lanes.use((lane) =>
      Effect.gen(function*() {
        const found = yield* readTable(lane, plan.table)
        if (found === undefined) return false
        const alter = `ALTER TABLE ${config.dialect.identifier(plan.table)}`
        const refused = keyDifferences(config.dialect, plan, found, alter)
        if (refused.length === 0) return true
        return yield* new DestinationRefused({
          what: `table ${plan.table} cannot take the deletions of topic ${plan.topic}: ${
            refused.map(({ what }) => what).join("; ")
          }`,
          cure: `name the whole key by pk.fields, or: ${refused.map(({ cure }) => cure).join(" ")}`,
          kind: "configuration"
        })
      })
    ).pipe(Effect.catchTag("MysqlFailure", named(config, `looking for table ${plan.table}`)))

/** What `plan` shows. */
export const inspectTable =
  (config: MysqlConfig, lanes: LanePool) =>
  (plan: TablePlan, policy: EvolutionPolicy): Effect.Effect<TableState, DestinationError> =>
    lanes.use((lane) => readTable(lane, plan.table)).pipe(
      Effect.map((found): TableState => ({
        ...evolve(config.dialect, plan, found, policy),
        size: found === undefined ? undefined : { rows: found.rows, bytes: found.bytes }
      })),
      Effect.catchTag("MysqlFailure", named(config, `looking at table ${plan.table}`))
    )

/** What `apply` does: the steps alone, also where instances may not create tables. */
export const applySteps =
  (config: MysqlConfig, lanes: LanePool) =>
  (plan: TablePlan, policy: EvolutionPolicy, onStep: OnStep): Effect.Effect<void, DestinationError> =>
    lanes.use((lane) =>
      ensureSteps(lane, config, plan.table, decide({ ...config, autoCreate: true }, plan, policy), onStep)
    ).pipe(
      Effect.asVoid,
      Effect.catchTag("MysqlFailure", named(config, `altering table ${plan.table}`))
    )
