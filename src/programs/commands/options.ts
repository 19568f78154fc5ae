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
