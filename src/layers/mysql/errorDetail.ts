import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { columnOf, indexOf, type MysqlErrorDetail } from "../../domain/MysqlErrors.js"
import { keyColumnNames } from "../../domain/sql/TablePlan.js"
import type { Lane } from "./Lane.js"
import type { MysqlFailure } from "./MysqlFailure.js"
import { rowsOf, text } from "./session.js"

const decodeColumns = rowsOf(Schema.Struct({ name: Schema.String }))

/** The table that a statement of ours writes. */
const tableOf = (statement: string): string => {
  const [, quoted, bare] = /^INSERT INTO (?:`((?:[^`]|``)+)`|(\w+))/u.exec(statement) ?? []
  return quoted?.replaceAll("``", "`") ?? bare ?? ""
}

/**
 * Whether the index that a 1062 names is made of Tributary's key columns; undefined where the catalog lacks it. MariaDB
 * does not say of which table: then it is taken for one of the statement's own.
 */
const isOwnKey = (lane: Lane, index: string, statement: string): Effect.Effect<boolean | undefined, MysqlFailure> =>
  lane.run(
    "SELECT COLUMN_NAME AS name FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = DATABASE()"
      + ` AND (CONCAT(TABLE_NAME, '.', INDEX_NAME) = ${text(index)}`
      + ` OR (INDEX_NAME = ${text(index)} AND TABLE_NAME = ${text(tableOf(statement))}))`
  ).pipe(
    Effect.flatMap(decodeColumns),
    Effect.map((columns) => {
      if (columns.length === 0) return undefined
      const names = columns.map(({ name }) => name.toLowerCase())
      return names.length === keyColumnNames.length && keyColumnNames.every((name) => names.includes(name))
    })
  )

/**
 * What the class of an error depends on beside its code. Asked after the transaction has ended, on the same connection.
 * @param statement the statement that failed
 */
export const detailOf = (
  lane: Lane,
  failure: MysqlFailure,
  statement: string
): Effect.Effect<MysqlErrorDetail, MysqlFailure> => {
  switch (failure.code) {
    case 1062: {
      const index = indexOf(failure.message)
      if (index === undefined) return Effect.succeed({})
      return Effect.map(isOwnKey(lane, index, statement), (ownKey) => ownKey === undefined ? {} : { ownKey })
    }
    case 1364:
      // Raised only where no value was given at all: by a column that is not named, or by the keyword DEFAULT.
      return Effect.succeed({ fieldPresent: false })
    case 1048: {
      const column = columnOf(failure.text)
      const valuesAt = statement.search(/\) VALUES\b/u)
      // The whole name: `id` is no part of `order_id`. Without case, because the table may spell it otherwise.
      const names = statement.slice(0, valuesAt).toLowerCase()
      const named = column === undefined || names.includes(`\`${column.toLowerCase().replaceAll("`", "``")}\``)
      return Effect.succeed({ fieldPresent: named })
    }
    default:
      return Effect.succeed({})
  }
}
