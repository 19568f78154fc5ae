import * as Data from "effect/Data"

/** A schema that Tributary cannot work with. `where` is the place inside the schema, "" for the schema as a whole. */
export class AvroRefused extends Data.TaggedError("AvroRefused")<{ readonly where: string; readonly what: string }> {
  override get message(): string {
    return this.where === "" ? `Avro schema: ${this.what}` : `Avro schema, ${this.where}: ${this.what}`
  }
}
