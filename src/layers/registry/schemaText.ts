import * as Either from "effect/Either"
import * as Schema from "effect/Schema"

const parseJson = Schema.decodeUnknownEither(Schema.parseJson())

/**
 * The schema without the white space between its parts, so that two layouts of one schema are one; undefined where the
 * text is no JSON. Attributes keep their order and numbers their digits: a default beyond 2^53 must not meet another.
 */
export const compactSchema = (text: string): string | undefined =>
  Either.isLeft(parseJson(text))
    ? undefined
    : text.replaceAll(/("(?:[^"\\]|\\.)*")|\s+/g, (_, quoted: string | undefined) => quoted ?? "")
