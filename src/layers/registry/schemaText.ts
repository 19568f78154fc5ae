import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import { createHash } from "node:crypto"
import type { SchemaReference } from "../SchemaRegistry.js"

const parseJson = Schema.decodeUnknownEither(Schema.parseJson())

/**
 * The schema without the white space between its parts, so that two layouts of one schema are one; undefined where the
 * text is no JSON. Attributes keep their order and numbers their digits: a default beyond 2^53 must not meet another.
 */
export const compactSchema = (text: string): string | undefined =>
  Either.isLeft(parseJson(text))
    ? undefined
    : text.replaceAll(/("(?:[^"\\]|\\.)*")|\s+/g, (_, quoted: string | undefined) => quoted ?? "")

/** What tells one registered schema from another: its text and what it references; undefined where it is no JSON. */
export const identityOf = (schema: string, references: ReadonlyArray<SchemaReference>): string | undefined => {
  const compact = compactSchema(schema)
  if (compact === undefined || references.length === 0) return compact
  return `${compact} ${JSON.stringify(references.map(({ name, subject, version }) => [name, subject, version]))}`
}

/** A GUID that follows from the schema itself, as a registry's does. */
export const guidOf = (identity: string): string =>
  createHash("sha256").update(identity).digest("hex").slice(0, 32)
    .replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12})$/, "$1-$2-8$3-8$4-$5")
