import type { CatalogColumn, CatalogTable } from "../../src/domain/sql/CatalogTable.js"

/** What the catalog says of a column that was declared so: `varchar(20)`. */
export const catalogColumn = (name: string, columnType: string, over: Partial<CatalogColumn> = {}): CatalogColumn => {
  const [dataType = "", , inside = ""] = /^(\w+)(\((.*)\))?/u.exec(columnType)?.slice(1) ?? []
  const [first, second] = inside.split(",").map(Number)
  const isTime = ["time", "datetime", "timestamp"].includes(dataType)
  const isDecimal = dataType === "decimal"
  return {
    name,
    dataType,
    columnType,
    nullable: true,
    hasDefault: false,
    defaultText: null,
    comment: "",
    collation: /char|text|enum/u.test(dataType) ? "utf8mb4_0900_ai_ci" : null,
    lengthMax: /text|blob/u.test(dataType) ? 2 ** 32 - 1 : isTime || isDecimal ? null : first ?? null,
    precision: isDecimal ? first ?? null : null,
    scale: isDecimal ? second ?? null : null,
    fractionDigits: isTime ? first ?? 0 : null,
    extra: "",
    ...over
  }
}

/** A small InnoDB table of these columns, without indexes. */
export const catalogTable = (
  columns: ReadonlyArray<CatalogColumn>,
  over: Partial<CatalogTable> = {}
): CatalogTable => ({
  type: "BASE TABLE",
  engine: "InnoDB",
  collation: "utf8mb4_0900_ai_ci",
  updatable: false,
  rows: 10,
  bytes: 16_384,
  columns,
  primaryKey: [],
  uniqueIndexes: [],
  triggers: [],
  constraints: [],
  ...over
})
