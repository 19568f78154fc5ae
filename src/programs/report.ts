import * as Console from "effect/Console"
import type * as Effect from "effect/Effect"
import type { Globals } from "./argv.js"
import type { CommandError } from "./exitCodes.js"

/** Data goes to stdout: a table for people or one JSON document for programs. */
export const printData = (
  output: Globals["output"],
  data: { readonly table: () => string; readonly json: () => unknown }
): Effect.Effect<void> => Console.log(output === "json" ? JSON.stringify(data.json(), exactNumbers, 2) : data.table())

/** One line of many, for programs that read them one by one. */
export const jsonLine = (data: object): string => JSON.stringify(data, exactNumbers)

/** Offsets are 64 bits wide. Those that a double holds exactly are numbers, as users of jq expect; the rest are text. */
const exactNumbers = (_: string, value: unknown): unknown => {
  if (typeof value !== "bigint") return value
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : value.toString()
}

/** Errors go to stderr, each once: what, where, why, and what cures it. */
export const printError = (output: Globals["output"], error: CommandError): Effect.Effect<void> =>
  Console.error(output === "json" ? errorAsJson(error) : errorAsText(error))

export const errorAsText = ({ code, cure, details = [], what, where, why }: CommandError): string =>
  [
    `error ${code}: ${what}`,
    ...details.map((detail) => `  - ${detail}`),
    ...(where === undefined ? [] : [`  where: ${where}`]),
    ...(why === undefined ? [] : [`  why:   ${why}`]),
    `  cure:  ${cure}`
  ].join("\n")

const errorAsJson = ({ code, cure, details, exit, what, where, why }: CommandError): string =>
  JSON.stringify({ code, message: what, where, cause: why, cure, details, exit, retryable: exit === 69 || exit === 75 })
