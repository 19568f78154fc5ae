import type { Dialect } from "./Dialect.js"
import { mysql } from "./mysql.js"
import { columnTypeWith } from "./mysql/columnTypes.js"
import { createTable } from "./mysql/createTable.js"
import { mariadbDeletion, mariadbUpsertTail } from "./upsert.js"

const columnType = columnTypeWith("utf8mb4_nopad_bin")

/** MariaDB 10.6 and later. Its literals are MySQL's, as the property test of the mapping shows on both. */
export const mariadb: Dialect = {
  ...mysql,
  name: "mariadb",
  columnType,
  createTable: createTable({ columnType, invisible: "DEFAULT 0 INVISIBLE" }),
  upsertTail: mariadbUpsertTail(mysql.identifier),
  deletion: mariadbDeletion(mysql.identifier)
}
