import type { Dialect } from "./Dialect.js"
import { makeLiteral } from "./literal.js"
import { columnType, spelling } from "./mysql/columnTypes.js"
import { createTable, identifier } from "./mysql/createTable.js"
import { mysqlDeletion, mysqlUpsertTail } from "./upsert.js"

/** MySQL 8.0.23 and later (invisible columns). */
export const mysql: Dialect = {
  name: "mysql",
  identifier,
  columnType,
  literal: (column) => makeLiteral(column, spelling),
  createTable: createTable({ columnType, invisible: "INVISIBLE" }),
  absent: "DEFAULT",
  upsertTail: mysqlUpsertTail(identifier),
  deletion: mysqlDeletion(identifier)
}
