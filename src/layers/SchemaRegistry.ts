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
const reasonOf = (cause: unknown): string => {
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

/** The registry refuses (401, 403, 409, 422) or answers what is not its protocol. */
export class RegistryRefused extends Data.TaggedError("RegistryRefused")<{
  readonly registry: string
  readonly what: string
}> {
  override get message(): string {
    return `the schema registry ${this.registry} refused: ${this.what}`
  }
}

export type RegistryError = SchemaNotFound | RegistryUnavailable | RegistryRefused

export interface RegisteredSchema {
  readonly id: number
  /** Avro schema as JSON text. */
  readonly schema: string
  /** Texts of the schemas whose names it uses without defining them, each after those that it uses itself. */
  readonly references: ReadonlyArray<string>
}

export class SchemaRegistry extends Context.Tag("tributary/SchemaRegistry")<SchemaRegistry, {
  /** The writer schema of an id. Cached for ever (ids are immutable), one request in flight per id. */
  readonly byId: (id: number) => Effect.Effect<RegisteredSchema, RegistryError>
  /** By the GUID that newer serializers put into a header. */
  readonly byGuid: (guid: string) => Effect.Effect<RegisteredSchema, RegistryError>
  /** A subject's newest version, or the given one. */
  readonly latest: (
    subject: string,
    version?: number
  ) => Effect.Effect<RegisteredSchema & { readonly version: number }, RegistryError>
  /** Registers, or finds, and answers the id. */
  readonly register: (subject: string, schema: string) => Effect.Effect<number, RegistryError>
}>() {}
