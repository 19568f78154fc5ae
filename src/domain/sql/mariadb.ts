import type { Dialect } from "./Dialect.js"
import { mysql } from "./mysql.js"
import { createTable } from "./mysqlTables.js"

/** MariaDB 10.6 and later. Literals are MySQL's: proved value by value by the tests of the mapping. */
export const mariadb: Dialect = {
  ...mysql,
  name: "mariadb",
  createTable: createTable({ invisible: "DEFAULT 0 INVISIBLE" })
}
