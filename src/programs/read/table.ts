import { type ConsumerRecord, textOf } from "../../domain/consumerRecord.js"
import type { FormatName, Layout } from "./formats.js"

type Cell = (record: ConsumerRecord, value: string | null) => string | null

const cells = {
  topic: ({ topic }) => topic,
  partition: ({ partition }) => String(partition),
  offset: ({ offset }) => String(offset),
  timestamp: ({ timestampMs }) => String(timestampMs),
  key: ({ key }) => key === null ? null : textOf(key),
  value: (_, value) => value
} as const satisfies Record<string, Cell>
type Column = keyof typeof cells

/** A file of rows under one head. */
export interface Table {
  readonly head: string
  readonly row: Layout
}

/** The columns that a format stands for; undefined where it is a line of its own and makes no row. */
const columnsOf = (format: FormatName | undefined): ReadonlyArray<Column> | undefined => {
  switch (format) {
    case undefined:
    case "avro":
      return ["topic", "partition", "offset", "timestamp", "key", "value"]
    case "key+value":
      return ["key", "value"]
    case "value":
      return ["value"]
    case "json":
    case "record":
    case "labelled":
      return undefined
  }
}

/**
 * Quoted as RFC 4180 says, also where tabs separate; lines end with LF. A null is an empty field and an empty text is
 * `""`, so that the two are told apart, as in PostgreSQL's CSV. Undefined: the format makes no rows.
 */
export const table = (separator: "," | "\t", format: FormatName | undefined): Table | undefined => {
  const columns = columnsOf(format)
  if (columns === undefined) return undefined
  const special = separator === "," ? /[",\r\n]/ : /["\t\r\n]/
  const field = (text: string | null): string => {
    if (text === null) return ""
    return text === "" || special.test(text) ? `"${text.replaceAll("\"", "\"\"")}"` : text
  }
  return {
    head: `${columns.join(separator)}\n`,
    row: (record, value) => `${columns.map((column) => field(cells[column](record, value))).join(separator)}\n`
  }
}
