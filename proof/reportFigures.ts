// How what a proof has measured is shown, whatever it is: one table of single figures, and one for each list or record of
// like records.

type Fields = Readonly<Record<string, unknown>>

const isFields = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** Longer lists (samples over time) stay in the result; here their bounds are shown. */
const rowsMax = 200

const text = (value: unknown): string => {
  if (typeof value === "string") return value
  if (typeof value === "number") return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(4)))
  if (Array.isArray(value)) return value.map(text).join(", ")
  if (isFields(value)) return Object.entries(value).map(([name, inner]) => `${name} ${text(inner)}`).join(", ")
  return value === undefined ? "" : JSON.stringify(value)
}

const cell = (value: unknown): string => text(value).replaceAll("|", "\\|").replaceAll("\n", " ")

const table = (head: ReadonlyArray<string>, rows: ReadonlyArray<ReadonlyArray<unknown>>): string =>
  [head, head.map(() => "---"), ...rows].map((row) => `| ${row.map(cell).join(" | ")} |`).join("\n")

interface Listed {
  readonly name: string
  /** Each with what it is called, where it is called something. */
  readonly items: ReadonlyArray<readonly [name: string | undefined, fields: Fields]>
}

const listed = ([name, value]: readonly [string, unknown]): Listed | undefined => {
  if (Array.isArray(value)) {
    const items = value.filter(isFields)
    return value.length > 0 && items.length === value.length
      ? { name, items: items.map((item) => [undefined, item]) }
      : undefined
  }
  if (!isFields(value)) return undefined
  const items = Object.entries(value).flatMap(([key, inner]) => isFields(inner) ? [[key, inner] as const] : [])
  return items.length > 0 && items.length === Object.keys(value).length ? { name, items } : undefined
}

const boundsOf = (items: Listed["items"], column: string): ReadonlyArray<unknown> => {
  const numbers = items.flatMap(([, fields]) => typeof fields[column] === "number" ? [fields[column]] : [])
  return numbers.length === 0 ? [] : [column, Math.min(...numbers), Math.max(...numbers), numbers.at(-1)]
}

const listTable = ({ items, name }: Listed): string => {
  const columns = [...new Set(items.flatMap(([, fields]) => Object.keys(fields)))]
  if (items.length > rowsMax) {
    const bounds = columns.map((column) => boundsOf(items, column)).filter((row) => row.length > 0)
    return `${items.length} ${name}:\n\n${table(["figure", "least", "most", "last"], bounds)}`
  }
  const named = items.some(([own]) => own !== undefined)
  const rows = items.map(([own, fields]) => [...(named ? [own] : []), ...columns.map((column) => fields[column])])
  return table([...(named ? [name] : []), ...columns], rows)
}

/** Tables of all that was measured, nothing left out but the middle of long lists. */
export const figures = (measured: Fields): ReadonlyArray<string> => {
  const entries = Object.entries(measured)
  const lists = entries.flatMap((entry) => listed(entry) ?? [])
  const single = entries.filter((entry) => listed(entry) === undefined)
  return [
    ...(single.length === 0 ? [] : [table(["figure", "measured"], single)]),
    ...lists.map(listTable)
  ]
}
