import {
  asText,
  type Field,
  type Kind,
  presetText,
  valueOf,
  type Version,
  type Walk,
  type WalkRecord
} from "./schemaWalk.js"

// What a table must be in the end, told without SQL: docs/mapping.md ("When schemas change") in a few lines. Which of two
// instances meets a schema first is up to them, so the model looks for an order that explains where the partitions have
// stopped; the table must be what that order leads to.

export interface ModelColumn {
  /** As information_schema names it. */
  readonly type: string
  readonly nullable: boolean
  /** What a row has whose record lacks the field. */
  readonly preset: string | null
}
export type ModelTable = ReadonlyMap<string, ModelColumn>
export type ModelRow = ReadonlyMap<string, string | null>
export interface Model {
  readonly table: ModelTable | undefined
  /** By partition and offset, or by key. */
  readonly rows: ReadonlyMap<string, ModelRow>
}

const typeOf: Record<Kind, string> = {
  boolean: "tinyint(1)",
  int: "int",
  long: "bigint",
  float: "float",
  double: "double",
  string: "longtext",
  fixed4: "binary(4)",
  fixed8: "binary(8)",
  enumAB: "enum('A','B')",
  enumABC: "enum('A','B','C')"
}

const taken: Record<Kind, ReadonlyArray<string>> = {
  boolean: ["int", "bigint", "double"],
  int: ["bigint", "double"],
  long: [],
  float: ["double"],
  double: [],
  string: [],
  fixed4: ["varbinary(8)"],
  fixed8: ["varbinary(8)"],
  enumAB: ["enum('A','B','C')", "longtext"],
  enumABC: ["longtext"]
}

/** What becomes of a column that does not take the kind; the ENUM's list grows at no cost, the others are copied. */
const widened: Partial<Record<Kind, Readonly<Record<string, string>>>> = {
  int: { "tinyint(1)": "int" },
  long: { "tinyint(1)": "bigint", int: "bigint" },
  double: { "tinyint(1)": "double", int: "double", float: "double" },
  fixed8: { "binary(4)": "varbinary(8)" },
  enumABC: { "enum('A','B')": "enum('A','B','C')" }
}

const created = ({ kind, nullable, preset }: Field): ModelColumn => ({
  type: typeOf[kind],
  nullable,
  preset: preset ? presetText(kind) : null
})

const taking = (column: ModelColumn, field: Field, { allowCopy, mode }: Walk["policy"]): ModelColumn | undefined => {
  const takes = column.type === typeOf[field.kind] || taken[field.kind].includes(column.type)
  const wider = takes ? column.type : widened[field.kind]?.[column.type]
  if (wider === undefined) return undefined
  const nullable = column.nullable || field.nullable
  if (wider === column.type && nullable === column.nullable) return column
  if (mode !== "widen" || (wider !== column.type && !wider.startsWith("enum") && !allowCopy)) return undefined
  return { ...column, type: wider, nullable }
}

/** The table after a version's first use; undefined: the version is refused. */
const accepting = (
  table: ModelTable | undefined,
  version: Version,
  { policy, upsert }: Walk
): ModelTable | undefined => {
  if (table === undefined) {
    // Beside the key of an upsert no column is needed.
    if (version.length === 0 && !upsert) return undefined
    return new Map(version.map((field) => [field.name, created(field)]))
  }
  const after = new Map(table)
  for (const field of version) {
    const column = table.get(field.name)
    if (column === undefined) {
      if (policy.mode !== "none") after.set(field.name, { ...created(field), nullable: true })
      continue
    }
    const changed = taking(column, field, policy)
    if (changed === undefined) return undefined
    after.set(field.name, changed)
  }
  for (const [name, column] of table) {
    if (version.some((field) => field.name === name) || column.nullable || column.preset !== null) continue
    if (policy.mode === "none") return undefined
    after.set(name, { ...column, nullable: true })
  }
  return after
}

/** The versions that a partition meets, in order, without repeats; the last of one that has stopped is refused. */
interface Course {
  readonly versions: ReadonlyArray<number>
  readonly stops: boolean
}

const courseOf = (records: ReadonlyArray<WalkRecord>, stored: number): Course => {
  const met = records.slice(0, stored + 1).filter(({ tombstone }) => !tombstone).map(({ version }) => version)
  const stopping = records[stored]
  if (stopping === undefined) return { versions: [...new Set(met)], stops: false }
  return { versions: [...new Set(met.slice(0, -1)), stopping.version], stops: true }
}

/** All tables that some order of the courses leads to. */
const tablesOf = (walk: Walk, courses: ReadonlyArray<Course>): ReadonlyArray<ModelTable | undefined> => {
  const found = new Map<string, ModelTable | undefined>()
  const seen = new Set<string>()
  const visit = (at: ReadonlyArray<number>, table: ModelTable | undefined): void => {
    const shown = JSON.stringify(table === undefined ? null : [...table].toSorted(([a], [b]) => a < b ? -1 : 1))
    const state = `${at.join()} ${shown}`
    if (seen.has(state)) return
    seen.add(state)
    if (courses.every(({ versions }, index) => at[index] === versions.length)) found.set(shown, table)
    courses.forEach(({ stops, versions }, index) => {
      const place = at[index] ?? 0
      const version = walk.versions[versions[place] ?? -1]
      if (version === undefined) return
      const moved = at.with(index, place + 1)
      const refusedHere = stops && place === versions.length - 1
      const after = accepting(table, version, walk)
      if (refusedHere && after === undefined) visit(moved, table)
      if (!refusedHere && after !== undefined) visit(moved, after)
    })
  }
  visit(courses.map(() => 0), undefined)
  return [...found.values()]
}

export const keyOf = ({ key, partition }: Pick<WalkRecord, "key" | "partition">): number => partition * 10 + key

const rowsOf = (walk: Walk, table: ModelTable, written: ReadonlyArray<readonly [offset: number, WalkRecord]>) => {
  const rows = new Map<string, Map<string, string | null>>()
  for (const [offset, record] of written) {
    const place = walk.upsert ? String(keyOf(record)) : `${record.partition}@${offset}`
    if (record.tombstone) {
      if (walk.upsert) rows.delete(place)
      continue
    }
    const row = rows.get(place) ?? new Map([...table].map(([name, { preset }]) => [name, preset]))
    for (const field of walk.versions[record.version] ?? []) {
      if (table.has(field.name)) row.set(field.name, asText(valueOf(field, record.seed)))
    }
    rows.set(place, row)
  }
  return rows
}

/** What table and rows may be, where the partitions have come so far: one of these, and none where no order explains it. */
export const modelsOf = (walk: Walk, stored: ReadonlyArray<number>): ReadonlyArray<Model> => {
  const logs = stored.map((_, partition) => walk.records.filter((record) => record.partition === partition))
  const courses = logs.map((records, partition) => courseOf(records, stored[partition] ?? 0))
  const written = logs.flatMap((records, partition) =>
    records.slice(0, stored[partition]).map((record, offset) => [offset, record] as const)
  )
  return tablesOf(walk, courses).map((table) => ({
    table,
    rows: table === undefined ? new Map() : rowsOf(walk, table, written)
  }))
}
