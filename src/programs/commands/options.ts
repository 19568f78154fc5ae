import * as Options from "@effect/cli/Options"
import * as Option from "effect/Option"

/** Names between commas; undefined where the option is not given. */
export const topics = (description: string) =>
  Options.text("topics").pipe(
    Options.withPseudoName("A,B,…"),
    Options.withDescription(description),
    Options.map((list) => list.split(",").map((name) => name.trim()).filter((name) => name !== "")),
    Options.optional,
    Options.map(Option.getOrUndefined)
  )

/** Numbers and choices are read here and not by @effect/cli, whose errors do not name the option. */
export const whole = (name: string, min: number, max: number, fallback: number, description: string) =>
  Options.text(name).pipe(
    Options.withPseudoName("N"),
    Options.withDescription(`${description} Default ${fallback}.`),
    Options.filterMap(
      (text) =>
        /^\d{1,15}$/.test(text) && Number(text) >= min && Number(text) <= max
          ? Option.some(Number(text))
          : Option.none(),
      `--${name}: expected a whole number from ${min} to ${max}`
    ),
    Options.withDefault(fallback)
  )

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
export const duration = (name: string, description: string) =>
  Options.text(name).pipe(
    Options.withPseudoName("500ms|10s|1m"),
    Options.withDescription(description),
    Options.filterMap(
      (text) => Option.fromNullable(durationMs(text)),
      `--${name}: expected a time such as 500ms, 10s or 1m`
    ),
    Options.optional,
    Options.map(Option.getOrUndefined)
  )
