import type { TopicSettings } from "./TopicSettings.js"

type Naming = Pick<TopicSettings, "table" | "tableNameFormat">

const record = "${record}"

/** Whether each record type of the topic has a table of its own. */
export const namesRecord = ({ table, tableNameFormat }: Naming): boolean =>
  table === undefined && tableNameFormat.includes(record)

/**
 * The table that takes a topic's records of a type. `recordName`: full name of the value's record type, of which the
 * namespace is left out; undefined where the value is no record: its only column is then called `value`, as is its table.
 */
export const tableFor = (naming: Naming, topic: string, recordName: string | undefined): string =>
  nameOf(naming, topic).replaceAll(record, recordName?.slice(recordName.lastIndexOf(".") + 1) ?? "value")

/** The table's name as far as it is known without a record: `${record}` stays as it is. */
export const nameOf = ({ table, tableNameFormat }: Naming, topic: string): string =>
  table ?? tableNameFormat.replaceAll("${topic}", () => topic)

/**
 * Which tables may hold records of a topic. Without case, because the server may have none; and one of another topic may
 * be among them, whose rows have another source.
 */
export const mayHold = (naming: Naming, topic: string): (table: string) => boolean => {
  const literal = nameOf(naming, topic).split(record).map((part) => part.replaceAll(/[\\^$.*+?()[\]{}|]/g, "\\$&"))
  const name = new RegExp(`^${literal.join(namesRecord(naming) ? ".+" : "\\$\\{record\\}")}$`, "i")
  return (table) => name.test(table)
}
