import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Catalog } from "../Catalog.js"
import * as Lane from "./Lane.js"
import * as LanePool from "./LanePool.js"
import type { MysqlOptions } from "./MysqlConfig.js"
import { askServer } from "./prepare.js"
import { applySteps, inspectTable } from "./tables.js"

const make = (options: MysqlOptions) =>
  Effect.gen(function*() {
    const lanes = yield* LanePool.make(Lane.open(options), 1)
    const config = yield* Effect.cached(
      Effect.map(askServer(options, lanes), ({ dialect }) => ({ ...options, dialect }))
    )
    return Catalog.of({
      inspect: (plan, policy) => Effect.flatMap(config, (known) => inspectTable(known, lanes)(plan, policy)),
      apply: (plan, policy, onStep) => Effect.flatMap(config, (known) => applySteps(known, lanes)(plan, policy, onStep))
    })
  })

/** The tables of a MySQL or MariaDB server. */
export const layer = (options: MysqlOptions): Layer.Layer<Catalog> => Layer.scoped(Catalog, make(options))
