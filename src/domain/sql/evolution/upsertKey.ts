import { type CatalogTable, columnNamed, type UniqueIndex } from "../CatalogTable.js"
import type { Dialect } from "../Dialect.js"
import { keyColumnNames, type TablePlan } from "../TablePlan.js"
import type { Difference } from "./Evolution.js"

/** Nothing but these compares text byte for byte and takes a blank at its end for a difference. */
const exactCollation = /_0900_bin$|_nopad_bin$|^binary$/u

const isOn = (index: UniqueIndex, names: ReadonlyArray<string>): boolean =>
  index.whole && index.columns.length === names.length
  && names.every((name) => index.columns.some((column) => column.toLowerCase() === name.toLowerCase()))

/**
 * INSERT … ON DUPLICATE KEY UPDATE takes any unique index for the key. So the record's key must be one, it must take two
 * keys for the same only if their bytes are, and no other index may be hit: the row of another record would change.
 */
export const upsertDifferences = (
  dialect: Dialect,
  plan: TablePlan,
  table: CatalogTable,
  alter: string
): ReadonlyArray<Difference> => {
  if (plan.key.length === 0) return []
  const others = table.uniqueIndexes
    .filter((index) => !isOn(index, plan.key) && !isOn(index, keyColumnNames))
    .filter(({ name }) => plan.uniqueIndexesAllowed?.has(name) !== true)
    .map(({ name }) => ({
      what: `unique index ${name} is not the key: a record could change the row of another one`,
      cure: name === "PRIMARY"
        ? `${alter} DROP PRIMARY KEY;`
        : `${alter} DROP INDEX ${dialect.identifier(name)};`,
      allow: `unique.indexes.allowed=${name}`
    }))
  return [...keyDifferences(dialect, plan, table, alter), ...others]
}

/** What keeps the plan's key from naming one row. A deletion by it would take others along. */
export const keyDifferences = (
  dialect: Dialect,
  plan: TablePlan,
  table: CatalogTable,
  alter: string
): ReadonlyArray<Difference> => {
  const missing = table.uniqueIndexes.some((index) => isOn(index, plan.key)) ? [] : [{
    what: `no unique index is on the key (${plan.key.join(", ")}) and nothing else, so that it does not name one row`,
    cure: `${alter} ADD UNIQUE INDEX (${plan.key.map(dialect.identifier).join(", ")});`
  }]
  return [...missing, ...plan.key.flatMap((name) => inexact(dialect, plan, table, alter, name))]
}

const inexact = (
  dialect: Dialect,
  plan: TablePlan,
  table: CatalogTable,
  alter: string,
  name: string
): ReadonlyArray<Difference> => {
  const found = columnNamed(table, name)
  const column = plan.columns.find((each) => each.name === name)
  // Symbols, UUIDs and digits have no case that differs and no blank at the end.
  const isText = column?.type.kind === "string"
  if (!isText || found === undefined || found.collation === null || exactCollation.test(found.collation)) return []
  return [{
    what: `key column ${name} has collation ${found.collation}, for which different keys are the same`,
    cure: `${alter} MODIFY COLUMN ${dialect.identifier(found.name)} ${dialect.columnType(column)} NOT NULL;`
  }]
}
