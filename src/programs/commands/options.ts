import * as Options from "@effect/cli/Options"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { JavaProperty, JavaPropertyInfo } from "../../domain/javaProperties.js"

/** Names between commas; undefined where the option is not given. */
export const topics = (description: string) =>
  Options.text("topics").pipe(
    Options.withPseudoName("A,B,…"),
    Options.withDescription(description),
    Options.map((list) => list.split(",").map((name) => name.trim()).filter((name) => name !== "")),
    Options.optional,
    Options.map(Option.getOrUndefined)
  )

/** A file that names consumer groups with their topics; undefined where it is not given. */
export const groupsFile = Options.text("groups").pipe(
  Options.withAlias("path"),
  Options.withPseudoName("FILE"),
  Options.withDescription(
    "Groups in one process, as JSON: {\"topic\":\"T\",\"group.id\":\"G\",\"consumer.no\":2} or a list of such. A line " +
      "such as stop consumer-thread-3 on standard input stops one member (in the background: </dev/null)."
  ),
  Options.optional,
  Options.map(Option.getOrUndefined)
)

/** Numbers and choices are read here and not by @effect/cli, whose errors do not name the option. */
const wholeNumber = (name: string, min: number, max: number, description: string) =>
  Options.text(name).pipe(
    Options.withPseudoName("N"),
    Options.withDescription(description),
    Options.filterMap(
      (text) =>
        /^\d{1,15}$/.test(text) && Number(text) >= min && Number(text) <= max
          ? Option.some(Number(text))
          : Option.none(),
      `--${name}: expected a whole number from ${min} to ${max}`
    )
  )

export const whole = (name: string, min: number, max: number, fallback: number, description: string) =>
  wholeNumber(name, min, max, `${description} Default ${fallback}.`).pipe(Options.withDefault(fallback))

export const flag = (name: string, description: string) =>
  Options.boolean(name).pipe(Options.withDescription(description))

export const oneOf = <const Values extends readonly [string, ...ReadonlyArray<string>]>(
  name: string,
  values: Values,
  description: string
): Options.Options<Values[number]> =>
  Options.text(name).pipe(
    Options.withPseudoName(values.join("|")),
    Options.withDescription(`${description} Default ${values[0]}.`),
    Options.filterMap(
      (text) => Option.fromNullable(values.find((value) => value === text)),
      `--${name}: expected one of ${values.join(", ")}`
    ),
    Options.withDefault(values[0])
  )

/** The Java client's words: `--property KEY=VALUE` and `--properties FILE`, both as often as wanted. */
export const javaWords = {
  properties: Options.text("property").pipe(
    Options.withPseudoName("KEY=VALUE"),
    Options.withDescription("A property by the Java client's name, such as acks=1; repeatable."),
    Options.repeated
  ),
  propertyFiles: Options.text("properties").pipe(
    Options.withPseudoName("FILE"),
    Options.withDescription("A file with such properties; repeatable, later ones win."),
    Options.repeated
  )
}

const unitsMs: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 }

/** Milliseconds of `500ms`, `10s`, `1.5m` or `2h`; undefined for anything else, and for parts of milliseconds. */
export const durationMs = (text: string): number | undefined => {
  const [, number, unit = ""] = /^(\d{1,9}(?:\.\d{1,3})?)(ms|s|m|h)$/.exec(text) ?? []
  const ms = Math.round(Number(number) * (unitsMs[unit] ?? Number.NaN) * 1_000) / 1_000
  return Number.isInteger(ms) ? ms : undefined
}

/** Milliseconds; undefined where the option is not given. */
export const duration = (name: string, description: string, minMs = 0) =>
  Options.text(name).pipe(
    Options.withPseudoName("500ms|10s|1m"),
    Options.withDescription(description),
    Options.filterMap(
      (text) => Option.filter(Option.fromNullable(durationMs(text)), (ms) => ms >= minMs),
      `--${name}: expected a time such as 500ms, 10s or 1m${minMs === 0 ? "" : `, ${minMs}ms at least`}`
    ),
    Options.optional,
    Options.map(Option.getOrUndefined)
  )

const unitsBytes: Readonly<Record<string, number>> = { "": 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 }

/** Bytes of `500`, `64kB`, `10MB` or `1GB`, by powers of 1024 as log rotation counts; undefined for anything else. */
export const sizeBytes = (text: string): number | undefined => {
  const [, number = "", unit = ""] = /^(\d{1,9})(?:([kmg])i?b)?$/i.exec(text) ?? []
  return number === "" ? undefined : Number(number) * (unitsBytes[unit.toLowerCase()] ?? 1)
}

/** A size in bytes; undefined where the option is not given. */
export const size = (name: string, min: number, description: string) =>
  Options.text(name).pipe(
    Options.withPseudoName("64kB|10MB|1GB"),
    Options.withDescription(description),
    Options.filterMap(
      (text) => Option.filter(Option.fromNullable(sizeBytes(text)), (bytes) => bytes >= min),
      `--${name}: expected a size such as 10MB, at least ${min} bytes`
    ),
    Options.optional,
    Options.map(Option.getOrUndefined)
  )

/** A whole number; undefined where the option is not given. */
export const optionalWhole = (name: string, min: number, max: number, description: string) =>
  wholeNumber(name, min, max, description).pipe(Options.optional, Options.map(Option.getOrUndefined))

/** An option that says the same as a property of the Java client, in the property's own form; checked by its table. */
export const javaFlag = <A>(spec: JavaProperty<A>, pseudoName: string) => {
  const option = spec.flag ?? ""
  return Options.text(option.slice(2)).pipe(
    Options.withPseudoName(pseudoName),
    Options.withDescription(spec.fallback === undefined ? spec.doc : `${spec.doc} Default ${spec.fallback}.`),
    Options.filterMap(
      (text) => Option.map(Schema.decodeOption(spec.schema)(text), () => saidByFlag(spec, text, text)),
      `${option}: expected ${spec.expected}`
    ),
    Options.optional,
    Options.map(Option.toArray)
  )
}

/** The same for a property in milliseconds, given as 500ms, 10s or 1m. */
export const javaDurationFlag = (spec: JavaProperty<number>, fallback = spec.fallback) => {
  const option = spec.flag ?? ""
  return Options.text(option.slice(2)).pipe(
    Options.withPseudoName("500ms|10s|1m"),
    Options.withDescription(`${spec.doc} Default ${fallback ?? ""}ms.`),
    Options.filterMap(
      (text) => Option.map(Option.fromNullable(durationMs(text)), (ms) => saidByFlag(spec, text, String(ms))),
      `${option}: expected a time such as 500ms, 10s or 1m`
    ),
    Options.optional,
    Options.map(Option.toArray)
  )
}

const saidByFlag = ({ flag: option = "", key }: JavaPropertyInfo, text: string, value: string) => ({
  flag: `${option} ${text}`,
  key,
  value
})

/** Any text; undefined where the option is not given. */
export const textOption = (name: string, pseudoName: string, description: string) =>
  Options.text(name).pipe(
    Options.withPseudoName(pseudoName),
    Options.withDescription(description),
    Options.optional,
    Options.map(Option.getOrUndefined)
  )
