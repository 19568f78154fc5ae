import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as ParseResult from "effect/ParseResult"
import type { Redacted } from "effect/Redacted"
import * as Schema from "effect/Schema"

/** What is known of one configuration key. Documents, completion and checks are made from it. */
export interface KeyInfo {
  /** The one spelling that documents and `config show` use. */
  readonly key: string
  /** Other spellings that people bring from Kafka clients and connectors. */
  readonly aliases: ReadonlyArray<string>
  /** Completes "expected …". */
  readonly expected: string
  /** As it would be written in a file; undefined: there is none. */
  readonly fallback: string | undefined
  /** What it is, where its default comes from, what too low and too high do. */
  readonly doc: string
  /** May hold a secret: can be given as `…_FILE`, and is shown only through `display`. */
  readonly secret: boolean
  /** The value as people may see it. */
  readonly display: (text: string) => string
  /** Names a file, whose content is the value; it is read once, when the configuration is. Nothing: no file. */
  readonly file: boolean
}

export interface KeySpec<A> extends KeyInfo {
  readonly schema: Schema.Schema<A, string>
}

interface Details {
  readonly doc: string
  readonly fallback?: string
  readonly aliases?: ReadonlyArray<string>
}

/** What the text of a value may be. */
export interface Kind<A> {
  readonly schema: Schema.Schema<A, string>
  readonly expected: string
  readonly secret?: boolean
  readonly display?: (text: string) => string
  readonly file?: boolean
}

export const key = <A>(name: string, kind: Kind<A>, details: Details): KeySpec<A> => ({
  key: name,
  aliases: details.aliases ?? [],
  schema: kind.schema,
  expected: kind.expected,
  fallback: details.fallback,
  doc: details.doc,
  secret: kind.secret ?? false,
  display: kind.display ?? ((shown) => shown),
  file: kind.file ?? false
})

/** Whole numbers only: "1e3" and "0x10" would pass a looser reading, and surprise whoever reads the file later. */
export const integer = (min: number, max: number): Kind<number> => ({
  schema: Schema.String.pipe(
    Schema.pattern(/^-?\d{1,15}$/),
    Schema.compose(Schema.NumberFromString),
    Schema.between(min, max)
  ),
  expected: `a whole number from ${min} to ${max}`
})

export const boolean: Kind<boolean> = {
  schema: Schema.transform(
    Schema.Lowercase.pipe(Schema.compose(Schema.Literal("true", "false"))),
    Schema.Boolean,
    { strict: true, decode: (word) => word === "true", encode: (value) => value ? "true" : "false" }
  ),
  expected: "true or false"
}

export const choice = <const Values extends readonly [string, ...ReadonlyArray<string>]>(
  ...values: Values
): Kind<Values[number]> => ({
  schema: Schema.Lowercase.pipe(Schema.compose(Schema.Literal(...values), { strict: false })),
  expected: `one of ${values.join(", ")}`
})

export const text = (pattern: RegExp, expected: string): Kind<string> => ({
  schema: Schema.String.pipe(Schema.pattern(pattern)),
  expected
})

/** A value of its own syntax, read by a function that answers undefined for what it cannot read. */
export const parsed = <A, I>(
  target: Schema.Schema<A, I>,
  read: (text: string) => I | undefined,
  write: (value: I) => string,
  expected: string
): Kind<A> => ({
  schema: Schema.transformOrFail(Schema.String, target, {
    strict: true,
    decode: (input, _, ast) => {
      const value = read(input)
      return value === undefined ? ParseResult.fail(new ParseResult.Type(ast, input)) : ParseResult.succeed(value)
    },
    encode: (value) => ParseResult.succeed(write(value))
  }),
  expected
})

const items = Schema.transform(
  Schema.String,
  Schema.Array(Schema.String),
  {
    strict: true,
    decode: (written) => written.split(",").map((part) => part.trim()),
    encode: (parts) => parts.join(",")
  }
)
const noneTwice = (parts: ReadonlyArray<string>): boolean => new Set(parts).size === parts.length

/** Items between commas, trimmed, each matched by `item`, at least one, none twice. */
export const list = (item: (part: string) => boolean, expected: string): Kind<ReadonlyArray<string>> => ({
  schema: items.pipe(Schema.filter((parts) => parts.every(item) && noneTwice(parts))),
  expected,
  // No list of ours takes user and password, and none may show them when somebody tries.
  display: (written) => /[@?]/.test(written) ? "<redacted>" : written
})

/** The same, of any names, or nothing: what a topic of its own is given instead of the list of all topics may be none. */
export const names = (expected: string): Kind<ReadonlyArray<string>> =>
  parsed(
    Schema.Array(Schema.String),
    (written) => {
      const parts = written.trim() === "" ? [] : written.split(",").map((part) => part.trim())
      return parts.every((part) => part !== "") && noneTwice(parts) ? parts : undefined
    },
    (parts) => parts.join(","),
    `${expected} between commas, none twice, or nothing`
  )

/** `a:b,c:d`, or nothing. No left side twice. */
export const pairs = (
  fits: (left: string, right: string) => boolean,
  expected: string
): Kind<ReadonlyMap<string, string>> =>
  parsed(
    Schema.ReadonlyMapFromSelf({ key: Schema.String, value: Schema.String }),
    (written) => {
      const parts = written.trim() === "" ? [] : written.split(",").map((part) => part.split(":").map((_) => _.trim()))
      const read = new Map(parts.map(([left = "", right = ""]) => [left, right]))
      const right = parts.every((part) => part.length === 2 && fits(part[0] ?? "", part[1] ?? ""))
      return right && read.size === parts.length ? read : undefined
    },
    (read) => [...read].map(([left, right]) => `${left}:${right}`).join(","),
    expected
  )

export const fraction: Kind<number> = {
  schema: Schema.String.pipe(
    Schema.pattern(/^\d(?:\.\d{1,6})?$/),
    Schema.compose(Schema.NumberFromString),
    Schema.between(0, 1)
  ),
  expected: "a number from 0 to 1"
}

/** A regular expression for whole names. Of nothing: one that no name matches. */
export const pattern: Kind<RegExp> = parsed(
  Schema.instanceOf(RegExp),
  // Alone first: `a)|(b` makes sense only between brackets of ours.
  (written) => Either.getOrUndefined(Either.try(() => [new RegExp(written), new RegExp(`^(?:${written})$`)][1])),
  (read) => read.source.slice("^(?:".length, -")$".length),
  "a regular expression for whole names, or nothing"
)

/** A file of JSON. The schema is of what the file holds, as that of every kind with `file` is. */
export const jsonFile = (expected: string): Kind<string> => ({
  schema: Schema.String.pipe(Schema.filter((content) => Option.isSome(decodeJson(content)))),
  expected,
  file: true
})
const decodeJson = Schema.decodeOption(Schema.parseJson())

export const secretText: Kind<Redacted> = {
  schema: Schema.Redacted(Schema.String),
  expected: "text",
  secret: true,
  display: () => "<redacted>"
}
