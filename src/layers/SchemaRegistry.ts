import * as Context from "effect/Context"
import * as Data from "effect/Data"
import type * as Effect from "effect/Effect"

/** The registry answered that it does not know the id or subject. */
export class SchemaNotFound
  extends Data.TaggedError("SchemaNotFound")<{ readonly what: string; readonly registry: string }>
{
  override get message(): string {
    return `${this.what} is not in the schema registry ${this.registry}`
  }
}

/** What the system says, which clients wrap several times: `connect ECONNREFUSED 127.0.0.1:8081`. */
export const reasonOf = (cause: unknown): string => {
  if (!(cause instanceof Error)) return String(cause)
  if (cause.cause instanceof Error) return reasonOf(cause.cause)
  return "code" in cause && !cause.message.includes(String(cause.code))
    ? `${cause.message} (${String(cause.code)})`
    : cause.message
}

/** No registry answers, or it answers 5xx: the partition waits. */
export class RegistryUnavailable extends Data.TaggedError("RegistryUnavailable")<{
  readonly registry: string
  readonly cause: unknown
}> {
  override get message(): string {
    return `cannot reach the schema registry ${this.registry}: ${reasonOf(this.cause)}`
  }
}

/** What a person can do, by what was refused. */
const cures = {
  access: "check kafka.schema.registry.basic.auth.user.info or kafka.schema.registry.bearer.auth.token, and what the " +
    "account may read; for TLS kafka.schema.registry.ssl.ca.location, ssl.certificate.location and ssl.key.location",
  schema: "look at that schema and what it references in the registry",
  protocol: "check the address and the path in kafka.schema.registry.url, and what stands between it and here"
} as const

/**
 * The registry refuses, or answers what is of no use, and would do so again.
 *
 * - `access`: 401, 403, or no trust between the two ends of TLS
 * - `schema`: only that schema is concerned: not Avro, not acceptable (409, 422), references without an end
 * - `protocol`: what answers is no registry
 */
export class RegistryRefused extends Data.TaggedError("RegistryRefused")<{
  readonly registry: string
  readonly kind: "access" | "schema" | "protocol"
  readonly what: string
}> {
  override get message(): string {
    return `the schema registry ${this.registry} refused: ${this.what}`
  }

  get cure(): string {
    return cures[this.kind]
  }
}

export type RegistryError = SchemaNotFound | RegistryUnavailable | RegistryRefused

/** Where a schema finds the definition of a name that it uses: Confluent's `references`. */
export interface SchemaReference {
  readonly name: string
  readonly subject: string
  readonly version: number
}

export interface SchemaText {
  /** Avro schema as JSON text. */
  readonly schema: string
  /** Texts of the schemas whose names it uses without defining them, each after those that it uses itself. */
  readonly references: ReadonlyArray<string>
}

export interface RegisteredSchema extends SchemaText {
  readonly id: number
}

export class SchemaRegistry extends Context.Tag("tributary/SchemaRegistry")<SchemaRegistry, {
  /**
   * The writer schema of an id. Remembered for ever (ids are immutable), one request in flight per id; that an id is
   * unknown is remembered for a few seconds.
   */
  readonly byId: (id: number) => Effect.Effect<RegisteredSchema, RegistryError>
  /** By the GUID that newer serializers put into a header. A registry does not say which id belongs to it. */
  readonly byGuid: (guid: string) => Effect.Effect<SchemaText, RegistryError>
  /** A subject's newest version, or the given one. */
  readonly latest: (
    subject: string,
    version?: number
  ) => Effect.Effect<RegisteredSchema & { readonly version: number }, RegistryError>
  /** Registers, or finds, and answers the id. */
  readonly register: (
    subject: string,
    schema: string,
    references?: ReadonlyArray<SchemaReference>
  ) => Effect.Effect<number, RegistryError>
}>() {}
