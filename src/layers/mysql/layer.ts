import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Ref from "effect/Ref"
import { Destination, type DestinationError } from "../Destination.js"
import { acquire } from "./acquire.js"
import { letterOffsets } from "./deadLetters.js"
import { holdsRows, keyedTables, rowOffsets, snapshot, stored } from "./inspect.js"
import * as Lane from "./Lane.js"
import * as LanePool from "./LanePool.js"
import type { MysqlConfig, MysqlOptions } from "./MysqlConfig.js"
import { askServer, type Known, prepare } from "./prepare.js"
import { resolve } from "./resolve.js"
import { source } from "./sources.js"
import { deletable, ensureTable } from "./tables.js"
import { write } from "./write.js"

/** Beside the data connections: whoever has to acquire must not wait for those who write. */
const controlLanes = 2

const named = (name: string) => Effect.withSpan(`Destination.${name}`, { captureStackTrace: false })

/** @param open opens a connection; the simulation has its own */
export const make = (options: MysqlOptions, open = Lane.open(options)) =>
  Effect.gen(function*() {
    const data = yield* LanePool.make(open, options.maxPoolSize)
    const control = yield* LanePool.make(open, controlLanes)
    const fresh = yield* LanePool.make(open, controlLanes, 0)
    // An ALTER may take hours: nobody who has to acquire or resolve waits behind it.
    const altering = yield* LanePool.make(open, controlLanes, 0)
    const known = yield* Ref.make(Option.none<Known>())
    const learn = (server: Known) => Ref.set(known, Option.some(server))
    const dialect = Effect.flatMap(
      Ref.get(known),
      Option.match({ onSome: Effect.succeed, onNone: () => Effect.tap(askServer(options, control), learn) })
    ).pipe(Effect.map((server) => server.dialect))
    const knowing = <A extends ReadonlyArray<unknown>, B>(
      operation: (
        config: MysqlConfig,
        lanes: LanePool.LanePool
      ) => (...request: A) => Effect.Effect<B, DestinationError>,
      lanes: LanePool.LanePool
    ) =>
    (...request: A): Effect.Effect<B, DestinationError> =>
      Effect.flatMap(dialect, (one) => operation({ ...options, dialect: one }, lanes)(...request))
    // Until `prepare` has asked, the server's own limit holds.
    const packetBytesMax = Effect.map(
      Ref.get(known),
      Option.match({ onSome: (server) => server.packetBytesMax, onNone: () => Number.POSITIVE_INFINITY })
    )
    const writing = write(options, data, packetBytesMax)
    const acquiring = knowing(acquire, control)
    const resolving = knowing(resolve, fresh)
    const ensuring = knowing(ensureTable, altering)
    return Destination.of({
      dialect,
      prepare: prepare(options, control, learn).pipe(named("prepare")),
      source: source(options, control),
      stored: stored(options, control),
      acquire: (request) => acquiring(request).pipe(named("acquire")),
      write: (request) => writing(request).pipe(named("write")),
      resolve: (request) => resolving(request).pipe(named("resolve")),
      ensureTable: (plan, policy) => ensuring(plan, policy).pipe(named("ensureTable")),
      keyedTables: keyedTables(options, control),
      deletable: knowing(deletable, control),
      holdsRows: knowing(holdsRows, control),
      snapshot: knowing(snapshot, control),
      rowOffsets: knowing(rowOffsets, control),
      letterOffsets: letterOffsets(options, control)
    })
  })

/**
 * MySQL or MariaDB as the destination; which of the two, the server says. Connects on first use, so that the layer can
 * be built while the server is down.
 */
export const layerMysql = (options: MysqlOptions): Layer.Layer<Destination> => Layer.scoped(Destination, make(options))
