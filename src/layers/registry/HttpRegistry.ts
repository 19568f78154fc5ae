/**
 * `SchemaRegistry` over HTTP, as Confluent's registry speaks it; Apicurio and Karapace do too.
 * https://docs.confluent.io/platform/current/schema-registry/develop/api.html
 */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import type { RegistryAccess } from "../../domain/RegistryAccess.js"
import {
  reasonOf,
  type RegistryError,
  RegistryRefused,
  RegistryUnavailable,
  type SchemaReference,
  SchemaRegistry
} from "../SchemaRegistry.js"
import { authorization } from "./authorization.js"
import { exchange, parseBase } from "./httpExchange.js"
import { charactersOf, withReferences } from "./references.js"
import { isDistrust, registryAgent } from "./registryAgent.js"
import { makeSingleFlight } from "./singleFlight.js"

export interface RegistryOptions extends RegistryAccess {
  /** A registry, or several addresses of one, tried in order. An address may have a path. */
  readonly urls: ReadonlyArray<string>
}

export const layer = (options: RegistryOptions): Layer.Layer<SchemaRegistry> =>
  Layer.scoped(
    SchemaRegistry,
    registryAgent(options.urls.join(", "), options.tls).pipe(
      Effect.flatMap((agent) =>
        Effect.provideService(make(options), HttpClient.HttpClient, NodeHttpClient.makeUndici(agent))
      ),
      Effect.catchAll((refused) => Effect.succeed(refusing(refused)))
    )
  )

/** The same over any HTTP client, to which TLS is left. */
export const layerHttpClient = (
  options: Pick<RegistryOptions, "urls" | "authentication">
): Layer.Layer<SchemaRegistry, never, HttpClient.HttpClient> => Layer.scoped(SchemaRegistry, make(options))

/** A layer has nobody to tell; who asks is told. */
const refusing = (refused: RegistryRefused) => {
  const refuse = () => Effect.fail(refused)
  return SchemaRegistry.of({ byId: refuse, byGuid: refuse, latest: refuse, register: refuse })
}

/** Asks the addresses, one after the other, a few times. */
const makeAsk = Effect.fnUntraced(
  function*({ authentication, urls }: Pick<RegistryOptions, "urls" | "authentication">) {
    const { header, withoutSecrets } = authorization(authentication)
    const client = (yield* HttpClient.HttpClient).pipe(
      HttpClient.mapRequest(HttpClientRequest.setHeaders(header)),
      // Our traces' headers mean nothing to a registry.
      HttpClient.withTracerPropagation(false)
    )
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
        const answer = yield* Effect.either(exchange({ client, withoutSecrets }, base, what, path, body))
        if (Either.isRight(answer) || answer.left._tag !== "RegistryUnavailable") {
          preferred = index
          return yield* answer
        }
        cause = answer.left.cause
      }
      return yield* isDistrust(cause)
        ? new RegistryRefused({ registry, kind: "access", what: reasonOf(cause) })
        : new RegistryUnavailable({ registry, cause })
    })

    const ask = <A, I>(answer: Schema.Schema<A, I>, what: string, path: string, body?: string) =>
      round(what, path, body).pipe(
        Effect.retry({ while: (error) => error._tag === "RegistryUnavailable", schedule: fewTimes }),
        Effect.flatMap((text) =>
          Effect.mapError(
            Schema.decodeUnknown(Schema.parseJson(answer))(text),
            () =>
              new RegistryRefused({
                registry,
                kind: "protocol",
                what: `the answer about ${what} is not that of a schema registry`
              })
          )
        )
      )
    return { ask, registry }
  }
)

const make = Effect.fnUntraced(function*(options: Pick<RegistryOptions, "urls" | "authentication">) {
  const { ask, registry } = yield* makeAsk(options)

  const onlyAvro = (what: string, { schemaType }: typeof Stored.Type) =>
    schemaType === "AVRO"
      ? Effect.void
      : new RegistryRefused({ registry, kind: "schema", what: `${what} is ${schemaType}, not Avro` })

  /** Removed versions included: the schemas that reference them are still what they were registered as. */
  const referenced = ({ subject, version }: SchemaReference) => {
    const what = `version ${version} of subject ${subject}`
    return Effect.tap(
      ask(Stored, what, `/subjects/${encodeURIComponent(subject)}/versions/${version}?deleted=true`),
      (stored) => onlyAvro(what, stored)
    )
  }

  const resolved = (what: string, stored: typeof Stored.Type) =>
    Effect.zipRight(onlyAvro(what, stored), withReferences(registry, what, stored, referenced))

  const byId = yield* makeSingleFlight((id: number) =>
    Effect.gen(function*() {
      const what = `schema id ${id}`
      return { id, ...yield* resolved(what, yield* ask(Stored, what, `/schemas/ids/${id}`)) }
    }).pipe(Effect.withSpan("HttpRegistry.byId", { attributes: { id } })), memory)

  const byGuid = yield* makeSingleFlight((guid: string) => {
    const what = `schema ${guid}`
    return Effect.flatMap(
      ask(Stored, what, `/schemas/guids/${encodeURIComponent(guid)}`),
      (stored) => resolved(what, stored)
    )
  }, memory)

  const latest = Effect.fn("HttpRegistry.latest")(function*(subject: string, version?: number) {
    const what = version === undefined ? `subject ${subject}` : `version ${version} of subject ${subject}`
    const path = `/subjects/${encodeURIComponent(subject)}/versions/${version ?? "latest"}`
    const found = yield* ask(Latest, what, path)
    return { id: found.id, version: found.version, ...yield* resolved(what, found) }
  })

  const register = Effect.fn("HttpRegistry.register")(
    function*(subject: string, schema: string, references: ReadonlyArray<SchemaReference> = []) {
      const path = `/subjects/${encodeURIComponent(subject)}/versions`
      const body = JSON.stringify(references.length === 0 ? { schema } : { schema, references })
      const { id } = yield* ask(Registered, `subject ${subject}`, path, body)
      return id
    }
  )

  return SchemaRegistry.of({ byId, byGuid, latest, register })
})

/**
 * Short: a hiccup of a proxy passes unseen, and an outage is told to the caller soon, which says so once and waits for
 * ever. Times three, per address, with 10 s for each answer.
 */
const fewTimes = Schedule.exponential("100 millis", 3).pipe(Schedule.jittered, Schedule.intersect(Schedule.recurs(2)))

/** A 404 may only be a registry behind its own leader, and many records may name the same unknown id. */
const unknownForMs = 5_000

const memory = {
  weigh: charactersOf,
  remembered: (error: RegistryError) => error._tag === "SchemaNotFound" ? unknownForMs : 0
}

/** What the wire has room for. */
const Id = Schema.Int.pipe(Schema.between(0, 2_147_483_647))
const Reference = Schema.Struct({ name: Schema.String, subject: Schema.String, version: Schema.Int })
const Stored = Schema.Struct({
  schema: Schema.String,
  schemaType: Schema.optionalWith(Schema.String, { default: () => "AVRO", nullable: true }),
  references: Schema.optionalWith(Schema.Array(Reference), { default: () => [], nullable: true })
})
const Latest = Schema.extend(Stored, Schema.Struct({ id: Id, version: Schema.Int }))
const Registered = Schema.Struct({ id: Id })
