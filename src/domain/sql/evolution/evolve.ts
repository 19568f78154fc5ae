import type { EvolutionPolicy } from "../../TopicSettings.js"
import { type CatalogColumn, type CatalogTable, columnNamed } from "../CatalogTable.js"
import type { Dialect } from "../Dialect.js"
import { metadataColumn } from "../metadata.js"
import { schemaText } from "../schemaText.js"
import { type Column, keyColumnNames, type TablePlan } from "../TablePlan.js"
import { addClause, hasHiddenDefault, modifyClause } from "./clauses.js"
import type { DdlCost, DdlStep, Difference, Evolution } from "./Evolution.js"
import { notesOn } from "./notes.js"
import { anyOf, takes } from "./takes.js"
import { upsertDifferences } from "./upsertKey.js"
import { widened } from "./widening.js"

/**
 * A rebuild of at most so much data, indexes included, is run unasked: about a minute on common hardware. Above it
 * `schema.evolution.allow.copy` has to allow it, as a copy of any size.
 */
export const rebuildBytesMax = 1024 ** 3

/** InnoDB's limit (error 1117). */
const columnsMax = 1017

const allowWiden = "schema.evolution=widen"
const allowCopy = "schema.evolution.allow.copy=true"

/** One clause of an ALTER. */
interface Change {
  /** The column that it modifies; absent where it adds one. */
  readonly found?: CatalogColumn
  readonly kind: "add" | "relax" | "widen"
  readonly clause: string
  readonly what: string
  readonly why: string
  readonly cost: DdlCost
}

/** What a column, or the lack of one, leads to. */
type Finding =
  | { readonly _tag: "Change"; readonly change: Change }
  | { readonly _tag: "Refused"; readonly difference: Difference }
  | { readonly _tag: "Ignored"; readonly name: string }

interface Situation {
  readonly dialect: Dialect
  readonly plan: TablePlan
  readonly table: CatalogTable
  readonly policy: EvolutionPolicy
  readonly alter: string
}

const change = (made: Change): Finding => ({ _tag: "Change", change: made })
const refused = (difference: Difference): Finding => ({ _tag: "Refused", difference })

/** Whether rows can say where they came from. */
export const hasKeyColumns = (table: CatalogTable): boolean =>
  keyColumnNames.every((name) => {
    const found = columnNamed(table, name)
    return found !== undefined && anyOf(found, "smallint", "mediumint", "int", "bigint")
  })

const inPrimaryKey = (table: CatalogTable, name: string): boolean =>
  table.primaryKey.some((each) => each.toLowerCase() === name.toLowerCase())

const newColumn = ({ alter, dialect, plan, policy, table }: Situation, column: Column): Finding => {
  const invisible = plan.metadata.some((name) => name === column.name) ? " INVISIBLE" : ""
  const clause = addClause(dialect, table, column) + invisible
  const difference = { what: `column ${column.name} is missing`, cure: `${alter} ${clause};` }
  if (plan.key.includes(column.name) || table.type !== "BASE TABLE") return refused(difference)
  if (policy.mode === "none") return { _tag: "Ignored", name: column.name }
  const why = `add column ${column.name}, which ${schemaText(plan)} has`
  return change({ kind: "add", clause, what: difference.what, why, cost: "instant" })
}

const nullability = ({ alter, dialect, plan, policy }: Situation, column: Column, found: CatalogColumn): Finding => {
  const clause = modifyClause(dialect, found, { type: undefined, nullable: true })
  const what = `column ${column.name} is NOT NULL, and its field may be null`
  if (policy.mode !== "widen") return refused({ what, cure: `${alter} ${clause};`, allow: allowWiden })
  const why = `allow NULL in ${column.name}, whose field may be null in ${schemaText(plan)}`
  return change({ found, kind: "relax", clause, what, why, cost: "rebuild" })
}

const otherType = (situation: Situation, column: Column, found: CatalogColumn): Finding => {
  const { alter, dialect, plan, policy } = situation
  const declared = dialect.columnType(column)
  const what = `column ${column.name} is ${found.columnType}, which does not hold every value of ${declared}`
  const wider = widened(dialect, found, column)
  const nullable = found.nullable || column.nullable
  const clause = modifyClause(dialect, found, { type: wider?.type ?? declared, nullable })
  const cure = `${alter} ${clause};`
  if (wider === undefined) return refused({ what, cure })
  if (policy.mode !== "widen") return refused({ what, cure, allow: allowWiden })
  const why = `widen ${found.name} from ${found.columnType} for ${schemaText(plan)}`
  const cost = nullable && !found.nullable && wider.cost !== "copy" ? "rebuild" : wider.cost
  return change({ found, kind: "widen", clause, what, why, cost })
}

const findings = (situation: Situation, column: Column): ReadonlyArray<Finding> => {
  const { alter, dialect, table } = situation
  const found = columnNamed(table, column.name)
  if (found === undefined) return [newColumn(situation, column)]
  if (/(?:virtual|stored|persistent) generated/u.test(found.extra)) {
    const name = dialect.identifier(column.name)
    return [refused({
      what: `column ${column.name} is generated, so nothing can be written to it`,
      cure: `${alter} DROP COLUMN ${name}, ${addClause(dialect, table, column)};`
    })]
  }
  if (!takes(found, column.type)) return [otherType(situation, column, found)]
  return column.nullable && !found.nullable ? [nullability(situation, column, found)] : []
}

/** Columns that the schema lacks and that need a value. */
const unfilled = (situation: Situation): ReadonlyArray<Finding> => {
  const { alter, dialect, plan, policy, table } = situation
  const filled = new Set([...plan.columns.map(({ name }) => name), ...plan.metadata].map((name) => name.toLowerCase()))
  if (hasKeyColumns(table)) keyColumnNames.forEach((name) => filled.add(name))
  return table.columns
    .filter((column) => !column.nullable && !column.hasDefault && !filled.has(column.name.toLowerCase()))
    .filter((column) => !/auto_increment|(?:virtual|stored|persistent) generated/u.test(column.extra))
    .map((column): Finding => {
      const what = `column ${column.name} is NOT NULL without a default, and the schema has no such field`
      if (inPrimaryKey(table, column.name)) {
        return refused({
          what,
          cure: `give ${column.name} a default, or take it out of the primary key of ${plan.table}`
        })
      }
      const clause = modifyClause(dialect, column, { type: undefined, nullable: true })
      const cure = `${alter} ${clause};`
      if (policy.mode === "none") return refused({ what, cure, allow: "schema.evolution=additive" })
      const why = `allow NULL in ${column.name}, which ${schemaText(plan)} does not have`
      return change({ found: column, kind: "relax", clause, what, why, cost: "rebuild" })
    })
}

const reads = { instant: "INSTANT", inplace: "INPLACE", rebuild: "INPLACE", copy: "COPY" } as const

/** What the policy does not let happen unasked; a view is never altered. */
const forbidden = (
  { alter, policy, table }: Situation,
  { clause, cost, found, what }: Change
): Difference | undefined => {
  const cure = `${alter} ${clause}, ALGORITHM=${reads[cost]};`
  if (table.type !== "BASE TABLE") {
    return { what, cure: `alter what the view ${alter.slice("ALTER TABLE ".length)} shows` }
  }
  if (found !== undefined && hasHiddenDefault(found)) {
    return { what, cure: `run, with the default of ${found.name} behind it: ${alter} ${clause};` }
  }
  if (policy.allowCopy || cost === "instant" || cost === "inplace") return undefined
  if (cost === "rebuild" && table.bytes <= rebuildBytesMax) return undefined
  const size = `${table.rows} rows, ${table.bytes} bytes`
  return { what: `${what}; to change that writes the table anew (${size})`, cure, allow: allowCopy }
}

const fallbacksOf = ({ policy, table }: Situation, cost: DdlCost): ReadonlyArray<string> => {
  const mayRebuild = policy.allowCopy || table.bytes <= rebuildBytesMax
  return [
    ...(cost === "instant" && mayRebuild ? ["INPLACE"] : []),
    ...(cost !== "copy" && policy.allowCopy ? ["COPY"] : [])
  ]
}

const costs: ReadonlyArray<DdlCost> = ["instant", "inplace", "rebuild", "copy"]

/** One ALTER for all that costs the same: the server would do the cheap part as dearly as the dearest. */
const stepsOf = (situation: Situation, changes: ReadonlyArray<Change>): ReadonlyArray<DdlStep> =>
  costs.flatMap((cost) =>
    (["add", "relax", "widen"] as const).flatMap((kind): ReadonlyArray<DdlStep> => {
      const same = changes.filter((each) => each.cost === cost && each.kind === kind)
      if (same.length === 0) return []
      const alter = `${situation.alter} ${same.map(({ clause }) => clause).join(", ")}`
      const as = (algorithm: string): string => `${alter}, ALGORITHM=${algorithm}`
      return [{
        kind,
        sql: as(reads[cost]),
        fallbacks: fallbacksOf(situation, cost).map(as),
        why: same.map(({ why }) => why),
        cost
      }]
    })
  )

/** Beyond it the server would call the algorithm unsupported, and not say why. */
const tooMany = (table: CatalogTable, changes: ReadonlyArray<Change>): ReadonlyArray<Difference> => {
  const count = table.columns.length + changes.filter(({ kind }) => kind === "add").length
  return count <= columnsMax ? [] : [{
    what: `the table would have ${count} columns, InnoDB takes ${columnsMax}`,
    cure: "leave fields out: fields.exclude"
  }]
}

const unusable = (table: CatalogTable, alter: string): ReadonlyArray<Difference> => {
  if (table.type === "VIEW") {
    return table.updatable
      ? []
      : [{ what: "it is a view that rows cannot be written to", cure: "choose another table" }]
  }
  if (table.type !== "BASE TABLE") {
    return [{ what: `it is a ${table.type.toLowerCase()}`, cure: "choose another table by table.name.format" }]
  }
  return table.engine?.toLowerCase() === "innodb" ? [] : [{
    what: `its engine is ${table.engine ?? "none"}, which has no transactions`,
    cure: `${alter} ENGINE=InnoDB;`
  }]
}

/** Servers want one visible column (4028, MariaDB 1113). Once the table is there, a record without fields is a row. */
const noColumns: Difference = {
  what: "it is not there, and cannot be made of a schema without fields",
  cure: "create it with one column that may be NULL, or let records of a version with fields come first"
}

/**
 * The steps from the table as it is found (undefined: not there) to one that takes the plan's rows, as far as the
 * policy goes, and all that stands in the way.
 */
export const evolve = (
  dialect: Dialect,
  plan: TablePlan,
  table: CatalogTable | undefined,
  policy: EvolutionPolicy
): Evolution => {
  if (table === undefined) {
    if (plan.columns.length === 0) return { steps: [], refused: [noColumns], notes: [], ignored: new Set() }
    const why = [`create the table for ${schemaText(plan)} of topic ${plan.topic}`]
    const create: DdlStep = { kind: "create", sql: dialect.createTable(plan), fallbacks: [], why, cost: "instant" }
    return { steps: [create], refused: [], notes: [], ignored: new Set() }
  }
  const alter = `ALTER TABLE ${dialect.identifier(plan.table)}`
  const situation: Situation = { dialect, plan, table, policy, alter }
  const wanted = [...plan.columns, ...plan.metadata.map(metadataColumn)]
  const found = [...wanted.flatMap((column) => findings(situation, column)), ...unfilled(situation)]
  const changes = found.flatMap((each) => each._tag === "Change" ? [each.change] : [])
  const differences = [
    ...unusable(table, alter),
    ...tooMany(table, changes),
    ...found.flatMap((each) => each._tag === "Refused" ? [each.difference] : []),
    ...changes.flatMap((each) => forbidden(situation, each) ?? []),
    ...upsertDifferences(dialect, plan, table, alter)
  ]
  return {
    steps: stepsOf(situation, changes.filter((each) => forbidden(situation, each) === undefined)),
    refused: differences,
    notes: notesOn(plan, table),
    ignored: new Set(found.flatMap((each) => each._tag === "Ignored" ? [each.name] : []))
  }
}
