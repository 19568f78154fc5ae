import { Predicate } from "effect"

// JSON as values that show what they are: numbers with all their digits, and whether a reader takes them for integers,
// objects with their names in order. So two texts are equal where the documents are.

export const integer = (digits: string): string => `\u0001${digits}`
export const double = (value: number): string => `\u0002${Object.is(value, -0) ? "-0" : value}`

const tokens = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g
const exact = (token: string): string => {
  if (token.startsWith("\"")) return token
  return JSON.stringify(/[.eE]/.test(token) ? double(Number(token)) : integer(token))
}

const ordered = (value: unknown): unknown => {
  if (Array.isArray(value)) return ["[", ...value.map(ordered)]
  if (!Predicate.isRecord(value)) return value
  const entries = Object.entries(value).toSorted(([a], [b]) => a < b ? -1 : 1)
  return ["{", ...entries.map(([name, part]) => [name, ordered(part)])]
}

/** Begins every document's text, and by design no other. */
const mark = "JSON \u0000"

/** Of a value whose numbers are made with `integer` and `double`. */
export const documentText = (value: unknown): string => mark + JSON.stringify(ordered(value))

/** What was read, as it can be compared with what was expected: as it is, or as a document where that is one. */
export const comparable = (read: string | null, expected: string | null | undefined): string | null =>
  read === null || expected?.startsWith(mark) !== true
    ? read
    : documentText(JSON.parse(read.replace(tokens, exact)))
