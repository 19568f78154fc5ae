import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import { Destination, type DestinationError, type DestinationUnavailable } from "../../layers/Destination.js"
import {
  type RegistryError,
  RegistryRefused,
  type RegistryUnavailable,
  SchemaRegistry
} from "../../layers/SchemaRegistry.js"

export type Outage = DestinationUnavailable | RegistryUnavailable

/**
 * Runs what was made for a pipeline, which waits for as long as a service is out, so that it ends with the outage
 * instead: who types a command wants to be told. A schema that the registry does not know is not waited for either: its
 * record has been refused for that once.
 */
export const impatient = <A, E, R>(
  body: Effect.Effect<A, E, R>
): Effect.Effect<A, E | Outage, R | SchemaRegistry | Destination> =>
  Effect.gen(function*() {
    const registry = yield* SchemaRegistry
    const destination = yield* Destination
    const outage = yield* Deferred.make<never, Outage>()
    const end = (reason: Outage) => Effect.zipRight(Deferred.fail(outage, reason), Effect.never)
    const asked = <B>(ask: Effect.Effect<B, RegistryError>): Effect.Effect<B, RegistryError> =>
      ask.pipe(
        Effect.catchTag("RegistryUnavailable", end),
        Effect.catchTag("SchemaNotFound", (unknown) =>
          Effect.fail(
            new RegistryRefused({ registry: unknown.registry, kind: "schema", what: `${unknown.what} is not there` })
          ))
      )
    const reached = <B>(ask: Effect.Effect<B, DestinationError>): Effect.Effect<B, DestinationError> =>
      Effect.catchTag(ask, "DestinationUnavailable", end)
    return yield* body.pipe(
      Effect.provideService(SchemaRegistry, {
        ...registry,
        byId: (id) => asked(registry.byId(id)),
        byGuid: (guid) => asked(registry.byGuid(guid))
      }),
      Effect.provideService(Destination, {
        ...destination,
        dialect: reached(destination.dialect),
        ensureTable: (plan, policy) => reached(destination.ensureTable(plan, policy)),
        deletable: (plan) => reached(destination.deletable(plan))
      }),
      Effect.raceFirst(Deferred.await(outage))
    )
  })
