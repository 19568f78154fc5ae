import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Ref from "effect/Ref"
import { Destination } from "../Destination.js"
import { acquire } from "./acquire.js"
import { letterOffsets } from "./deadLetters.js"
import { hasTable, holdsRows, rowOffsets, snapshot, stored } from "./inspect.js"
import * as Lane from "./Lane.js"
import * as LanePool from "./LanePool.js"
import type { MysqlConfig } from "./MysqlConfig.js"
import { prepare } from "./prepare.js"
import { resolve } from "./resolve.js"
import { source } from "./sources.js"
import { ensureTable } from "./tables.js"
import { write } from "./write.js"

/** Beside the data connections: whoever has to acquire must not wait for those who write. */
const controlLanes = 2

const named = (name: string) => Effect.withSpan(`Destination.${name}`, { captureStackTrace: false })

const make = (config: MysqlConfig) =>
  Effect.gen(function*() {
    const open = Lane.open(config)
    const data = yield* LanePool.make(open, config.maxPoolSize)
    const control = yield* LanePool.make(open, controlLanes)
    const fresh = yield* LanePool.make(open, controlLanes, 0)
    // Unknown until `prepare` has asked; the server's own limit holds meanwhile.
    const packetBytesMax = yield* Ref.make(Number.POSITIVE_INFINITY)
    const writing = write(config, data, Ref.get(packetBytesMax))
    const acquiring = acquire(config, control)
    const resolving = resolve(config, fresh)
    const ensuring = ensureTable(config, control)
    return Destination.of({
      dialect: Effect.succeed(config.dialect),
      prepare: prepare(config, control, packetBytesMax).pipe(named("prepare")),
      source: source(config, control),
      stored: stored(config, control),
      acquire: (request) => acquiring(request).pipe(named("acquire")),
      write: (request) => writing(request).pipe(named("write")),
      resolve: (request) => resolving(request).pipe(named("resolve")),
      ensureTable: (plan, policy) => ensuring(plan, policy).pipe(named("ensureTable")),
      hasTable: hasTable(config, control),
      holdsRows: holdsRows(config, control),
      snapshot: snapshot(config, control),
      rowOffsets: rowOffsets(config, control),
      letterOffsets: letterOffsets(config, control)
    })
  })

/** MySQL as the destination. Connects on first use, so that the layer can be built while the server is down. */
export const layerMysql = (config: MysqlConfig): Layer.Layer<Destination> => Layer.scoped(Destination, make(config))
