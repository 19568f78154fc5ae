import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { DdlStep, Evolution } from "../domain/sql/evolution/Evolution.js"
import type { TablePlan } from "../domain/sql/TablePlan.js"
import type { EvolutionPolicy } from "../domain/TopicSettings.js"
import { type DestinationError, DestinationRefused } from "./Destination.js"

/** What a plan's table is like now, and the way to what it should be. */
export interface TableState extends Evolution {
  /** Undefined: there is no such table. Of a large one the rows are an estimate. */
  readonly size: { readonly rows: number; readonly bytes: number } | undefined
}

/** Told when a step begins and when it is done. */
export type OnStep = (event: "begin" | "done", step: DdlStep) => Effect.Effect<void>

/** The tables of the destination, for people who want to see first what would be done. */
export class Catalog extends Context.Tag("tributary/Catalog")<Catalog, {
  /** Changes nothing. */
  readonly inspect: (plan: TablePlan, policy: EvolutionPolicy) => Effect.Effect<TableState, DestinationError>
  /** Runs the steps, under the lock that instances take as well; none where anything is refused. */
  readonly apply: (plan: TablePlan, policy: EvolutionPolicy, onStep: OnStep) => Effect.Effect<void, DestinationError>
}>() {}

const noCatalog = Effect.fail(
  new DestinationRefused({
    what: "the embedded database has no ALTERs to plan",
    cure: "name a server: mysql.url",
    kind: "configuration"
  })
)

/** The embedded database, which a pipeline alters by itself and at once. */
export const layerNone: Layer.Layer<Catalog> = Layer.succeed(Catalog, {
  inspect: () => noCatalog,
  apply: () => noCatalog
})
