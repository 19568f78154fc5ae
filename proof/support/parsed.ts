import { parseArgs } from "node:util"

/** Options that each take a value, with what they are when they are left out; undefined: something else was given. */
export const parsed = <K extends string>(
  args: ReadonlyArray<string>,
  defaults: Readonly<Record<K, string>>
): Readonly<Record<K, string>> | undefined => {
  try {
    const options = Object.fromEntries(Object.keys(defaults).map((name) => [name, { type: "string" as const }]))
    const { values } = parseArgs({ args: [...args], options })
    return { ...defaults, ...values }
  } catch (error) {
    if (error instanceof TypeError) return undefined // an option that is not one, or one without its value
    throw error
  }
}
