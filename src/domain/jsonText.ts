import * as Either from "effect/Either"
import * as Schema from "effect/Schema"

/** A JSON value that knows the lines of its text. Names that stand twice in an object are both there. */
export type JsonNode =
  | { readonly kind: "object"; readonly line: number; readonly fields: ReadonlyArray<JsonField> }
  | { readonly kind: "array"; readonly line: number; readonly items: ReadonlyArray<JsonNode> }
  | { readonly kind: "scalar"; readonly line: number; readonly value: string | number | boolean | null }

export interface JsonField {
  readonly name: string
  readonly line: number
  readonly value: JsonNode
}

/** Where the text stops being JSON, counted from 1. */
export interface JsonProblem {
  readonly line: number
  readonly column: number
  readonly what: string
}

const depthMax = 100
const token = /"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*|[A-Za-z]+|[{}[\],:]/y
const blank = /[ \t\r\n]*/y

const Scalar = Schema.parseJson(Schema.Union(Schema.String, Schema.Number, Schema.Boolean, Schema.Null))
const decodeScalar = Schema.decodeEither(Scalar)

/** Reads JSON with the line of each value, which the platform's own parser does not tell. */
export const parseJsonText = (text: string): Either.Either<JsonNode, JsonProblem> => {
  let at = 0
  const skipBlanks = (): void => {
    blank.lastIndex = at
    blank.test(text)
    at = blank.lastIndex
  }
  const lineOf = (offset: number): number => text.slice(0, offset).split("\n").length
  const problem = (what: string): Either.Either<never, JsonProblem> =>
    Either.left({ line: lineOf(at), column: at - text.lastIndexOf("\n", at - 1), what })
  const next = (): string => {
    skipBlanks()
    token.lastIndex = at
    return token.exec(text)?.[0] ?? ""
  }
  const found = (): string => at >= text.length ? "the text ends" : `not ${JSON.stringify(next() || text[at])}`

  const take = (wanted: string, what: string): Either.Either<void, JsonProblem> => {
    if (next() !== wanted) return problem(`${what} is expected here, ${found()}`)
    at += wanted.length
    return Either.void
  }

  const scalar = (): Either.Either<{ readonly value: string | number | boolean | null }, JsonProblem> => {
    const part = next()
    const decoded = decodeScalar(part)
    if (part === "" || Either.isLeft(decoded)) return problem(`a value is expected here, ${found()}`)
    at += part.length
    return Either.right({ value: decoded.right })
  }

  /** What stands between brackets, separated by commas. */
  const sequence = <A>(close: string, one: () => Either.Either<A, JsonProblem>) =>
    Either.gen(function*() {
      at += 1
      const all: Array<A> = []
      while (next() !== close) {
        if (all.length > 0) yield* take(",", `, or ${close}`)
        all.push(yield* one())
      }
      at += 1
      return all
    })

  const value = (depth: number): Either.Either<JsonNode, JsonProblem> => {
    const first = next()
    const line = lineOf(at)
    if (depth > depthMax) return problem(`no more than ${depthMax} brackets are expected inside one another`)
    if (first === "[") {
      return Either.map(sequence("]", () => value(depth + 1)), (items) => ({ kind: "array", line, items }))
    }
    if (first !== "{") return Either.map(scalar(), (read) => ({ kind: "scalar", line, ...read }))
    const field = (): Either.Either<JsonField, JsonProblem> =>
      Either.gen(function*() {
        next()
        const nameLine = lineOf(at)
        if (text[at] !== "\"") return yield* problem(`a name in quotes is expected here, ${found()}`)
        const name = String((yield* scalar()).value)
        yield* take(":", "a colon")
        return { name, line: nameLine, value: yield* value(depth + 1) }
      })
    return Either.map(sequence("}", field), (fields) => ({ kind: "object", line, fields }))
  }

  return Either.gen(function*() {
    const whole = yield* value(0)
    skipBlanks()
    return at < text.length ? yield* problem(`nothing more is expected here, ${found()}`) : whole
  })
}
