import type { CatalogTable } from "../CatalogTable.js"
import { keyColumnNames, type TablePlan } from "../TablePlan.js"

/** What may surprise the owner of a table that is used as it is. */
export const notesOn = (plan: TablePlan, table: CatalogTable): ReadonlyArray<string> => {
  const known = new Set([...plan.columns.map(({ name }) => name), ...keyColumnNames, ...plan.metadata]
    .map((name) => name.toLowerCase()))
  const kept = table.columns.filter(({ name }) => !known.has(name.toLowerCase()))
  const counter = plan.key.length === 0
    ? undefined
    : table.columns.find(({ dataType, extra }) => /auto_increment/u.test(extra) && dataType !== "bigint")
  return [
    ...(table.type === "VIEW" ? ["it is a view: what it shows is never altered from here"] : []),
    ...kept.map(({ extra, name }) =>
      /generated/u.test(extra.replace("default_generated", ""))
        ? `column ${name} is generated: its value follows from the others`
        : `column ${name} is in the table, not in the schema: kept (its default for new rows)`
    ),
    ...table.triggers.map((trigger) => `trigger ${trigger}: runs for each row, in the same transaction`),
    ...table.constraints.map((constraint) =>
      constraint.startsWith("FOREIGN KEY ")
        ? `${constraint}: a record without its parent waits fk.wait.ms for it, and then is a dead letter`
        : `${constraint}: a record that it forbids is a dead letter`
    ),
    ...(counter === undefined
      ? []
      : [
        `column ${counter.name} is ${counter.columnType} AUTO_INCREMENT: each upsert uses up a number; make it a BIGINT`
      ])
  ]
}
