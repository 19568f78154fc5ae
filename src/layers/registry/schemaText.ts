import * as Either from "effect/Either"
import * as Schema from "effect/Schema"

const parseJson = Schema.decodeUnknownEither(Schema.parseJson())

/**
 * The schema without the white space between its parts, so that two spellings of one schema are one; undefined where
 * the text is no JSON. Attributes keep their order: another order is another schema to a registry too.
 */
export const compactSchema = (text: string): string | undefined =>
  Either.match(parseJson(text), { onLeft: () => undefined, onRight: (json) => JSON.stringify(json) })
