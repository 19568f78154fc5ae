/**
 * `SchemaRegistry` over HTTP, as Confluent's registry speaks it; Apicurio and Karapace do too.
 * https://docs.confluent.io/platform/current/schema-registry/develop/api.html
 */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as HttpClient from "@effect/platform/HttpClient"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import { RegistryRefused, RegistryUnavailable, SchemaRegistry } from "../SchemaRegistry.js"
import { exchange, parseBase } from "./httpExchange.js"
import { makeSingleFlight } from "./singleFlight.js"

/** A registry, or several addresses of one, tried in order. An address may have a path; authentication is not done. */
export const layer = (urls: ReadonlyArray<string>): Layer.Layer<SchemaRegistry> =>
  Layer.provide(layerHttpClient(urls), NodeHttpClient.layerUndici)

/** The same over any HTTP client. */
export const layerHttpClient = (
  urls: ReadonlyArray<string>
): Layer.Layer<SchemaRegistry, never, HttpClient.HttpClient> => Layer.scoped(SchemaRegistry, make(urls))

const make = Effect.fnUntraced(function*(urls: ReadonlyArray<string>) {
  // Our traces' headers mean nothing to a registry.
  const client = HttpClient.withTracerPropagation(yield* HttpClient.HttpClient, false)
  const bases = urls.map(parseBase)
  const registry = bases.join(", ")
  /** The address that answered last: the others are asked only when it does not. */
  let preferred = 0

  /** Asks one address after the other until one answers, whatever it answers. */
  const round = Effect.fnUntraced(function*(what: string, path: string, body: string | undefined) {
    const first = preferred
    let cause: unknown = "no address is configured"
    for (const turn of bases.keys()) {
      const index = (first + turn) % bases.length
      const base = bases[index]
      if (base === undefined) continue
      const answer = yield* Effect.either(exchange(client, base, what, path, body))
      if (Either.isRight(answer) || answer.left._tag !== "RegistryUnavailable") {
        preferred = index
        return yield* answer
      }
      cause = answer.left.cause
    }
    return yield* new RegistryUnavailable({ registry, cause })
  })

  const ask = <A, I>(answer: Schema.Schema<A, I>, what: string, path: string, body?: string) =>
    round(what, path, body).pipe(
      Effect.retry({ while: (error) => error._tag === "RegistryUnavailable", schedule: fewTimes }),
      Effect.flatMap((text) =>
        Effect.mapError(
          Schema.decodeUnknown(Schema.parseJson(answer))(text),
          () => new RegistryRefused({ registry, what: `the answer about ${what} is not that of a schema registry` })
        )
      )
    )

  const byId = yield* makeSingleFlight((id: number) =>
    Effect.gen(function*() {
      const { schema, schemaType = "AVRO" } = yield* ask(ById, `schema id ${id}`, `/schemas/ids/${id}`)
      if (schemaType !== "AVRO") {
        return yield* new RegistryRefused({ registry, what: `schema id ${id} is ${schemaType}, not Avro` })
      }
      return { id, schema, references: [] }
    }).pipe(Effect.withSpan("HttpRegistry.byId", { attributes: { id } }))
  )

  const byGuid = yield* makeSingleFlight((guid: string) =>
    Effect.map(ask(ByGuid, `schema ${guid}`, `/schemas/guids/${encodeURIComponent(guid)}`), ({ id, schema }) => ({
      id,
      schema,
      references: []
    }))
  )

  const latest = Effect.fn("HttpRegistry.latest")((subject: string, version?: number) =>
    ask(
      Latest,
      version === undefined ? `subject ${subject}` : `version ${version} of subject ${subject}`,
      `/subjects/${encodeURIComponent(subject)}/versions/${version ?? "latest"}`
    ).pipe(Effect.map((found) => ({ ...found, references: [] })))
  )

  const register = Effect.fn("HttpRegistry.register")(function*(subject: string, schema: string) {
    const path = `/subjects/${encodeURIComponent(subject)}/versions`
    const { id } = yield* ask(Registered, `subject ${subject}`, path, JSON.stringify({ schema }))
    return id
  })

  return SchemaRegistry.of({ byId, byGuid, latest, register })
})

/**
 * Short: a hiccup of a proxy passes unseen, and an outage is told to the caller soon, which says so once and waits for
 * ever. Times three, per address, with 10 s for each answer.
 */
const fewTimes = Schedule.exponential("100 millis", 3).pipe(Schedule.jittered, Schedule.intersect(Schedule.recurs(2)))

const ById = Schema.Struct({ schema: Schema.String, schemaType: Schema.optional(Schema.String) })
const ByGuid = Schema.Struct({ id: Schema.Int, schema: Schema.String })
const Latest = Schema.Struct({ id: Schema.Int, version: Schema.Int, schema: Schema.String })
const Registered = Schema.Struct({ id: Schema.Int })
