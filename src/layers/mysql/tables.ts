import * as Effect from "effect/Effect"
import type { TablePlan } from "../../domain/sql/TablePlan.js"
import type { EvolutionPolicy } from "../../domain/TopicSettings.js"
import { type DestinationError, DestinationRefused, type TableReady } from "../Destination.js"
import { type CatalogTable, readTable } from "./catalog.js"
import { ensure } from "./ddl.js"
import { destinationError } from "./errors.js"
import type { LanePool } from "./LanePool.js"
import type { MysqlConfig } from "./MysqlConfig.js"
import { differences, hasKeyColumns } from "./tableCheck.js"

const missing = (config: MysqlConfig, plan: TablePlan): DestinationRefused =>
  new DestinationRefused({
    what: `table ${plan.table} for topic ${plan.topic} is not there, and auto.create is off`,
    cure: config.dialect.createTable(plan),
    kind: "configuration"
  })

/** The statement that is needed, undefined where the table can take the plan's rows; or all that is wrong with it. */
const decide = (config: MysqlConfig, plan: TablePlan) => (found: CatalogTable | undefined) => {
  if (found === undefined) {
    return config.autoCreate === false
      ? Effect.fail(missing(config, plan))
      : Effect.succeed(config.dialect.createTable(plan))
  }
  const all = differences(config.dialect, plan, found)
  return all.length === 0 ? Effect.succeed(undefined) : Effect.fail(
    new DestinationRefused({
      what: `table ${plan.table} cannot take the records of topic ${plan.topic} (schema ${plan.schemaId}): `
        + all.map(({ what }) => what).join("; "),
      cure: all.map(({ cure }) => cure).join(" "),
      kind: "configuration"
    })
  )
}

/** Creates what is missing and checks what is there; says whether its rows can carry their source and offset. */
export const ensureTable =
  (config: MysqlConfig, lanes: LanePool) =>
  (plan: TablePlan, _policy: EvolutionPolicy): Effect.Effect<TableReady, DestinationError> =>
    lanes.use((lane) =>
      Effect.gen(function*() {
        yield* ensure(lane, config, plan.table, decide(config, plan))
        const found = yield* readTable(lane, plan.table)
        return { keyColumns: found !== undefined && hasKeyColumns(found), ignored: new Set<string>() }
      })
    ).pipe(
      Effect.catchTag(
        "MysqlFailure",
        (failure) => Effect.fail(destinationError(config, `creating or checking table ${plan.table}`)(failure))
      )
    )
