/** A row as an INSERT writes it. */
export interface Tuple {
  /** Of an upsert: the cells of the key. */
  readonly key: string
  readonly content: string
  readonly source: number
  readonly partition: number
  readonly offset: bigint
}

export interface TableInsert {
  readonly kind: "insert"
  readonly table: string
  readonly upsert: boolean
  readonly tuples: ReadonlyArray<Tuple>
}

export interface TableDelete {
  readonly kind: "delete"
  readonly table: string
  readonly keys: ReadonlyArray<string>
}

const unquoted = (name: string): string => name.startsWith("`") ? name.slice(1, -1).replaceAll("``", "`") : name.trim()

/** How many of the columns an upsert does not overwrite: those of the key, which come first. */
const keyLengthOf = (columns: ReadonlyArray<string>, tail: string): number => {
  const first = columns.findIndex((column) => tail.includes(`UPDATE ${column} = `))
  return first === -1 ? columns.length : first
}

const insertShape = /^INSERT INTO (`(?:[^`]|``)+`|\w+) \(([^)]*)\) VALUES \s*\(/u

/** Tributary's key columns are the last three; the rest of a row is its content. */
const tupleOf = (text: string, keyLength: number): Tuple => {
  const third = text.lastIndexOf(",")
  const second = text.lastIndexOf(",", third - 1)
  const first = text.lastIndexOf(",", second - 1)
  return {
    key: keyLength === 0 ? "" : text.split(",", keyLength).join(","),
    content: text.slice(0, Math.max(first, 0)),
    source: Number(text.slice(first + 1, second)),
    partition: Number(text.slice(second + 1, third)),
    offset: BigInt(text.slice(third + 1).trim())
  }
}

/** No literal of production's holds a bracket. */
export const parseInsert = (text: string): TableInsert => {
  const [head, table = "", columnList = ""] = insertShape.exec(text) ?? []
  const columns = columnList.split(",").map((column) => column.trim())
  if (head === undefined || unquoted(columns.at(-1) ?? "") !== "_offset") {
    throw new Error(`the simulated MySQL knows only rows that end in Tributary's key: ${text.slice(0, 500)}`)
  }
  const tailAt = text.lastIndexOf(") AS `")
  const upsert = tailAt !== -1
  const keyLength = upsert ? keyLengthOf(columns, text.slice(tailAt)) : 0
  const rows = text.slice(head.length, upsert ? tailAt : text.lastIndexOf(")")).split("),(")
  return { kind: "insert", table: unquoted(table), upsert, tuples: rows.map((row) => tupleOf(row, keyLength)) }
}

const deleteShape = /^DELETE(?: \/\*.*?\*\/)? FROM (`(?:[^`]|``)+`) WHERE (\(?).*? IN \(/u

export const parseDelete = (text: string): TableDelete => {
  const [head, table = "", bracket] = deleteShape.exec(text) ?? []
  if (head === undefined) throw new Error(`the simulated MySQL does not know this deletion: ${text.slice(0, 500)}`)
  const list = text.slice(head.length, -1)
  const keys = bracket === "(" ? list.slice(1, -1).split("),(") : list.split(",")
  return { kind: "delete", table: unquoted(table), keys }
}
